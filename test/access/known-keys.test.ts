import { beforeEach, describe, expect, test } from "vitest";
import {
  KNOWN_KEY_AGE_MS_MAX,
  KNOWN_KEY_TTL_MS,
  KNOWN_KEYS_MAX,
  type KnownKey,
  KnownKeys,
  REFRESH_MS,
  UNKNOWN_KEY_TTL_MS,
  UNKNOWN_KEYS_MAX,
} from "#access/known-keys.ts";

const key = (keyId: string, tenant = "acme"): KnownKey => ({
  principal: { keyId, tenant, scopes: new Set() },
  expiresAt: null,
});

let memory: KnownKeys;

beforeEach(() => {
  memory = new KnownKeys();
});

describe("good keys", () => {
  test("are believed for their time, then one caller is asked to read again while others go on", () => {
    memory.put("d", key("one"), 0);
    expect(memory.get("d", KNOWN_KEY_TTL_MS - 1)).toMatchObject({ isFresh: true });
    expect(memory.get("d", KNOWN_KEY_TTL_MS)).toMatchObject({ isFresh: false });
    expect(memory.get("d", KNOWN_KEY_TTL_MS + REFRESH_MS - 1)).toMatchObject({ isFresh: true });
    expect(memory.get("d", KNOWN_KEY_TTL_MS + REFRESH_MS)).toMatchObject({ isFresh: false });
  });

  test("are not believed beyond their greatest age, however often they were read in vain", () => {
    memory.put("d", key("one"), 0);
    for (let at = 0; at < KNOWN_KEY_AGE_MS_MAX; at += 100) expect(memory.get("d", at)).not.toBeNull();
    expect(memory.get("d", KNOWN_KEY_AGE_MS_MAX)).toBeNull();
    expect(KNOWN_KEY_AGE_MS_MAX).toBeLessThan(60_000);
  });

  test("the least recently used one makes room at the bound", () => {
    for (let i = 0; i < KNOWN_KEYS_MAX; i++) memory.put(`d${i}`, key(`k${i}`), 0);
    expect(memory.get("d0", 1)).not.toBeNull();
    memory.put("one more", key("more"), 1);
    expect(memory.size).toBe(KNOWN_KEYS_MAX);
    expect(memory.get("d0", 2)).not.toBeNull();
    expect(memory.get("d1", 2)).toBeNull();
    expect(memory.get("one more", 2)).not.toBeNull();
  });

  test("are forgotten by id or by tenant, and no others with them", () => {
    memory.put("a", key("one"), 0);
    memory.put("b", key("two"), 0);
    memory.put("c", key("three", "globex"), 0);
    memory.forget(({ keyId }) => keyId === "one");
    expect([memory.get("a", 1), memory.get("b", 1)]).toEqual([null, { key: key("two"), isFresh: true }]);
    memory.forget(({ tenant }) => tenant === "acme");
    expect([memory.get("b", 1), memory.get("c", 1)]).toEqual([null, { key: key("three", "globex"), isFresh: true }]);
  });

  test("one that D1 no longer has is forgotten", () => {
    memory.put("d", key("one"), 0);
    memory.putUnknown("d", 1);
    expect(memory.get("d", 2)).toBeNull();
  });
});

describe("unknown keys", () => {
  test("are remembered for their time", () => {
    memory.putUnknown("d", 0);
    expect(memory.isUnknown("d", UNKNOWN_KEY_TTL_MS - 1)).toBe(true);
    expect(memory.isUnknown("d", UNKNOWN_KEY_TTL_MS)).toBe(false);
  });

  test("at the bound nothing is asked any more until the oldest has had its time", () => {
    for (let i = 0; i < UNKNOWN_KEYS_MAX - 1; i++) memory.putUnknown(`d${i}`, i);
    expect(memory.busyForMs(UNKNOWN_KEYS_MAX)).toBe(0);
    memory.putUnknown("last", UNKNOWN_KEYS_MAX);
    expect(memory.busyForMs(UNKNOWN_KEYS_MAX)).toBe(UNKNOWN_KEY_TTL_MS - UNKNOWN_KEYS_MAX);
    memory.putUnknown("beyond", UNKNOWN_KEYS_MAX);
    expect(memory.isUnknown("beyond", UNKNOWN_KEYS_MAX)).toBe(false);
    expect(memory.busyForMs(UNKNOWN_KEY_TTL_MS)).toBe(0);
  });

  test("a flood of them pushes no good key out", () => {
    memory.put("good", key("one"), 0);
    for (let i = 0; i < 5 * UNKNOWN_KEYS_MAX; i++) memory.putUnknown(`guess${i}`, 1);
    expect(memory.get("good", 2)).toEqual({ key: key("one"), isFresh: true });
  });
});
