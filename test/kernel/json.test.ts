/** Canonical JSON against the samples of RFC 8785, and the bounds of what is taken for JSON. */
import { describe, expect, test } from "vitest";
import { canonicalJson, isDeeperThan, JSON_DEPTH_MAX, type Json, jsonProblem } from "#kernel/json.ts";

/** A double from its bits, in hexadecimal. */
function double(bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

function nested(depth: number, innermost: Json = 1): Json {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

describe("canonical JSON: RFC 8785", () => {
  test.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("appendix B: %s is %s", (bits, written) => {
    expect(canonicalJson(double(bits))).toBe(written);
    expect(canonicalJson([double(bits), { n: double(bits) }])).toBe(`[${written},{"n":${written}}]`);
  });

  test.each(["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])(
    "appendix B: %s has no form and is refused",
    (bits) => {
      expect(() => canonicalJson(double(bits))).toThrow();
      expect(() => canonicalJson({ a: [double(bits)] })).toThrow();
    },
  );

  test("section 3.2.2: primitive values", () => {
    const sample = `{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`;
    expect(canonicalJson(JSON.parse(sample))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("section 3.2.3: members stand in the order of their names' UTF-16 units", () => {
    const sample = `{
      "\\u20ac": "Euro Sign",
      "\\r": "Carriage Return",
      "\\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\\ud83d\\ude00": "Emoji: Grinning Face",
      "\\u0080": "Control",
      "\\u00f6": "Latin Small Letter O With Diaeresis"
    }`;
    expect(
      Object.values(
        JSON.parse(`[${[...canonicalJson(JSON.parse(sample)).matchAll(/:("[^"]*")/g)].map(([, value]) => value)}]`),
      ),
    ).toEqual([
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  test.each(["\ud800", "a\udfffb", "\ude00\ud83d"])("half of a surrogate pair is refused", (half) => {
    expect(() => canonicalJson(half)).toThrow();
    expect(() => canonicalJson({ [half]: 1 })).toThrow();
  });

  test("what is not JSON is refused", () => {
    expect(() => canonicalJson(undefined as unknown as Json)).toThrow(TypeError);
  });
});

describe("what is taken for JSON", () => {
  test("depth, at its edge", () => {
    expect(jsonProblem(nested(JSON_DEPTH_MAX))).toBeNull();
    expect(jsonProblem(nested(JSON_DEPTH_MAX + 1))).toContain("at most 64 levels");
    expect(jsonProblem(nested(JSON_DEPTH_MAX, []))).toContain("at most 64 levels");
    expect(isDeeperThan(nested(100_000))).toBe(true);
  });

  test.each([
    ["half of a surrogate pair", { a: ["\ud800"] }, "surrogate"],
    ["half of a surrogate pair in a name", [{ "\udc00": 1 }], "surrogate"],
    ["a number that overflows", JSON.parse("[1e999]"), "too large"],
  ])("%s is a problem", (_, value, message) => {
    expect(jsonProblem(value)).toContain(message);
  });
});
