/** Which moments a WHERE lets through at most: what lies outside need not be read. */
import type { SelectPlan } from "./plan.ts";
import type { Typed } from "./typed.ts";

/** Seconds, both included. */
export interface TimeBounds {
  from: number;
  to: number;
}

export const ALWAYS: TimeBounds = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** What the condition demands of column `index`, together with `bounds`. */
export function narrowed(bounds: TimeBounds, where: Typed | null, index: number): TimeBounds {
  let { from, to } = bounds;
  for (const part of where === null ? [] : conjuncts(where)) {
    if (part.node !== "call" || part.args.length !== 2) continue;
    const [left, right] = part.args as [Typed, Typed];
    const isForward = left.node === "column" && left.index === index && right.node === "constant";
    const isBackward = right.node === "column" && right.index === index && left.node === "constant";
    if (!isForward && !isBackward) continue;
    const limit = (isForward ? right : left) as Typed & { node: "constant" };
    if (typeof limit.value !== "number") continue;
    const operator = isForward ? part.name : (MIRRORED[part.name] ?? part.name);
    if (operator === ">" || operator === ">=" || operator === "=") from = Math.max(from, limit.value);
    if (operator === "<" || operator === "<=" || operator === "=") to = Math.min(to, limit.value);
  }
  return { from, to };
}

const MIRRORED: Readonly<Record<string, string>> = { "<": ">", ">": "<", "<=": ">=", ">=": "<=" };

/** The conditions that must all hold. */
function conjuncts(typed: Typed): Typed[] {
  if (typed.node === "choose" && typed.no.node === "constant" && typed.no.value === 0) {
    return [...conjuncts(typed.condition), ...conjuncts(typed.yes)];
  }
  if (typed.node === "call" && typed.name === "truth" && typed.args[0] !== undefined) return conjuncts(typed.args[0]);
  return [typed];
}

/** The column of the source that output `index` passes on unchanged; null when it does not, or rows are cut before. */
export function passedThrough(select: SelectPlan, index: number): number | null {
  if (select.isGrouped || select.limit !== null || select.offset > 0) return null;
  const value = select.outputs[index]?.value;
  return value?.node === "column" ? value.index : null;
}
