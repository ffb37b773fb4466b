/** The limiter on real workerd: who is let in, what is counted, what survives. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { CALLS_AT_ONCE_START } from "#agent/model-gate.ts";
import type { CallRecord, CallRequest, Settlement } from "#agent/spending.ts";
import type { LimiterRpc } from "#store/limiter/protocol.ts";
import { BUDGETS_MAX } from "../../workers/limiter.ts";

type Stub = DurableObjectStub & LimiterRpc;

let tenants = 0;
/** A tenant of its own for a test. */
function limiter(): { tenant: string; stub: Stub } {
  const tenant = `tenant-${++tenants}`;
  return { tenant, stub: env.LIMITER.getByName(tenant) as unknown as Stub };
}

let calls = 0;
/** 1,000 tokens in and at most 1,000 out of gpt-5-mini: 0.00025 + 0.002 USD reserved. */
const request = (more: Partial<CallRequest> = {}): CallRequest => ({
  call_id: `call_${++calls}`,
  run_id: "run_1",
  workflow: "flow",
  node: "think",
  visit: 1,
  attempt: 1,
  turn: 1,
  model: "gpt-5-mini",
  needs_price: false,
  input_tokens: 1_000,
  output_tokens: 1_000,
  expires_at: Date.now() + 60_000,
  ...more,
});

const settlement = (of: CallRequest, costUsd: number | null, more: Partial<CallRecord> = {}): Settlement => ({
  record: {
    call_id: of.call_id,
    run_id: of.run_id,
    workflow: of.workflow,
    node: of.node,
    visit: of.visit,
    attempt: of.attempt,
    turn: of.turn,
    at: Date.now(),
    duration_ms: 10,
    provider: "test",
    requested_model: of.model,
    answered_model: of.model,
    input_tokens: 1_000,
    cached_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 100,
    reasoning_tokens: 0,
    cost_usd: costUsd,
    price_version: "test",
    time_to_first_token_ms: 5,
    finish_reason: "stop",
    tool_calls: 0,
    outcome: "ok",
    http_status: 200,
    ...more,
  },
  rate: null,
  is_throttled: false,
  retry_after_ms: null,
});

