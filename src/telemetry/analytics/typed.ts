/** Expressions once they are checked: names are positions, every part has a type, every call its function. */
import type { Place } from "./sql-error.ts";
import type { SqlType, Value } from "./sql-types.ts";

export type Typed = {
  type: SqlType;
  place: Place;
  /** The same for expressions that mean the same: what GROUP BY and SELECT are compared by. */
  key: string;
} & (
  | { node: "constant"; value: Value }
  | { node: "column"; index: number }
  /** The result of an aggregate, by its position; gone once groups are columns. */
  | { node: "aggregate"; index: number }
  /** `apply` may throw an SqlError; then it is called only for rows that need its value. */
  | { node: "call"; name: string; apply: (...values: never[]) => Value; args: Typed[]; mayFail: boolean }
  /** if, AND and OR: what they do not need is not evaluated. */
  | { node: "choose"; condition: Typed; yes: Typed; no: Typed; mayFail: boolean }
);

export function mayFail(typed: Typed): boolean {
  return (typed.node === "call" || typed.node === "choose") && typed.mayFail;
}

export function constantOf(value: Value, type: SqlType, place: Place): Typed & { node: "constant" } {
  const key = `${type.kind}${JSON.stringify(typeof value === "number" && !Number.isFinite(value) ? String(value) : value)}`;
  return { node: "constant", value, type, place, key };
}

export function columnOf(index: number, type: SqlType, place: Place): Typed {
  return { node: "column", index, type, place, key: `#${index}` };
}

/** A call with its key; evaluated at once when everything it needs is known. */
export function callOf(
  name: string,
  place: Place,
  args: readonly Typed[],
  { type, apply, mayFail: fails = false }: { type: SqlType; apply: (...values: never[]) => Value; mayFail?: boolean },
): Typed {
  if (args.every((arg) => arg.node === "constant")) {
    const given = args.map((arg) => (arg.node === "constant" ? arg.value : 0));
    return constantOf((apply as (...values: Value[]) => Value)(...given), type, place);
  }
  const key = `${name}(${args.map((arg) => arg.key).join(",")})`;
  return { node: "call", name, type, place, key, apply, args: [...args], mayFail: fails || args.some(mayFail) };
}

export function chooseOf(place: Place, type: SqlType, condition: Typed, yes: Typed, no: Typed): Typed {
  if (condition.node === "constant") {
    const chosen = condition.value === 0 ? no : yes;
    if (chosen.node === "constant") return constantOf(chosen.value, type, place);
  }
  const parts = [condition, yes, no];
  const key = `if(${parts.map((part) => part.key).join(",")})`;
  return { node: "choose", type, place, key, condition, yes, no, mayFail: parts.some(mayFail) };
}

/** A column of a table or of a subquery. */
export interface Column {
  name: string;
  type: SqlType;
}
