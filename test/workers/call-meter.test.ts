/** Figures of model calls: each row of the list that is kept for billing once; money does not wait for them. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { CallRecord } from "#agent/spending.ts";
import { hash32 } from "#kernel/ids.ts";
import type { LimiterRpc } from "#store/limiter/protocol.ts";
import { METERS } from "#store/meter/meters.ts";
import type { MeterView } from "#store/meter/protocol.ts";
import { eventually } from "./support.ts";

const limiter = (tenant: string) => env.LIMITER.getByName(tenant) as unknown as DurableObjectStub & LimiterRpc;
const meterOf = (tenant: string) => env.METER.getByName(`meter-${hash32(`limiter-${tenant}`) % METERS}`);

let calls = 0;
const record = (model: string, more: Partial<CallRecord> = {}): CallRecord => ({
  call_id: `call_${++calls}`,
  run_id: "run_xx00001HF0000000000000000000000",
  workflow: null,
  node: "think",
  visit: 1,
  attempt: 1,
  turn: 1,
  at: Date.now(),
  duration_ms: 100,
  provider: "openai",
  requested_model: model,
  answered_model: model,
  input_tokens: 100,
  cached_tokens: 40,
  cache_write_tokens: 0,
  output_tokens: 20,
  reasoning_tokens: 5,
  cost_usd: 0.25,
  price_version: null,
  time_to_first_token_ms: 30,
  finish_reason: "stop",
  tool_calls: 0,
  outcome: "ok",
  http_status: 200,
  ...more,
});

async function settle(tenant: string, ...records: CallRecord[]): Promise<void> {
  for (const each of records) {
    const { call_id, run_id, workflow, node, visit, attempt, turn, requested_model: model } = each;
    const whose = { call_id, run_id, workflow, node, visit, attempt, turn, model };
    const most = { needs_price: false, input_tokens: 100, output_tokens: 100, expires_at: Date.now() + 60_000 };
    await limiter(tenant).admit(tenant, { ...whose, ...most });
    await limiter(tenant).settle(tenant, {
      record: each,
      rate: null,
      is_throttled: false,
      retry_after_ms: null,
    } as never);
  }
}

async function counted(tenant: string, metric: string, model: string): Promise<number> {
  const { series } = JSON.parse(await meterOf(tenant).view()) as MeterView;
  const family = series.find(([name]) => name === metric)?.[1] ?? [];
  return family.filter(([labels]) => labels.includes(model)).reduce((sum, [, , value]) => sum + value, 0);
}

const rowsOf = async (model: string) =>
  (
    await env.DB.prepare("SELECT count(*) AS n FROM llm_calls WHERE requested_model = ?")
      .bind(model)
      .first<{ n: number }>()
  )?.n;

describe("figures of calls", () => {
  test("are those of the rows, by model, type and outcome", async () => {
    await settle("acme", record("m-one"), record("m-one", { outcome: "timeout", cost_usd: null, output_tokens: null }));
    await eventually(async () => ((await counted("acme", "weir_llm_requests_total", "m-one")) === 2 ? true : null));
    expect(await counted("acme", "weir_llm_cost_usd_total", "m-one")).toBe(0.25);
    expect(await counted("acme", "weir_llm_unpriced_requests_total", "m-one")).toBe(1);
    // 2 × (100 input + 40 cached) and once 20 output and 5 reasoning.
    expect(await counted("acme", "weir_llm_tokens_total", "m-one")).toBe(305);
    expect(await counted("acme", "weir_llm_prompt_cache_requests_total", "m-one")).toBe(2);
  });

  test("wait for a Meter that refuses, are counted once afterwards, and D1 has the rows meanwhile", async () => {
    const rename = (from: string, to: string) =>
      runInDurableObject(
        meterOf("globex"),
        (_, state) => void state.storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`),
      );
    await rename("source", "source_away");
    await settle("globex", record("m-two"), record("m-two"));
    await eventually(async () => ((await rowsOf("m-two")) === 2 ? true : null));
    expect(await counted("globex", "weir_llm_requests_total", "m-two")).toBe(0);
    await evictDurableObject(limiter("globex"));
    await rename("source_away", "source");
    await settle("globex", record("m-two"));
    await eventually(
      async () => ((await counted("globex", "weir_llm_requests_total", "m-two")) >= 3 ? true : null),
      8_000,
    );
    expect(await counted("globex", "weir_llm_requests_total", "m-two")).toBe(3);
    expect(await rowsOf("m-two")).toBe(3);
  }, 15_000);

  test("a new life of the limiter learns from the Meter what it has", async () => {
    await settle("hooli", record("m-three"));
    await eventually(async () => ((await counted("hooli", "weir_llm_requests_total", "m-three")) === 1 ? true : null));
    await evictDurableObject(limiter("hooli"));
    await settle("hooli", record("m-three"), record("m-three"));
    await eventually(async () => ((await counted("hooli", "weir_llm_requests_total", "m-three")) >= 3 ? true : null));
    expect(await counted("hooli", "weir_llm_requests_total", "m-three")).toBe(3);
  });
});
