import { describe, expect, test } from "vitest";
import { patchNumberOf } from "#api/patch-schemas.ts";

describe("If-Match of a patch", () => {
  test.each([
    [undefined, null],
    ["*", null],
    ['"0"', 0],
    ['"12"', 12],
    [' "3" ', 3],
    ["3", 3],
  ])("%s allows %s", (header, number) => {
    expect(patchNumberOf(header)).toBe(number);
  });

  test.each(["", '"x"', 'W/"1"', '"1", "2"', '"-1"', '"1.5"', '"9999999999"', '"'])("%s matches no run", (header) => {
    expect(() => patchNumberOf(header)).toThrow(expect.objectContaining({ code: "precondition_failed" }));
  });
});