describe("limiter: budgets", () => {
  test("without a budget every call is let in, and what was spent is known all the same", async () => {
    const { tenant, stub } = limiter();
    const one = request();
    expect(await stub.admit(tenant, one)).toEqual({ admitted: true, price: null, warnings: [] });
    await stub.settle(tenant, settlement(one, 0.5));
    await stub.setBudget(tenant, { scope: "month", key: null, limit_usd: 1 });
    expect(await stub.budgets(tenant)).toEqual([
      {
        scope: "month",
        key: null,
        limit_usd: 1,
        spent_usd: 0.5,
        assumed_usd: 0,
        reserved_usd: 0,
        spent_by: new Date().toISOString().slice(0, 7),
        status: "ok",
      },
    ]);
  });

  test("at 80 % calls carry a warning, at 100 % they are refused", async () => {
    const { tenant, stub } = limiter();
    await stub.setBudget(tenant, { scope: "workflow", key: "flow", limit_usd: 1 });
    const spend = async (usd: number) => {
      const one = request();
      const admission = await stub.admit(tenant, one);
      if (admission.admitted) await stub.settle(tenant, settlement(one, usd));
      return admission;
    };
    expect(await spend(0.79)).toMatchObject({ admitted: true, warnings: [] });
    expect(await spend(0.01)).toMatchObject({ admitted: true, warnings: [] });
    expect(await spend(0.2)).toMatchObject({ admitted: true, warnings: [expect.stringContaining("nearly used up")] });
    expect(await spend(0.1)).toMatchObject({ admitted: false, code: "budget_exceeded" });
    expect((await stub.budgets(tenant))[0]).toMatchObject({ spent_usd: 1, status: "exceeded" });
    // Another workflow has another budget, or none.
    expect(await stub.admit(tenant, request({ workflow: "other" }))).toMatchObject({ admitted: true });
  });

  test("each run has the budget of runs, unless it has one of its own", async () => {
    const { tenant, stub } = limiter();
    await stub.setBudget(tenant, { scope: "run", key: null, limit_usd: 0.1 });
    await stub.setBudget(tenant, { scope: "run", key: "run_rich", limit_usd: 10 });
    for (const run_id of ["run_a", "run_rich"]) {
      const one = request({ run_id });
      await stub.admit(tenant, one);
      await stub.settle(tenant, settlement(one, 0.2));
    }
    expect(await stub.admit(tenant, request({ run_id: "run_a" }))).toMatchObject({ code: "budget_exceeded" });
    expect(await stub.admit(tenant, request({ run_id: "run_rich" }))).toMatchObject({ admitted: true });
    expect(await stub.admit(tenant, request({ run_id: "run_b" }))).toMatchObject({ admitted: true });
  });

  test("a budget that only calls under way have reserved makes the next one wait, not fail", async () => {
    const { tenant, stub } = limiter();
    await stub.setBudget(tenant, { scope: "day", key: null, limit_usd: 0.004 });
    const [first, second, third] = [request(), request(), request()];
    expect(await stub.admit(tenant, first)).toMatchObject({ admitted: true });
    expect(await stub.admit(tenant, second)).toMatchObject({ admitted: true });
    expect(await stub.admit(tenant, third)).toMatchObject({ admitted: false, code: "wait", retry_after_ms: 1_000 });
    await stub.settle(tenant, settlement(first, 0.0005));
    expect(await stub.admit(tenant, third)).toMatchObject({ admitted: true });
  });

  test("many at once overshoot by no more than one call", async () => {
    const { tenant, stub } = limiter();
    await stub.setBudget(tenant, { scope: "run", key: null, limit_usd: 0.1 });
    let spent = 0;
    let refused = 0;
    const agent = async () => {
      for (;;) {
        const one = request();
        const admission = await stub.admit(tenant, one);
        await scheduler.wait(1);
        if (admission.admitted) {
          spent += 0.002;
          await stub.settle(tenant, settlement(one, 0.002));
        } else if (admission.code !== "wait") {
          refused += 1;
          return;
        }
      }
    };
    await Promise.all(Array.from({ length: 50 }, agent));
    expect(refused).toBe(50);
    expect(spent).toBeGreaterThanOrEqual(0.1);
    expect(spent).toBeLessThanOrEqual(0.1 + 0.00225 + 1e-9);
  });

  test("under a budget a model without a price is refused, until one is set", async () => {
    const { tenant, stub } = limiter();
    await stub.setBudget(tenant, { scope: "day", key: null, limit_usd: 1 });
    const one = request({ model: "my-own" });
    expect(await stub.admit(tenant, one)).toMatchObject({ admitted: false, code: "model_unpriced" });
    const price = { input: 1, cached: 0.5, cacheWrite: 1, output: 2 };
    expect(await stub.setPrice(tenant, "my-own", price)).toBe(true);
    expect(await stub.admit(tenant, one)).toEqual({ admitted: true, price, warnings: [] });
    expect(await stub.prices(tenant)).toEqual([{ model: "my-own", ...price }]);
    await stub.setPrice(tenant, "my-own", null);
    expect(await stub.admit(tenant, request({ model: "my-own" }))).toMatchObject({ code: "model_unpriced" });
  });

  test("so it is for a node with a budget of its own", async () => {
    const { tenant, stub } = limiter();
    const asked = { model: "my-own", needs_price: true };
    expect(await stub.admit(tenant, request(asked))).toMatchObject({ code: "model_unpriced" });
    expect(await stub.admit(tenant, request({ model: "my-own" }))).toMatchObject({ admitted: true });
  });

  test("a tenant has room for so many budgets", async () => {
    const { tenant, stub } = limiter();
    const set = (key: string) => stub.setBudget(tenant, { scope: "run", key, limit_usd: 1 });
    await runInDurableObject(stub, (_, { storage }) => {
      for (let index = 1; index < BUDGETS_MAX; index++) {
        storage.sql.exec("INSERT INTO budget VALUES ('run', ?, 1, 0)", `run_${index}`);
      }
    });
    expect(await set("run_last")).toHaveLength(BUDGETS_MAX);
    expect(await set("run_beyond")).toBeNull();
    expect(await set("run_last")).toHaveLength(BUDGETS_MAX);
    await stub.setBudget(tenant, { scope: "run", key: "run_1", limit_usd: null });
    expect(await set("run_beyond")).toHaveLength(BUDGETS_MAX);
  });
});

