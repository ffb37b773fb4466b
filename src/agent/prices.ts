/**
 * What tokens cost: a dated table made from a public price list, by model id whichever endpoint answers. A model that
 * is not in it has no price, which is null and never 0.
 */
import { DEMO_MODEL } from "./demo-name.ts";
import table from "./price-table.json";
import type { Usage } from "./usage.ts";

export const PRICE_VERSION: string = table.price_version;

/** USD a million tokens. */
export interface Price {
  input: number;
  cached: number;
  cacheWrite: number;
  output: number;
}

/** Null: as the input. */
type Rates = readonly (number | null)[];

interface PriceVersion {
  /** The day it began; absent: from the beginning. */
  from?: string;
  rates: Rates;
  /** Rates of a whole call whose input is longer than so many tokens. */
  above?: readonly (readonly [number, Rates])[];
}

const PRICES = table.prices as unknown as readonly (readonly PriceVersion[])[];
const MODELS: ReadonlyMap<string, number> = new Map(Object.entries(table.models));
const PREFIXES = table.prefixes as unknown as readonly (readonly [string, number])[];

const FREE: Price = { input: 0, cached: 0, cacheWrite: 0, output: 0 };
const TOKENS_PER_RATE = 1_000_000;

/** The price of a call that reads `inputTokens` at `nowMs`; null for a model that the table does not know. */
export function priceOf(model: string, inputTokens: number, nowMs: number): Price | null {
  if (model === DEMO_MODEL) return FREE;
  const versions = versionsOf(model);
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const version = versions?.findLast(({ from }) => from === undefined || from <= today);
  if (version === undefined) return null;
  const tier = version.above?.findLast(([start]) => inputTokens > start);
  return priceFrom(tier?.[1] ?? version.rates);
}

export function costUsd(usage: Usage, price: Price): number {
  const { input_tokens: input, cached_tokens: cached, cache_write_tokens: written, output_tokens: output } = usage;
  const rated =
    (input - cached - written) * price.input +
    cached * price.cached +
    written * price.cacheWrite +
    output * price.output;
  return rated / TOKENS_PER_RATE;
}

function versionsOf(model: string): readonly PriceVersion[] | undefined {
  // Gateways put the vendor in front: "openai/gpt-5-mini".
  const id = model.slice(model.lastIndexOf("/") + 1);
  const index = MODELS.get(id) ?? PREFIXES.find(([prefix]) => id.startsWith(prefix))?.[1];
  return index === undefined ? undefined : PRICES[index];
}

function priceFrom([input, cached, cacheWrite, output]: Rates): Price {
  const asInput = input ?? 0;
  return { input: asInput, cached: cached ?? asInput, cacheWrite: cacheWrite ?? asInput, output: output ?? 0 };
}
