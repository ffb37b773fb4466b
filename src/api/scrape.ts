/** What `/metrics` answers: all that the Meters hold and what is looked at for it, made at most once a second. */
import { familiesOf, type LookedAt } from "#store/meter/merge.ts";
import type { Meters } from "#store/meter/meters.ts";
import type { Format } from "#telemetry/exposition/format.ts";
import { render } from "#telemetry/exposition/render.ts";
import type { Family } from "#telemetry/exposition/samples.ts";
import { traceIdOf } from "#telemetry/traces/ids.ts";

/** Scrapes that come close together share their figures. */
export const SCRAPE_CACHE_MS = 1_000;

export class Scrape {
  readonly #meters: Meters;
  readonly #lookAround: () => Promise<LookedAt[]>;
  #last: { at: number; families: readonly Family[] } | null = null;

  /** `lookAround`: gauges that nobody counts; what cannot be seen is left out. */
  constructor(meters: Meters, lookAround: () => Promise<LookedAt[]>) {
    this.#meters = meters;
    this.#lookAround = lookAround;
  }

  /** Throws `unavailable` when a Meter does not answer. */
  async text(format: Format, nowMs: number): Promise<string> {
    return render(await this.families(nowMs), format, traceIdOf);
  }

  async families(nowMs: number): Promise<readonly Family[]> {
    if (this.#last !== null && nowMs - this.#last.at < SCRAPE_CACHE_MS) return this.#last.families;
    const [views, looked] = await Promise.all([this.#meters.views(), this.#lookAround()]);
    const families = familiesOf(views, looked);
    this.#last = { at: nowMs, families };
    return families;
  }
}
