/** What a provider says of its limits in the headers of an answer (`x-ratelimit-…`, as OpenAI and many others do). */
import type { RateFacts } from "./model.ts";

/** Null when it says nothing. */
export function readRate(headers: Headers): RateFacts | null {
  const number = (name: string) => {
    const text = headers.get(`x-ratelimit-${name}`);
    return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
  };
  const rate = {
    requestsPerMinute: number("limit-requests"),
    tokensPerMinute: number("limit-tokens"),
    remainingRequests: number("remaining-requests"),
    remainingTokens: number("remaining-tokens"),
  };
  return Object.values(rate).every((value) => value === null) ? null : rate;
}
