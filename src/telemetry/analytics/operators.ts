/** What operators take, give and compute. */
import type { BinaryOperator, IntervalUnit } from "./ast.ts";
import { civilFromSeconds, daysInMonth, parseDateTime, secondsFromCivil } from "./calendar.ts";
import { likeMatcher } from "./like.ts";
import { compareValues } from "./order.ts";
import { type Place, SqlError, shown } from "./sql-error.ts";
import {
  commonType,
  DATE,
  DATETIME,
  differenceType,
  FLOAT64,
  INT32,
  isMoment,
  isNumber,
  type NumberType,
  negatedType,
  remainderType,
  type SqlType,
  sumType,
  typeName,
  UINT8,
  type Value,
} from "./sql-types.ts";
import { callOf, chooseOf, constantOf, type Typed } from "./typed.ts";

const DAY = 86_400;

const COMPARE: Readonly<Record<string, { numbers: (a: number, b: number) => number; order: (o: number) => boolean }>> =
  {
    "=": { numbers: (a, b) => Number(a === b), order: (o) => o === 0 },
    "<>": { numbers: (a, b) => Number(a !== b), order: (o) => o !== 0 },
    "<": { numbers: (a, b) => Number(a < b), order: (o) => o < 0 },
    ">": { numbers: (a, b) => Number(a > b), order: (o) => o > 0 },
    "<=": { numbers: (a, b) => Number(a <= b), order: (o) => o <= 0 },
    ">=": { numbers: (a, b) => Number(a >= b), order: (o) => o >= 0 },
  };

export function binary(operator: BinaryOperator, left: Typed, right: Typed, place: Place): Typed {
  if (operator === "AND" || operator === "OR") return logical(operator, left, right, place);
  if (operator in COMPARE) return comparison(operator, left, right, place);
  if (left.type.kind === "interval" || right.type.kind === "interval") return shift(operator, left, right, place);
  if (isMoment(left.type) || isMoment(right.type)) return momentArithmetic(operator, left, right, place);
  const a = numberOperand(left, operator);
  const b = numberOperand(right, operator);
  const args = [left, right];
  switch (operator) {
    case "+":
      return callOf("+", place, args, { type: sumType(a, b), apply: (x: number, y: number) => x + y });
    case "-":
      return callOf("-", place, args, { type: differenceType(a, b), apply: (x: number, y: number) => x - y });
    case "*":
      return callOf("*", place, args, { type: sumType(a, b), apply: (x: number, y: number) => x * y });
    case "/":
      return callOf("/", place, args, { type: FLOAT64, apply: (x: number, y: number) => x / y });
    default:
      return remainder(a, b, args, place);
  }
}

function numberOperand({ type, place }: Typed, operator: string): NumberType {
  if (isNumber(type)) return type;
  throw new SqlError(place, `${operator} needs a number here, this is ${typeName(type)}`);
}

function remainder(a: NumberType, b: NumberType, args: Typed[], place: Place): Typed {
  const type = remainderType(a, b);
  if (type.kind === "float") return callOf("%", place, args, { type, apply: (x: number, y: number) => x % y });
  const apply = (x: number, y: number) => {
    if (y === 0) throw new SqlError(place, "% by 0: write if(b = 0, 0, a % b)");
    return (x % y) + 0;
  };
  return callOf("%", place, args, { type, apply, mayFail: true });
}

function logical(operator: "AND" | "OR", left: Typed, right: Typed, place: Place): Typed {
  for (const side of [left, right]) condition(side, operator);
  const truth = (typed: Typed) =>
    callOf("truth", typed.place, [typed], { type: UINT8, apply: (value: number) => Number(value !== 0) });
  const [yes, no] = [constantOf(1, UINT8, place), constantOf(0, UINT8, place)];
  return operator === "AND"
    ? chooseOf(place, UINT8, left, truth(right), no)
    : chooseOf(place, UINT8, left, yes, truth(right));
}

/** Refuses what is not a condition. */
export function condition({ type, place }: Typed, what: string): void {
  if (isNumber(type)) return;
  throw new SqlError(place, `${what} needs a condition here, this is ${typeName(type)}`);
}