describe("limiter: what survives", () => {
  test("asking twice for one call reserves once, settling twice counts once", async () => {
    const { tenant, stub } = limiter();
    await stub.setBudget(tenant, { scope: "day", key: null, limit_usd: 1 });
    const one = request();
    await stub.admit(tenant, one);
    await stub.admit(tenant, one);
    expect((await stub.budgets(tenant))[0]?.reserved_usd).toBeCloseTo(0.00225, 9);
    await stub.settle(tenant, settlement(one, 0.001));
    await stub.settle(tenant, settlement(one, 0.001));
    expect((await stub.budgets(tenant))[0]).toMatchObject({ spent_usd: 0.001, reserved_usd: 0 });
  });

  test("spend and reservations outlive the object", async () => {
    const { tenant, stub } = limiter();
    await stub.setBudget(tenant, { scope: "day", key: null, limit_usd: 1 });
    const [done, underWay] = [request(), request()];
    await stub.admit(tenant, done);
    await stub.admit(tenant, underWay);
    await stub.settle(tenant, settlement(done, 0.25));
    await evictDurableObject(stub);
    const [budget] = await stub.budgets(tenant);
    expect(budget).toMatchObject({ spent_usd: 0.25 });
    expect(budget?.reserved_usd).toBeCloseTo(0.00225, 9);
  });

  test("a call that is never settled is taken to have cost the usual; a late word corrects it", async () => {
    const { tenant, stub } = limiter();
    await stub.setBudget(tenant, { scope: "day", key: null, limit_usd: 1 });
    // Of this model 100 tokens were written: the usual call costs 0.00025 + 100 × 2 / 1,000,000.
    const done = request();
    await stub.admit(tenant, done);
    await stub.settle(tenant, settlement(done, 0));
    const lost = request({ expires_at: Date.now() - 1 });
    await stub.admit(tenant, lost);
    await runDurableObjectAlarm(stub);
    const [budget] = await stub.budgets(tenant);
    expect(budget?.reserved_usd).toBe(0);
    expect(budget?.spent_usd).toBeCloseTo(0.00045, 9);
    expect(budget?.assumed_usd).toBeCloseTo(0.00045, 9);
    const row = () =>
      env.DB.prepare("SELECT outcome, cost_usd, node FROM llm_calls WHERE call_id = ?").bind(lost.call_id).first();
    expect(await row()).toMatchObject({ outcome: "lost", node: "think", cost_usd: expect.closeTo(0.00045, 9) });

    await stub.settle(tenant, settlement(lost, 0.0007));
    expect((await stub.budgets(tenant))[0]).toMatchObject({ spent_usd: 0.0007, assumed_usd: 0 });
    await runDurableObjectAlarm(stub);
    expect(await row()).toMatchObject({ outcome: "ok", cost_usd: 0.0007 });
  });

  test("an answer that broke off is taken to have cost the usual, never more than it had reserved", async () => {
    const { tenant, stub } = limiter();
    await stub.setBudget(tenant, { scope: "day", key: null, limit_usd: 1 });
    const one = request({ output_tokens: 10 });
    await stub.admit(tenant, one);
    await stub.settle(tenant, settlement(one, null, { outcome: "timeout", output_tokens: null }));
    const [budget] = await stub.budgets(tenant);
    expect(budget?.spent_usd).toBeCloseTo(0.00025 + 10 * 0.000002, 9);
    expect(budget?.assumed_usd).toBe(budget?.spent_usd);
  });

  test("every call is one row in D1, written together, and once", async () => {
    const { tenant, stub } = limiter();
    const made = Array.from({ length: 5 }, () => request({ run_id: `run_of_${tenant}` }));
    for (const one of made) {
      await stub.admit(tenant, one);
      await stub.settle(tenant, settlement(one, 0.001));
      await stub.settle(tenant, settlement(one, 0.001));
    }
    await runDurableObjectAlarm(stub);
    const sums = await env.DB.prepare("SELECT count(*) AS rows, sum(cost_usd) AS usd FROM llm_calls WHERE tenant = ?")
      .bind(tenant)
      .first();
    expect(sums).toEqual({ rows: 5, usd: expect.closeTo(0.005, 12) });
  });
});

