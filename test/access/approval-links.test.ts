import { describe, expect, test } from "vitest";
import { type ApprovalLink, ApprovalLinks } from "#access/approval-links.ts";
import { newNonce, TOKEN_LENGTH_MAX } from "#access/signed-text.ts";

const link: ApprovalLink = {
  tenant: "acme",
  approvalId: "apr_xx00001JD00000000000000000000-1-approve",
  keyId: "key_1",
  voter: "Zoë <zoe@example.com>",
  nonce: newNonce(),
  expiresAt: 1_800_000_000_000,
};

const links = new ApprovalLinks("weir_secret");

describe("a signed link", () => {
  test("opens to what was signed, in any isolate with the same secret", async () => {
    const token = await links.sign(link);
    expect(token).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/);
    expect(await links.open(token)).toEqual(link);
    expect(await new ApprovalLinks("weir_secret").open(token)).toEqual(link);
  });

  test("is nobody's under another secret", async () => {
    expect(await new ApprovalLinks("weir_other").open(await links.sign(link))).toBeNull();
  });

  test("is not signed with the secret itself", async () => {
    const token = await links.sign(link);
    const [text = "", mac] = token.split(".");
    const bytes = new TextEncoder().encode("weir_secret");
    const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const plain = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
    expect(Buffer.from(plain).toString("base64url")).not.toBe(mac);
  });

  test("is nobody's with any one character changed, left out or added", async () => {
    const token = await links.sign(link);
    const end = token.length - 1;
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === "A" ? "B" : "A";
      // The last character of base64 has bits that say nothing.
      if (at !== end) expect(await links.open(token.slice(0, at) + other + token.slice(at + 1))).toBeNull();
      expect(await links.open(token.slice(0, at) + token.slice(at + 1))).toBeNull();
      expect(await links.open(`${token.slice(0, at)}A${token.slice(at)}`)).toBeNull();
    }
  });

  test("cannot be given another tenant, voter or time by whoever has one", async () => {
    const [text = "", mac = ""] = (await links.sign(link)).split(".");
    const claims = JSON.parse(Buffer.from(text, "base64url").toString()) as unknown[];
    for (const [index, value] of [
      [0, "globex"],
      [3, "mallory"],
      [5, link.expiresAt + 1],
    ] as const) {
      const forged = claims.with(index, value);
      const payload = Buffer.from(JSON.stringify(forged)).toString("base64url");
      expect(await links.open(`${payload}.${mac}`)).toBeNull();
    }
  });

  test("texts of another form are nobody's", async () => {
    for (const text of [
      "",
      ".",
      "a",
      "a.b",
      "ü.ü",
      "..",
      `.${"A".repeat(43)}`,
      `${"A".repeat(40)}.${"A".repeat(43)}`,
    ]) {
      expect(await links.open(text)).toBeNull();
    }
  });

  test("has a bound of length, at its edge too", async () => {
    const longest = async (length: number) => links.sign({ ...link, voter: "v".repeat(length) });
    let length = 1_000;
    while ((await longest(length + 1)).length <= TOKEN_LENGTH_MAX) length++;
    expect(await links.open(await longest(length))).toMatchObject({ voter: "v".repeat(length) });
    expect(await links.open(await longest(length + 1))).toBeNull();
  });
});

test("nonces are 128 random bits", () => {
  const nonces = Array.from({ length: 1_000 }, newNonce);
  expect(new Set(nonces).size).toBe(1_000);
  expect(nonces.every((nonce) => /^[A-Za-z0-9_-]{22}$/.test(nonce))).toBe(true);
});
