/** The keyring with a clock of the test's own; in workerd, because Node has no constant-time comparison of its kind. */
import { beforeEach, describe, expect, test } from "vitest";
import { digestOf, hexOf, KEY_LENGTH_MAX, newKeyText } from "#access/key-text.ts";
import { Keyring } from "#access/keyring.ts";
import {
  KNOWN_KEY_AGE_MS_MAX,
  KNOWN_KEY_TTL_MS,
  type KnownKey,
  UNKNOWN_KEY_TTL_MS,
  UNKNOWN_KEYS_MAX,
} from "#access/known-keys.ts";
import { SCOPES } from "#access/scopes.ts";

const OPERATOR_KEY = "weir_the-operator";

let nowMs: number;
let stored: Map<string, KnownKey>;
let reads: string[];
let read: (digest: string) => Promise<KnownKey | null>;

/** An isolate: all of them read the same D1. */
const isolate = (operatorKey = OPERATOR_KEY) =>
  new Keyring({ operatorKey, find: (digest) => read(digest), clock: { nowMs: () => nowMs } });

async function storeKey(keyId: string, expiresAt: number | null = null): Promise<{ text: string; digest: string }> {
  const text = newKeyText();
  const digest = hexOf(await digestOf(text));
  stored.set(digest, { principal: { keyId, tenant: "acme", scopes: new Set(["read"]) }, expiresAt });
  return { text, digest };
}

const outcome = async (keyring: Keyring, key: string) => (await keyring.recognise(key)).outcome;

beforeEach(() => {
  nowMs = 1_000_000;
  stored = new Map();
  reads = [];
  read = async (digest) => {
    reads.push(digest);
    return stored.get(digest) ?? null;
  };
});

describe("keyring: the operator", () => {
  test("has every scope and the tenant default, without a look into D1", async () => {
    const recognised = await isolate().recognise(OPERATOR_KEY);
    expect(recognised).toEqual({
      outcome: "recognised",
      principal: { keyId: "operator", tenant: "default", scopes: new Set(SCOPES) },
    });
    expect(reads).toEqual([]);
  });

  test("without a secret nobody is recognised, whatever D1 holds", async () => {
    const { text } = await storeKey("one");
    expect(isolate("").isReady).toBe(false);
    expect(await outcome(isolate(""), text)).toBe("unknown");
    expect(await outcome(isolate(""), "")).toBe("unknown");
  });

  test("a key of the greatest length is looked at, a longer one is not", async () => {
    const longest = "k".repeat(KEY_LENGTH_MAX);
    expect(await outcome(isolate(longest), longest)).toBe("recognised");
    expect(await outcome(isolate(`${longest}k`), `${longest}k`)).toBe("unknown");
  });
});

