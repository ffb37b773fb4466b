/** What a model writes, told while it writes: in pieces that join up, not too often, and to nobody when nobody watches. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ASK_AGAIN_MS, LiveText, TELL_EVERY_MS, TELLING_UNITS_MAX, type TextPiece } from "#agent/live-text.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function listener(isWatched: () => boolean | Promise<boolean> = () => true) {
  const tellings: { at: number; pieces: TextPiece[] }[] = [];
  const from = Date.now();
  const live = new LiveText(
    async (pieces) => {
      tellings.push({ at: Date.now() - from, pieces });
      return isWatched();
    },
    { nowMs: () => Date.now() },
  );
  return { live, tellings };
}

describe("live text", () => {
  test("is told at most every quarter of a second, in pieces that join up", async () => {
    const { live, tellings } = listener();
    const words = Array.from({ length: 100 }, (_, index) => `word${index} `);
    for (const word of words) {
      live.hear(1, word);
      await vi.advanceTimersByTimeAsync(20);
    }
    await live.close();
    expect(tellings.length).toBeLessThanOrEqual(2_000 / TELL_EVERY_MS + 2);
    expect(tellings.length).toBeGreaterThan(4);
    let text = "";
    for (const piece of tellings.flatMap(({ pieces }) => pieces)) {
      expect([piece.turn, piece.offset]).toEqual([1, text.length]);
      text += piece.text;
    }
    expect(text).toBe(words.join(""));
  });

  test("of the next turn is a piece of its own, from offset 0", async () => {
    const { live, tellings } = listener();
    live.hear(1, "one");
    live.hear(2, "two");
    live.hear(2, "three");
    await live.close();
    expect(tellings.map(({ pieces }) => pieces)).toEqual([
      [
        { turn: 1, offset: 0, text: "one" },
        { turn: 2, offset: 0, text: "twothree" },
      ],
    ]);
  });

  test("is not gathered while nobody watches, who is asked for every two seconds", async () => {
    let isWatched = false;
    const { live, tellings } = listener(() => isWatched);
    for (let ms = 0; ms < 5_000; ms += 10) {
      if (ms === 3_000) isWatched = true;
      live.hear(1, "x");
      await vi.advanceTimersByTimeAsync(10);
    }
    await live.close();
    const unwatched = tellings.filter(({ at }) => at < 3_000);
    expect(unwatched.map(({ at }) => Math.round(at / ASK_AGAIN_MS))).toEqual([0, 1]);
    const [first] = tellings.filter(({ at }) => at >= 3_000);
    // What was written before somebody came is not told: the offset says how much.
    expect(first?.pieces[0]?.offset).toBeGreaterThan(300);
    const told = tellings.filter(({ at }) => at >= 3_000).flatMap(({ pieces }) => pieces);
    expect((told.at(-1)?.offset ?? 0) + (told.at(-1)?.text.length ?? 0)).toBe(500);
  });

  test("beyond the bound of a telling is left out, and the offset shows it", async () => {
    const { live, tellings } = listener();
    live.hear(1, "a".repeat(TELLING_UNITS_MAX - 1));
    live.hear(1, "bcd");
    await vi.advanceTimersByTimeAsync(0);
    live.hear(1, "e");
    await live.close();
    expect(tellings.map(({ pieces }) => pieces.map(({ offset, text }) => [offset, text.length]))).toEqual([
      [[0, TELLING_UNITS_MAX]],
      [[TELLING_UNITS_MAX + 2, 1]],
    ]);
  });

  test("that cannot be told ends with the answer all the same", async () => {
    const { live, tellings } = listener(async () => {
      throw new Error("the shard was reset");
    });
    live.hear(1, "a");
    await vi.advanceTimersByTimeAsync(10);
    live.hear(1, "b");
    await live.close();
    expect(tellings).toHaveLength(1);
  });
});