export function negation(operand: Typed, place: Place): Typed {
  const type = negatedType(numberOperand(operand, "-"));
  return callOf("negate", place, [operand], { type, apply: (x: number) => 0 - x });
}

export function not(operand: Typed, place: Place): Typed {
  condition(operand, "NOT");
  return callOf("not", place, [operand], { type: UINT8, apply: (x: number) => Number(x === 0) });
}

function comparison(operator: string, left: Typed, right: Typed, place: Place): Typed {
  const compare = COMPARE[operator];
  if (compare === undefined) throw new Error(`no comparison ${operator}`);
  const [a, b] = comparable(left, right, place);
  if (a.type.kind === "string" || a.type.kind === "array") {
    const apply = (x: Value, y: Value) => Number(compare.order(compareValues(x, y)));
    return callOf(operator, place, [a, b], { type: UINT8, apply });
  }
  return callOf(operator, place, [a, b], { type: UINT8, apply: compare.numbers });
}

/** Both sides in one type: strings written out are read as moments beside one. */
function comparable(left: Typed, right: Typed, place: Place): [Typed, Typed] {
  if (isMoment(left.type) && right.type.kind === "string") return [asMoment(left), literalMoment(right, left.type)];
  if (isMoment(right.type) && left.type.kind === "string") return [literalMoment(left, right.type), asMoment(right)];
  if (left.type.kind !== right.type.kind && isMoment(left.type) && isMoment(right.type)) {
    return [asMoment(left), asMoment(right)];
  }
  const isMixed = (isMoment(left.type) && isNumber(right.type)) || (isNumber(left.type) && isMoment(right.type));
  if (isMixed || (left.type.kind !== "interval" && commonType(left.type, right.type) !== null)) return [left, right];
  const hint = left.type.kind === "string" || right.type.kind === "string" ? ": quote both or none" : "";
  throw new SqlError(place, `cannot compare ${typeName(left.type)} with ${typeName(right.type)}${hint}`);
}

function asMoment(typed: Typed): Typed {
  if (typed.type.kind !== "date") return typed;
  return callOf("moment", typed.place, [typed], { type: DATETIME, apply: (days: number) => days * DAY });
}

function literalMoment(typed: Typed, beside: SqlType): Typed {
  if (typed.node !== "constant") {
    throw new SqlError(typed.place, "a moment is compared with a moment: write toDateTime(…)");
  }
  const zone = beside.kind === "datetime" ? beside.zone : null;
  const seconds = parseDateTime(typed.value as string, zone);
  if (seconds === null) {
    throw new SqlError(typed.place, `'${shown(typed.value as string)}' is not a moment: write 'YYYY-MM-DD hh:mm:ss'`);
  }
  return constantOf(seconds, DATETIME, typed.place);
}

export function isIn(operand: Typed, list: readonly Typed[], negated: boolean, place: Place): Typed {
  const values = new Set<Value>();
  for (const item of list) {
    if (item.node !== "constant") throw new SqlError(item.place, "IN takes values written out: compare columns with =");
    const [, right] = comparable(operand, item, item.place);
    if (right.node === "constant") values.add(right.value);
  }
  const [side] = comparable(operand, list[0] as Typed, place);
  const name = `${negated ? "not in" : "in"} ${JSON.stringify([...values].map(String))}`;
  return callOf(name, place, [side], {
    type: UINT8,
    apply: (value: Value) => Number(values.has(value) !== negated),
  });
}

export function isLike(operand: Typed, pattern: Typed, ignoreCase: boolean, negated: boolean, place: Place): Typed {
  const name = ignoreCase ? "ILIKE" : "LIKE";
  if (operand.type.kind !== "string") {
    throw new SqlError(operand.place, `${name} needs a string here, this is ${typeName(operand.type)}`);
  }
  if (pattern.node !== "constant" || pattern.type.kind !== "string") {
    throw new SqlError(pattern.place, `the pattern of ${name} is a 'string' written out`);
  }
  const matches = likeMatcher(pattern.value as string, ignoreCase);
  return callOf(`${negated ? "not " : ""}${name} ${JSON.stringify(pattern.value)}`, place, [operand], {
    type: UINT8,
    apply: negated ? (text: string) => 1 - matches(text) : matches,
  });
}

