/** Functions of bits. Up to 32 bits by the machine's own operators; wider numbers by BigInt, exact to 2^53. */
import { bitsType, FLOAT64, isNumber, type NumberType, UINT8 } from "../sql-types.ts";
import { numberArgument, type ScalarFunction, wholeArgument } from "./declare.ts";

export const BIT_FUNCTIONS: readonly ScalarFunction[] = [
  combining("bitAnd", "the bits that both have", (a, b) => a & b),
  combining("bitOr", "the bits that either has", (a, b) => a | b),
  combining("bitXor", "the bits that one of both has", (a, b) => a ^ b),
  {
    name: "bitNot",
    usage: "bitNot(a)",
    description: "every bit flipped",
    least: 1,
    most: 1,
    check(call) {
      const type = wholeArgument(call, 0);
      return { type, apply: (a: number) => fromBits(~BigInt(a), type) };
    },
  },
  moving("bitShiftLeft", "moved left by n, zeros come in", (bits, n, width) => (n >= width ? 0n : bits << n)),
  moving("bitShiftRight", "moved right by n", (bits, n, width) => (n >= width ? 0n : bits >> n), true),
  moving("bitRotateLeft", "moved left by n, what falls out comes in on the right", rotateLeft),
  moving("bitRotateRight", "moved right by n, what falls out comes in on the left", (bits, n, width) =>
    rotateLeft(bits, width - (n % width), width),
  ),
  {
    name: "bitTest",
    usage: "bitTest(a, n)",
    description: "bit n of a, counted from 0 at the lowest",
    least: 2,
    most: 2,
    check(call) {
      const type = wholeArgument(call, 0);
      wholeArgument(call, 1);
      return {
        type: UINT8,
        apply: (a: number, n: number) => (n < 0 || n >= type.bits ? 0 : Number((toBits(a, type) >> BigInt(n)) & 1n)),
      };
    },
  },
  {
    name: "bitCount",
    usage: "bitCount(a)",
    description: "how many bits are 1; of a number with a fraction, those of its 64-bit form",
    least: 1,
    most: 1,
    check(call) {
      const type = numberArgument(call, 0);
      return { type: UINT8, apply: (a: number) => countOnes(toBits(a, type)) };
    },
  },
  {
    name: "bitHammingDistance",
    usage: "bitHammingDistance(a, b)",
    description: "how many bits of a and b differ",
    least: 2,
    most: 2,
    check(call) {
      const type = bitsType(wholeArgument(call, 0), wholeArgument(call, 1));
      return { type: UINT8, apply: (a: number, b: number) => countOnes(toBits(a, type) ^ toBits(b, type)) };
    },
  },
];

function combining(name: string, what: string, combine: (a: bigint, b: bigint) => bigint): ScalarFunction {
  return {
    name,
    usage: `${name}(a, b)`,
    description: what,
    least: 2,
    most: 2,
    check(call) {
      const type = bitsType(wholeArgument(call, 0), wholeArgument(call, 1));
      return { type, apply: (a: number, b: number) => fromBits(combine(BigInt(a), BigInt(b)), type) };
    },
  };
}

function moving(
  name: string,
  what: string,
  move: (bits: bigint, n: bigint, width: bigint) => bigint,
  keepsSign = false,
): ScalarFunction {
  return {
    name,
    usage: `${name}(a, n)`,
    description: `a with its bits ${what}`,
    least: 2,
    most: 2,
    check(call) {
      const type = wholeArgument(call, 0);
      wholeArgument(call, 1);
      const width = BigInt(type.bits);
      return {
        type,
        apply: (a: number, n: number) =>
          fromBits(move(keepsSign ? BigInt(a) : toBits(a, type), BigInt(Math.max(0, n)), width), type),
      };
    },
  };
}

function rotateLeft(bits: bigint, n: bigint, width: bigint): bigint {
  const by = n % width;
  return (bits << by) | (bits >> (width - by));
}

/** The bits of a number as those of a number without sign. */
function toBits(value: number, type: NumberType): bigint {
  if (type.kind !== "float") return BigInt.asUintN(type.bits, BigInt(value));
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function fromBits(bits: bigint, type: NumberType): number {
  return Number(type.kind === "int" ? BigInt.asIntN(type.bits, bits) : BigInt.asUintN(type.bits, bits));
}

function countOnes(bits: bigint): number {
  let ones = 0;
  for (let rest = bits; rest > 0n; rest &= rest - 1n) ones += 1;
  return ones;
}

/** A number's bytes, highest first: what `bin` and `hex` of a number print. */
export function bytesOf(value: number, type: NumberType): number[] {
  const bits = isNumber(type) ? toBits(value, type) : 0n;
  const count = type.kind === "float" ? FLOAT64.bits / 8 : type.bits / 8;
  return Array.from({ length: count }, (_, index) => Number((bits >> BigInt(8 * (count - 1 - index))) & 0xffn));
}
