/** The cache against a model: a list in order of use, cut from its front. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WeightedCache } from "#kernel/weighted-cache.ts";
import { holds } from "../support/property.ts";

const WEIGHT_MAX = 10;

describe("WeightedCache", () => {
  test("keeps what was used last, within its weight, and always what was set last", () => {
    const key = fc.constantFrom("a", "b", "c", "d", "e");
    // Several fit, and now and then one that weighs more than all may.
    const weights = fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 4 }) }, fc.nat({ max: WEIGHT_MAX + 2 }));
    const step = fc.oneof(
      fc.record({ do: fc.constant("set" as const), key, weight: weights, value: fc.nat() }),
      fc.record({ do: fc.constant("get" as const), key }),
      fc.record({ do: fc.constant("delete" as const), key }),
    );
    holds(
      fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
        const cache = new WeightedCache<number>(WEIGHT_MAX);
        let model: { key: string; value: number; weight: number }[] = [];
        const weight = () => model.reduce((sum, entry) => sum + entry.weight, 0);
        for (const each of steps) {
          const entry = model.find((known) => known.key === each.key);
          const others = model.filter((known) => known !== entry);
          if (each.do === "set") {
            cache.set(each.key, each.value, each.weight);
            model = [...others, each];
            while (weight() > WEIGHT_MAX && model.length > 1) model = model.slice(1);
          } else if (each.do === "get") {
            expect(cache.get(each.key)).toBe(entry?.value);
            if (entry !== undefined) model = [...others, entry];
          } else {
            cache.delete(each.key);
            model = others;
          }
          expect([cache.size, cache.weight]).toEqual([model.length, weight()]);
          expect(cache.weightOf(each.key)).toBe(model.find((known) => known.key === each.key)?.weight ?? 0);
        }
        for (const { key, value } of model) expect(cache.get(key)).toBe(value);
      }),
      500,
    );
  });
});
