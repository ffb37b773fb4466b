import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { noRedactor, REDACTED, redactorOf } from "#http/redaction.ts";
import type { Json } from "#kernel/json.ts";

const SECRET = `p@ss/w+rd "<&'\\ é=1`;

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

const ECHOES: [string, string][] = [
  ["as it is", SECRET],
  ["in JSON", JSON.stringify(SECRET).slice(1, -1)],
  ["in JSON with escaped slashes", JSON.stringify(SECRET).slice(1, -1).replaceAll("/", "\\/")],
  ["in JSON as Go writes it", `p@ss/w+rd \\"\\u003c\\u0026'\\\\ é=1`],
  ["in JSON as .NET writes it", "p@ss/w\\u002Brd \\u0022\\u003C\\u0026\\u0027\\\\ \\u00E9=1"],
  ["in JSON as Python writes it", `p@ss/w+rd \\"<&'\\\\ \\u00e9=1`],
  ["in a URL", encodeURIComponent(SECRET)],
  ["in a URL with small hex digits", encodeURIComponent(SECRET).replace(/%../g, (hex) => hex.toLowerCase())],
  ["in a URL, RFC 3986", encodeURIComponent(SECRET).replaceAll("'", "%27")],
  ["in a URL within a URL", encodeURIComponent(encodeURIComponent(SECRET))],
  ["in a form", new URLSearchParams({ "": SECRET }).toString().slice(1)],
  ["in HTML", "p@ss/w+rd &quot;&lt;&amp;&#39;\\ é=1"],
  ["in base64", base64(SECRET)],
  ["in base64url", Buffer.from(SECRET).toString("base64url")],
  ["as bytes read as Latin-1", Buffer.from(SECRET).toString("latin1")],
];

describe("redaction", () => {
  test.each(ECHOES)("takes out an echo %s", (_, echo) => {
    expect(redactorOf([SECRET]).text(`before ${echo} after`)).toBe(`before ${REDACTED} after`);
  });

  test.each(["", "a", "ab", "user:", "longer:"])(
    "takes what tells the value out of base64 of %j before it",
    (prefix) => {
      const secret = "correct-horse-battery";
      for (const suffix of ["", "x", "yz"]) {
        const redacted = redactorOf([secret]).text(base64(prefix + secret + suffix));
        expect(redacted).toContain(REDACTED);
        const left = Buffer.from(redacted.replace(REDACTED, ""), "base64").toString("latin1");
        expect(left).not.toMatch(/orrec|horse|batter/);
      }
    },
  );

  test("takes out every echo of every secret, the longest first", () => {
    const redactor = redactorOf(["canary", "canary-longer"]);
    expect(redactor.text("canary canary-longer canary")).toBe(`${REDACTED} ${REDACTED} ${REDACTED}`);
  });

  test("goes through strings, keys and numbers of JSON", () => {
    const value: Json = { "a canary-1": ["canary-1", { b: "x canary-1 y" }], n: 12345678, m: 2, t: true, z: null };
    expect(redactorOf(["canary-1", "345678"]).json(value)).toEqual({
      [`a ${REDACTED}`]: [REDACTED, { b: `x ${REDACTED} y` }],
      n: REDACTED,
      m: 2,
      t: true,
      z: null,
    });
  });

  test("leaves everything else as it is", () => {
    const redactor = redactorOf(["canary-1"]);
    for (const text of ["", "canary-2", "CANARY-1", "canary", "$& $1"]) expect(redactor.text(text)).toBe(text);
    expect(noRedactor.text("canary-1")).toBe("canary-1");
    expect(noRedactor.json({ a: 1 })).toEqual({ a: 1 });
  });

  test("no value survives in any of its simple forms", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, unit: "grapheme" }), fc.string(), fc.string(), (secret, before, after) => {
        fc.pre(!REDACTED.includes(secret));
        const redactor = redactorOf([secret]);
        for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), base64(secret)]) {
          expect(redactor.text(before + form + after).includes(secret)).toBe(false);
          expect(redactor.text(`<${form}>`)).toBe(`<${REDACTED}>`);
        }
      }),
    );
  });

  test("takes time with the text, whatever the secret", () => {
    const startedMs = performance.now();
    const secrets = [
      `${"a".repeat(2_000)}b`,
      ...Array.from({ length: 50 }, (_, index) => `secret+/${index}${"x".repeat(40)}`),
    ];
    redactorOf(secrets).text("a".repeat(5_000_000));
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
