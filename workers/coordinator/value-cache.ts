/**
 * Large values of runs in memory, parsed: what the nodes of a map or a loop read over and over stands in storage as text.
 * Few and small enough together; storage is the truth, and values never change.
 */
import type { Json } from "#kernel/json.ts";
import { WeightedCache } from "#kernel/weighted-cache.ts";

/** Characters of text that the kept values take together; parsed they take a few times that. */
export const VALUE_CACHE_UNITS_MAX = 4 * 1_048_576;

export class ValueCache {
  readonly #values = new WeightedCache<{ value: Json }>(VALUE_CACHE_UNITS_MAX);

  read(key: string, readText: () => string): Json {
    const known = this.#values.get(key);
    if (known !== undefined) return known.value;
    const text = readText();
    const value = JSON.parse(text) as Json;
    if (text.length <= VALUE_CACHE_UNITS_MAX) this.#values.set(key, { value }, text.length);
    return value;
  }

  /** What was read may have been taken back. */
  forget(): void {
    this.#values.clear();
  }
}
