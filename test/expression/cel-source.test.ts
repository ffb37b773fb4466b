import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { prepareCelSource } from "#expression/cel-source.ts";
import { EXPRESSION_DEPTH_MAX } from "#expression/limits.ts";

function rewritten(source: string): string {
  const prepared = prepareCelSource(source);
  if (!prepared.ok) throw new Error(prepared.error);
  return prepared.value.text;
}

describe("cel source: $", () => {
  test.each([
    ["$.a", "output.a"],
    ["$.a+$.b", "output.a+output.b"],
    ["$ . a", "output . a"],
    ["$[0] == $", "output[0] == output"],
    ["'$.a'", "'$.a'"],
    ['"$.a" + $.a', '"$.a" + output.a'],
    ["'it\\'s $.a' + $.a", "'it\\'s $.a' + output.a"],
    ["r'\\' + $.a + '$.b'", "r'\\' + output.a + '$.b'"],
    ["br'\\' + $.a", "br'\\' + output.a"],
    ['R"\\" + $.a', 'R"\\" + output.a'],
    ["'\\\\' + $.a", "'\\\\' + output.a"],
    ["'''a ' $.b''' + $.a", "'''a ' $.b''' + output.a"],
    ['"""a " $.b""" + $.a', '"""a " $.b""" + output.a'],
    ["'' + $.a", "'' + output.a"],
    ["$.a // $.b ' \n + $.c", "output.a // $.b ' \n + output.c"],
    ["$.a / $.b", "output.a / output.b"],
    ["xr'\\' + $.a'", "xr'\\' + $.a'"],
    ["foo$.a", "foo$.a"],
    ["$$.a", "$$.a"],
    ["$foo", "$foo"],
  ])("%s becomes %s", (source, expected) => {
    expect(rewritten(source)).toBe(expected);
  });

  test("string literals stay byte for byte what they were", () => {
    const units = ["$", "$.", "a", " ", "/", "//", "é"];
    const escapes = ["\\\\", "\\'", '\\"', "\\n"];
    const text = (...allowed: string[]) => fc.string({ unit: fc.constantFrom(...units, ...allowed) });
    const literal = fc.oneof(
      text(...escapes, '"').map((content) => `'${content}'`),
      text(...escapes, "'").map((content) => `b"${content}"`),
      text("\\", '"').map((content) => `r'${content}'`),
      text(...escapes, '"', "' ", "'' ").map((content) => `'''${content}'''`),
      text("\\", "'", '" ').map((content) => `R"""${content}"""`),
    );
    fc.assert(
      fc.property(fc.array(literal, { minLength: 1, maxLength: 5 }), (literals) => {
        const source = literals.map((text) => `$.x + ${text}`).join(" + ");
        expect(rewritten(source)).toBe(literals.map((text) => `output.x + ${text}`).join(" + "));
      }),
    );
  });

  test("a place in the rewritten text is found in the original", () => {
    const prepared = prepareCelSource("$.a + $.b !");
    if (!prepared.ok) throw new Error(prepared.error);
    const { text, originalOffset } = prepared.value;
    expect(originalOffset(text.indexOf("output"))).toBe(0);
    expect(originalOffset(text.indexOf("tput"))).toBe(0);
    expect(originalOffset(text.indexOf(".a"))).toBe(1);
    expect(originalOffset(text.lastIndexOf("output"))).toBe(6);
    expect(originalOffset(text.indexOf("!"))).toBe(10);
  });
});

describe("cel source: nesting", () => {
  test.each([
    ["brackets", (levels: number) => `${"[".repeat(levels)}1${"]".repeat(levels)}`],
    ["ternaries", (levels: number) => `${"a ? b : ".repeat(levels)}c`],
    ["ternaries in a list", (levels: number) => `[1, ${"a ? b : ".repeat(levels)}c]`],
  ])("%s are bounded before the parser meets them", (_, source) => {
    expect(prepareCelSource(source(EXPRESSION_DEPTH_MAX)).ok).toBe(true);
    expect(prepareCelSource(source(EXPRESSION_DEPTH_MAX + 1)).ok).toBe(false);
  });

  test("brackets and question marks in text do not count", () => {
    const many = "([{?".repeat(EXPRESSION_DEPTH_MAX);
    expect(prepareCelSource(`'${many}' // ${many}`).ok).toBe(true);
  });
});
