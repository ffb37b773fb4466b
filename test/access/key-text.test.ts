import { describe, expect, test } from "vitest";
import { digestOf, hexOf, isKeyText, newKeyText, visiblePrefix } from "#access/key-text.ts";

describe("the text of a key", () => {
  test("is weir_ and 256 bits of base64url, never the same twice", () => {
    const texts = Array.from({ length: 1_000 }, newKeyText);
    expect(new Set(texts).size).toBe(1_000);
    for (const text of texts) {
      expect(text).toMatch(/^weir_[A-Za-z0-9_-]{43}$/);
      expect(Buffer.from(text.slice("weir_".length), "base64url")).toHaveLength(32);
      expect(isKeyText(text)).toBe(true);
    }
  });

  test.each(["weir_", "weir_short", `weir_${"a".repeat(42)}`, `weir_${"a".repeat(44)}`, `weir_${"+".repeat(43)}`])(
    "%s is none that Weir made",
    (text) => {
      expect(isKeyText(text)).toBe(false);
    },
  );

  test("shows its first six random characters and no more", () => {
    expect(visiblePrefix(`weir_abcdef${"g".repeat(37)}`)).toBe("weir_abcdef");
  });

  test("is kept as its SHA-256 (FIPS 180-2, B.1)", async () => {
    const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(hexOf(await digestOf("abc"))).toBe(digest);
  });
});