describe("keyring: keys of D1", () => {
  test("are read once and then known, with tenant and scopes", async () => {
    const keyring = isolate();
    const { text, digest } = await storeKey("one");
    for (let i = 0; i < 5; i++) {
      expect(await keyring.recognise(text)).toEqual({
        outcome: "recognised",
        principal: { keyId: "one", tenant: "acme", scopes: new Set(["read"]) },
      });
    }
    expect(reads).toEqual([digest]);
  });

  test("revoked here, a key is unknown at once; in another isolate within 60 s", async () => {
    const [here, elsewhere] = [isolate(), isolate()];
    const { text, digest } = await storeKey("one");
    expect([await outcome(here, text), await outcome(elsewhere, text)]).toEqual(["recognised", "recognised"]);
    stored.delete(digest);
    here.forgetKey("one");
    expect(await outcome(here, text)).toBe("unknown");
    expect(await outcome(elsewhere, text)).toBe("recognised");
    nowMs += KNOWN_KEY_TTL_MS - 1;
    expect(await outcome(elsewhere, text)).toBe("recognised");
    nowMs += 1;
    expect(await outcome(elsewhere, text)).toBe("unknown");
  });

  test("the keys of a tenant that was deleted here are unknown at once", async () => {
    const keyring = isolate();
    const { text, digest } = await storeKey("one");
    expect(await outcome(keyring, text)).toBe("recognised");
    stored.delete(digest);
    keyring.forgetTenant("acme");
    expect(await outcome(keyring, text)).toBe("unknown");
  });

  test("an answer of D1 that a revocation overtook is not remembered", async () => {
    const keyring = isolate();
    const { text, digest } = await storeKey("one");
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<KnownKey | null>();
    read = () => {
      asked.resolve();
      return answered.promise;
    };
    const early = keyring.recognise(text);
    await asked.promise;
    const known = stored.get(digest) ?? null;
    stored.delete(digest);
    keyring.forgetKey("one");
    answered.resolve(known);
    expect((await early).outcome).toBe("recognised");
    read = async () => null;
    expect(await outcome(keyring, text)).toBe("unknown");
  });

  test("expiry holds at the millisecond, for a key that is known too", async () => {
    const keyring = isolate();
    const { text } = await storeKey("one", nowMs + 1_000);
    expect(await outcome(keyring, text)).toBe("recognised");
    nowMs += 999;
    expect(await outcome(keyring, text)).toBe("recognised");
    nowMs += 1;
    expect(await outcome(keyring, text)).toBe("unknown");
    expect(reads).toHaveLength(1);
  });

  test("while D1 does not answer a known key goes on, up to its greatest age", async () => {
    const keyring = isolate();
    const { text } = await storeKey("one");
    expect(await outcome(keyring, text)).toBe("recognised");
    read = () => Promise.reject(new Error("no D1"));
    nowMs += KNOWN_KEY_TTL_MS;
    expect(await outcome(keyring, text)).toBe("recognised");
    nowMs += KNOWN_KEY_AGE_MS_MAX - KNOWN_KEY_TTL_MS - 1;
    expect(await outcome(keyring, text)).toBe("recognised");
    nowMs += 1;
    await expect(keyring.recognise(text)).rejects.toThrow("no D1");
  });
});

describe("keyring: guesses", () => {
  test("what cannot be a key is not looked for", async () => {
    const keyring = isolate();
    for (const text of ["", "weir_", "weir_wrong", "x".repeat(48), `${newKeyText()}=`]) {
      expect(await outcome(keyring, text)).toBe("unknown");
    }
    expect(reads).toEqual([]);
  });

  test("the same unknown key is asked about once in its time", async () => {
    const keyring = isolate();
    const text = newKeyText();
    for (let i = 0; i < 5; i++) expect(await outcome(keyring, text)).toBe("unknown");
    expect(reads).toHaveLength(1);
    nowMs += UNKNOWN_KEY_TTL_MS;
    expect(await outcome(keyring, text)).toBe("unknown");
    expect(reads).toHaveLength(2);
  });

  test("a flood of different ones reaches D1 up to the bound; known keys go on, are read again, and others wait", async () => {
    const keyring = isolate();
    const good = await storeKey("good");
    const late = await storeKey("late");
    expect(await outcome(keyring, good.text)).toBe("recognised");
    nowMs += KNOWN_KEY_TTL_MS;
    for (let i = 0; i < UNKNOWN_KEYS_MAX; i++) expect(await outcome(keyring, newKeyText())).toBe("unknown");
    expect(reads).toHaveLength(1 + UNKNOWN_KEYS_MAX);
    const busy = { outcome: "busy", retryAfterMs: UNKNOWN_KEY_TTL_MS };
    for (let i = 0; i < 10; i++) expect(await keyring.recognise(newKeyText())).toEqual(busy);
    expect(await keyring.recognise(late.text)).toEqual(busy);
    expect(reads).toHaveLength(1 + UNKNOWN_KEYS_MAX);
    expect(await outcome(keyring, good.text)).toBe("recognised");
    expect(reads.at(-1)).toBe(good.digest);
    nowMs += UNKNOWN_KEY_TTL_MS;
    expect(await outcome(keyring, late.text)).toBe("recognised");
  });
});
