/**
 * Best-effort figures of an isolate: gathered for a second, then handed to a Meter. What a Meter does not take is
 * dropped and counted: it may have taken it, and nothing is to be counted twice.
 */
import { waitUntil } from "cloudflare:workers";
import type { LabelValues, Metric } from "#telemetry/catalogue/metric.ts";
import { isolateStarts, metricsDropped } from "#telemetry/catalogue/platform-metrics.ts";
import { batchText, figuresIn } from "#telemetry/metrics/batch.ts";
import { type MetricRecorder, NO_METRICS } from "#telemetry/metrics/recorder.ts";
import { Tally } from "#telemetry/metrics/tally.ts";
import type { Env } from "./env.ts";
import { metersOf } from "./meters.ts";

/** Figures wait this long for others to share their call. */
const GATHER_MS = 1_000;

/** A flush that has not ended by then went under with the invocation that it was part of. */
const FLUSH_LOST_MS = 10_000;

export class IsolateRecorder implements MetricRecorder {
  readonly #env: Env;
  readonly #source = `isolate-${crypto.randomUUID()}`;
  /** One for each source that gauges were set for; its own source counts besides. */
  readonly #tallies = new Map<string, Tally>();
  #flushingSince: number | null = null;

  constructor(env: Env) {
    this.#env = env;
    this.count(isolateStarts, []);
  }

  count<Labels extends readonly string[]>(metric: Metric<Labels>, labels: LabelValues<Labels>, by = 1): void {
    this.#tallyOf(this.#source).count(metric, labels, by);
  }

  observe<Labels extends readonly string[]>(metric: Metric<Labels>, labels: LabelValues<Labels>, value: number): void {
    this.#tallyOf(this.#source).observe(metric, labels, value);
  }

  set<Labels extends readonly string[]>(
    metric: Metric<Labels>,
    labels: LabelValues<Labels>,
    value: number,
    source = this.#source,
  ): void {
    this.#tallyOf(source).set(metric, labels, value);
  }

  #tallyOf(source: string): Tally {
    this.#flushSoon();
    let tally = this.#tallies.get(source);
    if (tally === undefined) {
      tally = new Tally();
      this.#tallies.set(source, tally);
    }
    return tally;
  }

  #flushSoon(): void {
    const nowMs = Date.now();
    if (this.#flushingSince !== null && nowMs - this.#flushingSince < FLUSH_LOST_MS) return;
    this.#flushingSince = nowMs;
    try {
      waitUntil(this.#flush(nowMs));
    } catch {
      // Outside of an invocation nothing can be sent: the next one takes it along.
      this.#flushingSince = null;
    }
  }

  async #flush(begunMs: number): Promise<void> {
    await scheduler.wait(GATHER_MS);
    const taken = [...this.#tallies];
    this.#tallies.clear();
    if (this.#flushingSince === begunMs) this.#flushingSince = null;
    const meters = metersOf(this.#env);
    await Promise.all(
      taken.map(async ([source, tally]) => {
        const batch = tally.take();
        try {
          await meters?.of(source).add(source, batchText(batch));
        } catch {
          this.count(metricsDropped, [], figuresIn(batch));
        }
      }),
    );
  }
}

let recorder: MetricRecorder | undefined;

/** The recorder of this isolate, whichever of its objects and Workers asks first. */
export function recorderOf(env: Env): MetricRecorder {
  recorder ??= metersOf(env) === null ? NO_METRICS : new IsolateRecorder(env);
  return recorder;
}
