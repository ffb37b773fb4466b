/** Hands the figures of model calls to a Meter, each row of a limiter's outbox once: the Meter knows the last it took. */

import type { CallRow } from "#store/llm-calls.ts";
import type { Meters } from "#store/meter/meters.ts";
import type { MeterRpc } from "#store/meter/protocol.ts";
import { batchText } from "#telemetry/metrics/batch.ts";
import { countCall } from "#telemetry/metrics/call-figures.ts";
import { Tally } from "#telemetry/metrics/tally.ts";

export class CallMeter {
  readonly #source: string;
  readonly #meter: MeterRpc | null;
  /** Number of the last row that the Meter has, as far as is known here. */
  #mark = 0;

  /** `meters` null: telemetry is off. */
  constructor(tenant: string, meters: Meters | null) {
    this.#source = `limiter-${tenant}`;
    this.#meter = meters?.of(this.#source) ?? null;
  }

  /** Rows in the order of their numbers; throws when the Meter does not take them. */
  async take(rows: readonly CallRow[], ids: readonly number[]): Promise<void> {
    const through = ids.at(-1);
    if (this.#meter === null || through === undefined) return;
    for (let mark = this.#mark; mark < through; this.#mark = mark) {
      const tally = new Tally();
      for (const [index, row] of rows.entries()) if ((ids[index] as number) > mark) countCall(row, tally);
      // Any other answer says where it stands: after an answer that was lost, or in a new life of this object.
      mark = await this.#meter.take(this.#source, mark, through, batchText(tally.take()));
    }
  }
}
