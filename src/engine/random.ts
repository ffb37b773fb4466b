/**
 * Randomness that is the same every time it is asked for: seeded by the run and a purpose, so that planning stays
 * pure and a replayed log gives the same jitter and ids. Not for secrets.
 */
import { hash32 } from "#kernel/ids.ts";

/** Numbers in [0, 1), the same sequence for the same seed (mulberry32). */
export function seededRandom(seed: string): () => number {
  let state = hash32(seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A version 4 UUID (RFC 9562) from the seed. */
export function seededUuid(seed: string): string {
  const bytes: number[] = [];
  // Four independent streams: one 32-bit state alone would make ids of different seeds collide too often.
  for (const part of ["a", "b", "c", "d"]) {
    const random = seededRandom(`${part}/${seed}`);
    for (let i = 0; i < 4; i++) bytes.push(Math.floor(random() * 256));
  }
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

const ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID of this time whose random part comes from the seed. */
export function seededUlid(nowMs: number, seed: string): string {
  let time = "";
  for (let left = nowMs, digit = 0; digit < 10; digit++, left = Math.floor(left / 32)) {
    time = (ULID_DIGITS[left % 32] ?? "0") + time;
  }
  let rest = "";
  for (const part of ["a", "b", "c", "d"]) {
    const random = seededRandom(`${part}/${seed}`);
    for (let i = 0; i < 4; i++) rest += ULID_DIGITS[Math.floor(random() * 32)] ?? "0";
  }
  return time + rest;
}
