/** What `analytics.ts` measures: the object that keeps points, filled and asked without HTTP, keys or routes around it. */

import { DATASET_NAMES, type DatasetName } from "../src/telemetry/analytics/columns.ts";
import type { NumberedPoint } from "../src/telemetry/point.ts";
import { sliceOf } from "../src/telemetry/point-text.ts";
import { makePoint } from "../src/telemetry/points.ts";
import { AnalyticsStore } from "../workers/analytics-store.ts";

export { AnalyticsStore };

interface Env {
  ANALYTICS: { getByName(name: string): AnalyticsStore };
}

const WORKFLOWS = ["triage", "enrich", "deploy", "report", "watch"];
const NODE_TYPES = ["http", "transform", "conditional", "agent", "hitl", "parallel"];
const ROUTES = Array.from({ length: 30 }, (_, index) => `GET /api/v1/resource${index}/:id`);

/** A share of each kind, as a busy installation would have them, spread over the last 50 minutes. */
function pointAt(number: number, nowMs: number): NumberedPoint {
  const dataset = DATASET_NAMES[number % DATASET_NAMES.length] as DatasetName;
  const pick = <Item>(list: readonly Item[], salt: number): Item => list[(number * 7 + salt) % list.length] as Item;
  const noise = Math.abs(Math.sin(number) * 1_000);
  const failed = number % 50 === 0;
  const fields: Record<string, string | number> = {
    tenant: number % 4 === 0 ? "acme" : "default",
    workflow: pick(WORKFLOWS, 1),
    run_id: `run_xx001${String(number >> 3).padStart(26, "0")}`,
    outcome: failed ? "failed" : "completed",
    error_type: failed ? "network" : "",
    total_ms: noise,
    queue_wait_ms: noise / 7,
    execution_ms: noise / 2,
  };
  if (dataset === "weir_node") Object.assign(fields, { node_type: pick(NODE_TYPES, 2), node_id: `n${number % 9}` });
  if (dataset === "weir_run")
    Object.assign(fields, { state: fields.outcome, cost_usd: noise / 1e6, patches: number % 2 });
  if (dataset === "weir_api") {
    const status = failed ? 503 : 200;
    Object.assign(fields, {
      route: pick(ROUTES, 3),
      method: "GET",
      code: String(status),
      code_class: failed ? "5xx" : "2xx",
    });
  }
  if (dataset === "weir_llm")
    Object.assign(fields, { model: pick(["a", "b", "c"], 4), input_tokens: 2_000, cost_usd: noise / 1e6 });
  if (dataset === "weir_http") Object.assign(fields, { host: pick(["a.example", "b.example"], 5), code_class: "2xx" });
  if (dataset === "weir_queue") Object.assign(fields, { queue: "weir-http", action: "ack", batch_size: 10 });
  const at = nowMs - 3_000_000 + (number % 1_000_000) * 2.9;
  return { ...makePoint(dataset, at, "acme|x", fields), seq: number, part: 0 };
}

/** biome-ignore lint/style/noDefaultExport: the platform calls it */
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const store = env.ANALYTICS.getByName("bench");
    const url = new URL(request.url);
    if (url.pathname === "/fill") {
      const [from, count] = ["from", "count"].map((name) => Number(url.searchParams.get(name)));
      const nowMs = Date.now();
      const points = Array.from({ length: count as number }, (_, index) => pointAt((from as number) + index, nowMs));
      const slice = sliceOf(points);
      if (slice !== null) await store.write("bench", slice);
      return Response.json(await store.stats());
    }
    const tenant = url.searchParams.get("tenant");
    return Response.json(await store.query(tenant, await request.text()));
  },
};
