/** Texts with interpolations and objects, one for each combination of the values that their parts give. */
import type { Json } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { formatText } from "./formats.ts";
import type { Syntax } from "./syntax.ts";
import { JqError, text, typeName } from "./values.ts";

/** Gives each value of a part. */
export type Operand = (part: Syntax, next: (value: Json) => void) => void;

/** The last interpolation varies slowest. */
export function makeText(
  syntax: Extract<Syntax, { kind: "text" }>,
  dropped: number,
  tail: string,
  operand: Operand,
  work: Work,
  emit: (made: string) => void,
): void {
  const part = syntax.parts.at(-1 - dropped);
  if (part === undefined) {
    emit(tail);
    return;
  }
  if (typeof part === "string") {
    makeText(syntax, dropped + 1, part + tail, operand, work, emit);
    return;
  }
  operand(part, (one) => {
    const piece = syntax.format === "@text" ? text(one, work) : formatText(syntax.format, one, work);
    work.chargeText(piece.length + tail.length);
    makeText(syntax, dropped + 1, piece + tail, operand, work, emit);
  });
}

/** The first member varies slowest; `made` is what stands before the member at `index`. */
export function makeObject(
  members: readonly { key: Syntax; value: Syntax }[],
  index: number,
  made: readonly (readonly [string, Json])[],
  operand: Operand,
  work: Work,
  emit: (made: Json) => void,
): void {
  const member = members[index];
  if (member === undefined) {
    work.charge(made.length);
    emit(Object.fromEntries(made));
    return;
  }
  operand(member.key, (key) => {
    if (typeof key !== "string") throw new JqError(`Object keys must be strings, not ${typeName(key)}`);
    operand(member.value, (one) => makeObject(members, index + 1, [...made, [key, one]], operand, work, emit));
  });
}
