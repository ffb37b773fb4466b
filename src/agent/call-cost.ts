/** What a call cost and by whose word: the provider's own figure, a price set by the tenant, the table, or nobody's. */
import type { CallFacts } from "./model.ts";
import { costUsd, PRICE_VERSION, type Price, priceOf } from "./prices.ts";

export interface CallCost {
  usd: number | null;
  priceVersion: string | null;
}

/** `setPrice`: the tenant's own, which wins over the table. */
export function costOfCall(facts: CallFacts, model: string, setPrice: Price | null, nowMs: number): CallCost {
  if (facts.providerCostUsd !== null) return { usd: facts.providerCostUsd, priceVersion: "provider" };
  if (facts.usage === null) return { usd: null, priceVersion: null };
  if (setPrice !== null) return { usd: costUsd(facts.usage, setPrice), priceVersion: "set" };
  const { input_tokens: input } = facts.usage;
  // An alias such as "latest" is priced by what answered; a name that only a gateway knows by what was asked for.
  const price = priceOf(facts.answeredModel ?? model, input, nowMs) ?? priceOf(model, input, nowMs);
  return price === null
    ? { usd: null, priceVersion: null }
    : { usd: costUsd(facts.usage, price), priceVersion: PRICE_VERSION };
}