/** A moment plus or minus an interval. */
function shift(operator: BinaryOperator, left: Typed, right: Typed, place: Place): Typed {
  const [moment, interval] = right.type.kind === "interval" ? [left, right] : [right, left];
  const isSum = operator === "+" || (operator === "-" && right.type.kind === "interval");
  if (!isSum || !isMoment(moment.type) || interval.type.kind !== "interval") {
    throw new SqlError(place, "an interval is added to a DateTime or taken from one: NOW() - INTERVAL '1' HOUR");
  }
  const unit = interval.type.unit as IntervalUnit;
  const sign = operator === "-" ? -1 : 1;
  const { kind } = moment.type;
  const zone = moment.type.kind === "datetime" ? moment.type.zone : null;
  const isDays = kind === "date" && (unit === "YEAR" || unit === "MONTH" || unit === "DAY");
  const move = (seconds: number, count: number) => moved(seconds, sign * count, unit, zone);
  if (isDays) {
    const apply = (days: number, count: number) => move(days * DAY, count) / DAY;
    return callOf(`${operator}${unit}`, place, [moment, interval], { type: DATE, apply });
  }
  const type: SqlType = kind === "date" ? DATETIME : moment.type;
  return callOf(`${operator}${unit}`, place, [asMoment(moment), interval], { type, apply: move });
}

function moved(seconds: number, count: number, unit: IntervalUnit, zone: string | null): number {
  switch (unit) {
    case "SECOND":
      return seconds + count;
    case "MINUTE":
      return seconds + count * 60;
    case "HOUR":
      return seconds + count * 3_600;
    default: {
      const civil = civilFromSeconds(seconds, zone);
      if (unit === "DAY") return secondsFromCivil({ ...civil, day: civil.day + count }, zone);
      const months = civil.year * 12 + civil.month - 1 + (unit === "YEAR" ? 12 * count : count);
      const year = Math.floor(months / 12);
      const month = (((months % 12) + 12) % 12) + 1;
      // The last day of a month stays within its month.
      return secondsFromCivil({ ...civil, year, month, day: Math.min(civil.day, daysInMonth(year, month)) }, zone);
    }
  }
}

function momentArithmetic(operator: BinaryOperator, left: Typed, right: Typed, place: Place): Typed {
  const plus = { type: left.type, apply: (x: number, y: number) => x + Math.trunc(y) };
  if (operator === "-" && isMoment(left.type) && isMoment(right.type)) {
    const args = left.type.kind === right.type.kind ? [left, right] : [asMoment(left), asMoment(right)];
    return callOf("-", place, args, { type: INT32, apply: (x: number, y: number) => x - y });
  }
  if (operator === "+" && isMoment(left.type) && isNumber(right.type)) return callOf("+", place, [left, right], plus);
  if (operator === "+" && isNumber(left.type) && isMoment(right.type)) {
    return callOf("+", place, [right, left], { ...plus, type: right.type });
  }
  if (operator === "-" && isMoment(left.type) && isNumber(right.type)) {
    return callOf("-", place, [left, right], { ...plus, apply: (x: number, y: number) => x - Math.trunc(y) });
  }
  throw new SqlError(
    place,
    `${operator} does not take ${typeName(left.type)} and ${typeName(right.type)}: toUnixTimestamp gives a number`,
  );
}

export function choice(test: Typed, then: Typed, otherwise: Typed, place: Place): Typed {
  condition(test, "if");
  const type = commonType(then.type, otherwise.type);
  if (type === null) {
    throw new SqlError(
      place,
      `if gives ${typeName(then.type)} or ${typeName(otherwise.type)}: both must be of one kind`,
    );
  }
  const side = (typed: Typed) => (type.kind === "datetime" ? asMoment(typed) : typed);
  return chooseOf(place, type, test, side(then), side(otherwise));
}
