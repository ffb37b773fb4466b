/** Where points of requests and batches go: to Analytics Engine at once, or, on a laptop, gathered to the local twin. */
import type { DatasetName } from "#telemetry/analytics/columns.ts";
import { analyticsPoints, analyticsPointsDropped } from "#telemetry/catalogue/platform-metrics.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import type { Point } from "#telemetry/point.ts";
import { PointBuffer } from "#telemetry/point-buffer.ts";
import { sliceOf } from "#telemetry/point-text.ts";
import { POINTS_PER_INVOCATION_MAX, type PointOrigin } from "#telemetry/points.ts";
import { LOCAL_ANALYTICS, pointOrigin } from "./analytics.ts";
import { type Env, settingsOf } from "./env.ts";
import { recorderOf } from "./metric-recorder.ts";

/** Points wait this long for others to share their call. */
const GATHER_MS = 500;

const BINDINGS: Readonly<Record<DatasetName, "AE_RUN" | "AE_NODE" | "AE_LLM" | "AE_HTTP" | "AE_API" | "AE_QUEUE">> = {
  weir_run: "AE_RUN",
  weir_node: "AE_NODE",
  weir_llm: "AE_LLM",
  weir_http: "AE_HTTP",
  weir_api: "AE_API",
  weir_queue: "AE_QUEUE",
};

/** Hands points to Analytics Engine; those of one invocation beyond its limit would be lost, so callers slice. */
export function sendPoints(env: Env, points: readonly Point[]): void {
  for (const { dataset, index, blobs, doubles } of points) {
    env[BINDINGS[dataset]].writeDataPoint({ indexes: [index], blobs: [...blobs], doubles: [...doubles] });
  }
}

/** Keeps an invocation going until a promise has settled. */
export type WaitUntil = (work: Promise<unknown>) => void;

export class PointRecorder {
  readonly origin: PointOrigin;
  readonly #env: Env;
  readonly #isLocal: boolean;
  readonly #isOn: boolean;
  readonly #source: string;
  readonly #buffer = new PointBuffer();
  readonly #metrics: MetricRecorder;
  #flush: Promise<void> | null = null;

  constructor(env: Env) {
    const { WEIR_ANALYTICS: mode, WEIR_TELEMETRY: telemetry } = settingsOf(env);
    this.origin = pointOrigin(env);
    this.#env = env;
    this.#metrics = recorderOf(env);
    this.#isLocal = mode === "local";
    this.#isOn = telemetry === "on";
    this.#source = `isolate-${crypto.randomUUID()}`;
  }

  /** Best effort: what cannot be kept is dropped, and counted. */
  record(points: readonly Point[], waitUntil: WaitUntil): void {
    const [first] = points;
    if (!this.#isOn || first === undefined) return;
    const droppedBefore = this.#buffer.dropped;
    this.#keep(points, waitUntil);
    const dropped = this.#buffer.dropped - droppedBefore;
    this.#metrics.count(analyticsPoints, [first.dataset], points.length - dropped);
    if (dropped > 0) this.#metrics.count(analyticsPointsDropped, [], dropped);
  }

  #keep(points: readonly Point[], waitUntil: WaitUntil): void {
    if (!this.#isLocal) {
      sendPoints(this.#env, points.slice(0, POINTS_PER_INVOCATION_MAX));
      this.#buffer.dropped += Math.max(0, points.length - POINTS_PER_INVOCATION_MAX);
      return;
    }
    for (const point of points) this.#buffer.add(point);
    if (this.#flush !== null) return;
    this.#flush = this.#flushSoon().finally(() => {
      this.#flush = null;
    });
    waitUntil(this.#flush);
  }

  get dropped(): number {
    return this.#buffer.dropped;
  }

  async #flushSoon(): Promise<void> {
    await scheduler.wait(GATHER_MS);
    while (this.#buffer.size > 0) {
      const points = this.#buffer.take(POINTS_PER_INVOCATION_MAX);
      try {
        const slice = sliceOf(points);
        if (slice !== null) await this.#env.ANALYTICS.getByName(LOCAL_ANALYTICS).write(this.#source, slice);
      } catch {
        this.#buffer.putBack(points);
        return;
      }
    }
  }
}
