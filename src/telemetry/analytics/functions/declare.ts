/** How a scalar function is declared: its names, what it takes and gives, what it means, and how it is computed. */
import { type Place, SqlError } from "../sql-error.ts";
import { isMoment, isNumber, isWhole, type NumberType, type SqlType, typeName, type Value } from "../sql-types.ts";
import type { Typed } from "../typed.ts";

// biome-ignore lint/suspicious/noExplicitAny: each function knows the types of its own arguments from its check
export type Apply = (...values: any[]) => Value;

/** A call whose arguments are checked, on its way to get a type. */
export interface Call {
  name: string;
  place: Place;
  args: readonly Typed[];
  /** The moment that `now()` is in all of the query, in seconds. */
  nowSeconds: number;
}

export interface ScalarFunction {
  name: string;
  aliases?: readonly string[];
  /** As it is written, for documents and messages. */
  usage: string;
  description: string;
  least: number;
  most: number;
  /** What the call gives; throws an SqlError at the argument that does not fit. */
  check(call: Call): { type: SqlType; apply: Apply };
  /** Whether `apply` may throw for some values. */
  mayFail?: boolean;
}

function argument(call: Call, index: number): Typed {
  const arg = call.args[index];
  if (arg === undefined) throw new Error(`${call.name} was checked with too few arguments`);
  return arg;
}

function refuse(call: Call, index: number, wanted: string): never {
  const arg = argument(call, index);
  throw new SqlError(arg.place, `${call.name} needs ${wanted} here, this is ${typeName(arg.type)}`);
}

export function hasArgument(call: Call, index: number): boolean {
  return index < call.args.length;
}

export function numberArgument(call: Call, index: number): NumberType {
  const { type } = argument(call, index);
  return isNumber(type) ? type : refuse(call, index, "a number");
}

export function wholeArgument(call: Call, index: number): NumberType {
  const { type } = argument(call, index);
  return isWhole(type) ? type : refuse(call, index, "a whole number (toUInt32 makes one)");
}

export function textArgument(call: Call, index: number): void {
  if (argument(call, index).type.kind !== "string") refuse(call, index, "a string (format('{}', x) makes one)");
}

/** The zone that a moment is read in; dates are of none. */
export function momentArgument(call: Call, index: number): { isDate: boolean; zone: string | null } {
  const { type } = argument(call, index);
  if (!isMoment(type)) refuse(call, index, "a DateTime (toDateTime makes one)");
  return { isDate: type.kind === "date", zone: type.kind === "datetime" ? type.zone : null };
}

export function typeOf(call: Call, index: number): SqlType {
  return argument(call, index).type;
}

/** A string that stands in the query itself. */
export function constantText(call: Call, index: number): string {
  const arg = argument(call, index);
  if (arg.node !== "constant" || typeof arg.value !== "string") {
    throw new SqlError(arg.place, `${call.name} needs a 'string' written out here`);
  }
  return arg.value;
}

export function constantWhole(call: Call, index: number): number {
  const arg = argument(call, index);
  if (arg.node !== "constant" || !isWhole(arg.type)) {
    throw new SqlError(arg.place, `${call.name} needs a whole number written out here`);
  }
  return arg.value as number;
}

export function placeOf(call: Call, index: number): Place {
  return argument(call, index).place;
}
