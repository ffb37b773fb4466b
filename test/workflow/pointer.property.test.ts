/** JSON Pointers: written and read back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonPointer } from "#kernel/json.ts";
import { parsePointer } from "#workflow/pointer.ts";
import { pointerName } from "../support/arbitrary-json.ts";
import { holds } from "../support/property.ts";

describe("pointers", () => {
  test("what is written is read back", () => {
    holds(
      fc.property(fc.array(pointerName, { maxLength: 6 }), (tokens) => {
        expect(parsePointer(jsonPointer(tokens))).toEqual({ ok: true, value: { tokens } });
      }),
      300,
    );
  });

  test("any text is either refused or written again as it was", () => {
    const unit = fc.constantFrom("/", "~", "0", "1", "a", "-", "__proto__", "constructor");
    holds(
      fc.property(fc.oneof(fc.string({ unit }), fc.string({ unit: "binary" })), (pointer) => {
        const read = parsePointer(pointer);
        if (read.ok) expect(jsonPointer(read.value.tokens)).toBe(pointer);
        else expect(read.error).not.toBe("");
      }),
      500,
    );
  });
});
