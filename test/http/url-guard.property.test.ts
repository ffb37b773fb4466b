import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeUrl, type UrlPolicy } from "#http/url-guard.ts";

const strict: UrlPolicy = { allowPrivateHosts: new Set(), ownOrigins: new Set() };

type Octets = [number, number, number, number];

const octet = fc.integer({ min: 0, max: 255 });

/** IPv4 addresses from every block that is not public. */
const privateAddress: fc.Arbitrary<Octets> = fc.oneof(
  fc.tuple(fc.constantFrom(0, 10, 127), octet, octet, octet),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
  fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
  fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
  fc.tuple(fc.constant(198), fc.constantFrom(18, 19), octet, octet),
  fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
);

const spellNumber = fc.constantFrom(
  (value: number) => String(value),
  (value: number) => `0x${value.toString(16)}`,
  (value: number) => `0X${value.toString(16).toUpperCase().padStart(4, "0")}`,
  (value: number) => `0${value.toString(8)}`,
  (value: number) => `000${value.toString(8)}`,
);

const spellCharacter = fc.constantFrom(
  (character: string) => character,
  (character: string) => `%${character.charCodeAt(0).toString(16)}`,
  (character: string) => (/\d/.test(character) ? String.fromCharCode(character.charCodeAt(0) + 0xfee0) : character),
  (character: string) => (/\d/.test(character) ? String.fromCodePoint(0x1d7ce + Number(character)) : character),
  (character: string) => (/[1-9]/.test(character) ? String.fromCharCode(0x2460 + Number(character) - 1) : character),
);

const dot = fc.constantFrom(".", "。", "．", "｡", "%2e", "%2E");

/** An address as one to four numbers in any base, any character of it in any form that URL parsing undoes. */
function spelling(address: Octets): fc.Arbitrary<string> {
  return fc
    .record({
      parts: fc.integer({ min: 1, max: 4 }),
      numbers: fc.array(spellNumber, { minLength: 4, maxLength: 4 }),
      characters: fc.array(spellCharacter, { minLength: 64, maxLength: 64 }),
      dots: fc.array(dot, { minLength: 4, maxLength: 4 }),
      isDotted: fc.boolean(),
    })
    .map(({ parts, numbers, characters, dots, isDotted }) => {
      const last = address.slice(parts - 1).reduce((sum, value) => sum * 256 + value, 0);
      const spelled = [...address.slice(0, parts - 1), last].map((value, index) => numbers[index]?.(value) ?? "");
      let position = 0;
      const hosts = spelled.map((number) =>
        [...number].map((character) => characters[position++]?.(character) ?? character).join(""),
      );
      return hosts.map((host, index) => host + (index < parts - 1 || isDotted ? dots[index] : "")).join("");
    });
}

const spelledPrivate = privateAddress.chain((address) => fc.tuple(fc.constant(address), spelling(address)));

const hex = (high: number, low: number) => (high * 256 + low).toString(16);

const embeddings: ((address: Octets) => string)[] = [
  (a) => `::${a.join(".")}`,
  (a) => `::ffff:${a.join(".")}`,
  (a) => `0:0:0:0:0:FFFF:${hex(a[0], a[1])}:${hex(a[2], a[3])}`,
  (a) => `::ffff:0:${a.join(".")}`,
  (a) => `64:ff9b::${a.join(".")}`,
  (a) => `64:ff9b:1::${hex(a[0], a[1])}:${hex(a[2], a[3])}`,
  (a) => `2002:${hex(a[0], a[1])}:${hex(a[2], a[3])}::1`,
  (a) => `2001:0:${hex(a[0], a[1])}:${hex(a[2], a[3])}::`,
];

describe("URL guard: any spelling of a private address", () => {
  test("is refused as an address", () => {
    fc.assert(
      fc.property(spelledPrivate, fc.constantFrom("http", "https", "HTTP"), ([address, host], scheme) => {
        const url = `${scheme}://${host}/`;
        expect(new URL(url).hostname).toBe(address.join("."));
        expect(judgeUrl(url, strict)).toMatchObject({ allowed: false, reason: "address" });
      }),
      { numRuns: 2_000 },
    );
  });

  test("is refused inside IPv6", () => {
    fc.assert(
      fc.property(privateAddress, fc.constantFrom(...embeddings), (address, embed) => {
        expect(judgeUrl(`http://[${embed(address)}]/`, strict)).toMatchObject({ allowed: false, reason: "address" });
      }),
    );
  });

  test("while the same spellings of a public address pass", () => {
    const spelledPublic = fc
      .tuple(fc.integer({ min: 11, max: 99 }), octet, octet, octet)
      .chain((address) => spelling(address));
    fc.assert(
      fc.property(spelledPublic, (host) => {
        expect(judgeUrl(`http://${host}/`, strict).allowed).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("never makes the guard throw, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.webUrl()), (text) => {
        expect(typeof judgeUrl(text, strict).allowed).toBe("boolean");
      }),
      { numRuns: 1_000 },
    );
  });
});
