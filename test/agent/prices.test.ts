/** Usage of both API shapes, and what it costs: by hand, and against the library that the prices come from. */
import { calcPrice } from "@pydantic/genai-prices";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import table from "#agent/price-table.json";
import { costUsd, PRICE_VERSION, priceOf } from "#agent/prices.ts";
import { readUsage } from "#agent/usage.ts";
import { makePriceTable } from "../../scripts/generate-prices.mjs";

const AT = Date.parse("2026-11-01T12:00:00Z");

function cost(model: string, raw: unknown, nowMs = AT): number | null {
  const usage = readUsage(raw)?.usage;
  if (usage === undefined) throw new Error("no usage");
  const price = priceOf(model, usage.input_tokens, nowMs);
  return price === null ? null : costUsd(usage, price);
}

/** As a provider of chat completions sends it. */
const chat = (
  prompt: number,
  completion: number,
  more: { cached?: number; written?: number; reasoning?: number } = {},
) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  prompt_tokens_details: { cached_tokens: more.cached ?? 0, cache_write_tokens: more.written ?? 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: more.reasoning ?? 0, accepted_prediction_tokens: 0 },
});

/** As the Responses API sends it. */
const responses = (input: number, output: number, more: { cached?: number; reasoning?: number } = {}) => ({
  input_tokens: input,
  output_tokens: output,
  total_tokens: input + output,
  input_tokens_details: { cached_tokens: more.cached ?? 0 },
  output_tokens_details: { reasoning_tokens: more.reasoning ?? 0 },
});

describe("usage", () => {
  test("both API shapes read alike", () => {
    const expected = {
      input_tokens: 2000,
      cached_tokens: 1500,
      cache_write_tokens: 0,
      output_tokens: 600,
      reasoning_tokens: 448,
    };
    expect(readUsage(chat(2000, 600, { cached: 1500, reasoning: 448 }))?.usage).toEqual(expected);
    expect(readUsage(responses(2000, 600, { cached: 1500, reasoning: 448 }))?.usage).toEqual(expected);
  });

  test("reasoning is part of the output; where a provider leaves it out, its total says so", () => {
    expect(readUsage(chat(10, 100, { reasoning: 80 }))?.usage.output_tokens).toBe(100);
    const beside = { ...chat(10, 100, { reasoning: 80 }), total_tokens: 190 };
    expect(readUsage(beside)?.usage).toMatchObject({ output_tokens: 180, reasoning_tokens: 80 });
  });

  test("parts are never more than the whole", () => {
    const odd = chat(10, 5, { cached: 30, written: 30, reasoning: 99 });
    expect(readUsage(odd)?.usage).toMatchObject({ cached_tokens: 10, cache_write_tokens: 0, reasoning_tokens: 5 });
  });

  test("a provider that says nothing, or nonsense, has not said zero", () => {
    for (const raw of [null, undefined, {}, { prompt_tokens: 3 }, { prompt_tokens: -1, completion_tokens: 1 }, "12"]) {
      expect(readUsage(raw)).toBeNull();
    }
  });

  test("details that are missing or null count nothing", () => {
    const bare = { prompt_tokens: 7, completion_tokens: 3, prompt_tokens_details: null };
    expect(readUsage(bare)?.usage).toMatchObject({ input_tokens: 7, cached_tokens: 0, output_tokens: 3 });
  });

  test("the provider's own cost is read beside it", () => {
    expect(readUsage({ ...chat(10, 5), cost: 0.0123 })?.costUsd).toBe(0.0123);
    expect(readUsage(chat(10, 5))?.costUsd).toBeNull();
  });
});

describe("cost, by hand", () => {
  test.each([
    // 500 × 0.25 + 1,500 × 0.025 + 600 × 2, a million
    ["gpt-5-mini", chat(2000, 600, { cached: 1500, reasoning: 448 }), 0.0013625],
    ["gpt-5-mini", responses(2000, 600, { cached: 1500, reasoning: 448 }), 0.0013625],
    // 1,000 × 2.5 + 1,000 × 1.25 + 250 × 10
    ["gpt-4o", chat(2000, 250, { cached: 1000 }), 0.00625],
    // o4-mini: 3,000 × 1.1 + 5,000 × 4.4; 4,800 of them reasoning
    ["o4-mini", responses(3000, 5000, { reasoning: 4800 }), 0.0253],
    // A dated snapshot and a gateway's id cost what the model costs.
    ["gpt-5-mini-2025-08-07", chat(1000, 1000), 0.00225],
    ["openai/gpt-5-mini", chat(1000, 1000), 0.00225],
  ])("%s", (model, raw, expected) => {
    const actual = cost(model, raw);
    expect(actual).not.toBeNull();
    expect(Math.abs((actual ?? 0) / expected - 1)).toBeLessThan(0.001);
  });

  test("a price that changed is that of the day", () => {
    expect(cost("o3", chat(1_000_000, 0), Date.parse("2025-06-09T23:00:00Z"))).toBe(10);
    expect(cost("o3", chat(1_000_000, 0), Date.parse("2025-06-10T00:00:00Z"))).toBe(2);
  });

  test("a model that is not in the table has no cost, not even of nothing", () => {
    expect(cost("my-own-model", chat(1000, 1000))).toBeNull();
    expect(cost("gpt-99", chat(0, 0))).toBeNull();
  });

  test("the demo model is known to be free", () => {
    expect(cost("weir-demo", chat(1000, 1000))).toBe(0);
  });
});

describe("price table", () => {
  test("is the one made from the installed price list", async () => {
    expect(await makePriceTable()).toEqual(table);
    expect(PRICE_VERSION).toMatch(/^genai-prices-\d+\.\d+\.\d+ \(\d{4}-\d{2}-\d{2}\)$/);
  });

  test("agrees with the library for every OpenAI model and any usage", () => {
    const names = Object.keys(table.models).filter((name) => /^(gpt|o\d|chatgpt)/.test(name));
    expect(names.length).toBeGreaterThan(60);
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(400_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(50_000),
        (model, input, cachedShare, writtenShare, output) => {
          const cached = Math.floor(input * cachedShare);
          const written = Math.floor((input - cached) * writtenShare);
          const theirs = calcPrice(
            { input_tokens: input, cache_read_tokens: cached, cache_write_tokens: written, output_tokens: output },
            model,
            { providerId: "openai", timestamp: new Date(AT) },
          );
          const ours = cost(model, chat(input, output, { cached, written }));
          expect(ours).toBeCloseTo(theirs?.total_price ?? Number.NaN, 9);
        },
      ),
      { numRuns: 500 },
    );
  });
});
