/** Functions of numbers: mathematics, rounding, conversion to whole numbers. */
import { SqlError, shown } from "../sql-error.ts";
import { FLOAT64, isNumber, type NumberType, quotientType, UINT8, UINT32, wrapped } from "../sql-types.ts";
import {
  type Call,
  constantWhole,
  hasArgument,
  numberArgument,
  placeOf,
  type ScalarFunction,
  typeOf,
} from "./declare.ts";

/** Decimal places that rounding may keep, or places before the point that it may clear. */
const DECIMALS_MAX = 15;

export const NUMBER_FUNCTIONS: readonly ScalarFunction[] = [
  {
    name: "intDiv",
    usage: "intDiv(a, b)",
    description: "a / b without its fraction; b must not be 0",
    least: 2,
    most: 2,
    mayFail: true,
    check(call) {
      const type = quotientType(numberArgument(call, 0), numberArgument(call, 1));
      return {
        type,
        apply(a: number, b: number) {
          if (Math.trunc(b) === 0) throw new SqlError(call.place, "intDiv by 0: write if(b = 0, 0, intDiv(a, b))");
          return wrapped(Math.trunc(a / b) + 0, type);
        },
      };
    },
  },
  {
    name: "log",
    aliases: ["ln"],
    usage: "log(x)",
    description: "natural logarithm",
    least: 1,
    most: 1,
    check(call) {
      numberArgument(call, 0);
      return { type: FLOAT64, apply: Math.log };
    },
  },
  {
    name: "pow",
    usage: "pow(x, y)",
    description: "x raised to the power of y",
    least: 2,
    most: 2,
    check(call) {
      numberArgument(call, 0);
      numberArgument(call, 1);
      return { type: FLOAT64, apply: Math.pow };
    },
  },
  rounding(
    "round",
    "rounded to the nearest, halves to the even neighbour",
    roundHalfEven,
    (x) => Math.sign(x) * Math.round(Math.abs(x)),
  ),
  rounding("floor", "rounded down", Math.floor, Math.floor),
  rounding("ceil", "rounded up", Math.ceil, Math.ceil),
  conversion("toUInt8", UINT8),
  conversion("toUInt32", UINT32),
];

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}

/** `ofFloat` rounds numbers with a fraction, `ofWhole` whole ones to tens, hundreds and so on. */
function rounding(
  name: string,
  what: string,
  ofFloat: (x: number) => number,
  ofWhole: (x: number) => number,
): ScalarFunction {
  return {
    name,
    usage: `${name}(x[, n])`,
    description: `x ${what}, to a whole number or to n decimal places`,
    least: 1,
    most: 2,
    check(call) {
      const type = numberArgument(call, 0);
      const places = hasArgument(call, 1) ? constantWhole(call, 1) : 0;
      if (Math.abs(places) > DECIMALS_MAX) {
        throw new SqlError(placeOf(call, 1), `${name} keeps at most ${DECIMALS_MAX} places`);
      }
      const round = type.kind === "float" ? ofFloat : ofWhole;
      if (places === 0) return { type, apply: type.kind === "float" ? round : (x: number) => x };
      if (places < 0) {
        const size = 10 ** -places;
        return { type, apply: (x: number) => round(x / size) * size + 0 };
      }
      const scale = 10 ** places;
      return { type, apply: type.kind === "float" ? (x: number) => round(x * scale) / scale : (x: number) => x };
    },
  };
}

function conversion(name: string, type: NumberType): ScalarFunction {
  return {
    name,
    usage: `${name}(x)`,
    description: `a number, a moment or a string of digits as ${type.bits} bits without sign; fractions are cut off`,
    least: 1,
    most: 1,
    mayFail: true,
    check(call) {
      const from = typeOf(call, 0);
      if (from.kind === "array" || from.kind === "interval") {
        throw new SqlError(placeOf(call, 0), `${name} needs a number, a DateTime or a string here`);
      }
      if (from.kind === "string") return { type, apply: (text: string) => wrapped(parseWhole(call, text), type) };
      if (isNumber(from) && from.kind !== "float") return { type, apply: (x: number) => wrapped(x, type) };
      return { type, apply: (x: number) => (Number.isFinite(x) ? wrapped(Math.trunc(x), type) : 0) };
    },
  };
}

function parseWhole(call: Call, text: string): number {
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw new SqlError(call.place, `${call.name} cannot read '${shown(text)}' as a whole number`);
}