describe("limiter: rate", () => {
  test("as many calls as a model keeps up with are let in, the others are told when to come back", async () => {
    const { tenant, stub } = limiter();
    const asked = Array.from({ length: CALLS_AT_ONCE_START + 5 }, () => request());
    const answers = [];
    for (const one of asked) answers.push(await stub.admit(tenant, one));
    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(CALLS_AT_ONCE_START);
    const waits = answers.flatMap((answer) => ("retry_after_ms" in answer ? [answer.retry_after_ms] : []));
    expect(waits).toHaveLength(5);
    // Not all at the same time.
    expect(new Set(waits).size).toBe(5);
    // Another model is another gate.
    expect(await stub.admit(tenant, request({ model: "gpt-4o" }))).toMatchObject({ admitted: true });
  });

  test("a tenant's object answers for no other tenant", async () => {
    const { stub } = limiter();
    await runInDurableObject(stub, async (instance) => {
      await expect((instance as unknown as LimiterRpc).budgets("somebody-else")).rejects.toThrow("its own tenant");
    });
  });
});

describe("limiter: points of calls", () => {
  const measured = async (tenant: string) => {
    const reply = await env.ANALYTICS.getByName("local").query(
      tenant,
      "SELECT outcome, count() AS n, sum(cost_usd) AS usd, sum(input_tokens) AS tokens FROM weir_llm GROUP BY outcome",
    );
    return reply.ok ? JSON.parse(reply.text).data : reply.problem;
  };

  test("each call is measured once, however often its row is sent, and numbers never come again", async () => {
    const { tenant, stub } = limiter();
    const settle = async (costUsd: number) => {
      const asked = request();
      await stub.admit(tenant, asked);
      await stub.settle(tenant, settlement(asked, costUsd));
      await stub.settle(tenant, settlement(asked, costUsd));
      await runDurableObjectAlarm(stub);
    };
    await settle(0.25);
    expect(await measured(tenant)).toEqual([{ outcome: "ok", n: "1", usd: 0.25, tokens: 1_000 }]);
    // The row comes again, as after a loss between D1's answer and the end of the flush.
    await runInDurableObject(stub, async (_, state) => {
      const row = (await env.DB.prepare("SELECT * FROM llm_calls WHERE tenant = ?").bind(tenant).first()) as object;
      state.storage.sql.exec("INSERT INTO unsent_call (id, row) VALUES (1, ?)", JSON.stringify(row));
    });
    await stub.settle(tenant, settlement(request({ call_id: "call_unknown" }), 9));
    await runDurableObjectAlarm(stub);
    await evictDurableObject(stub);
    await settle(0.5);
    expect(await measured(tenant)).toEqual([{ outcome: "ok", n: "2", usd: 0.75, tokens: 2_000 }]);
    expect(await measured("another")).toEqual([]);
  });
});
