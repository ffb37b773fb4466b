/** What agents spend, end to end: counted by hand, bounded by budgets, right after SIGKILL, remembered instead of paid. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type AgentWeir,
  eventsOf,
  eventually,
  MODEL,
  read,
  runWhen,
  save,
  start,
  startAgentWeir,
  taskOf,
} from "../support/agent-weir.ts";
import { inOrder, say, tooMany } from "../support/scripted-openai.ts";

let agents: AgentWeir;

beforeAll(async () => {
  agents = await startAgentWeir(inOrder(say("Hello.")));
});
afterEach(() => {
  agents.model.requests.length = 0;
});
afterAll(() => agents.stop());

const thinker = (more: object = {}, node: object = {}) => ({
  nodes: [{ id: "think", type: "agent", config: { task: "Think.", ...more }, ...node }],
  edges: [],
});

const put = (route: string, body: object) => agents.weir.api("PUT", `/api/v1${route}`, body);

/** What a million tokens cost: an answer of 10,000 tokens comes to 5 cents, and at most 8.2 are reserved for it. */
const CALL_USD = 0.05;
const priceIt = (model = MODEL) =>
  put("/prices", { model, price: { input_usd_per_mtok: 0, output_usd_per_mtok: 5 } }).then(({ status }) =>
    expect(status).toBe(200),
  );
const fiveCents = (more: object = {}) =>
  say("Five cents.", { usage: { prompt_tokens: 0, completion_tokens: 10_000 }, ...more });

const budgetOf = async (workflow: string) =>
  (await read(agents.weir, "/budgets")).items.find(({ key }: { key: string }) => key === workflow);

describe("cost", () => {
  test("is what the provider counted, by hand: reasoning once, cached tokens at their price, in every place", async () => {
    const usage = { prompt_tokens: 2000, completion_tokens: 600, cached_tokens: 1500, reasoning_tokens: 448 };
    agents.model.script = inOrder(say("Done.", { usage }));
    await save(agents.weir, "costly", thinker());
    const run = await runWhen(agents.weir, await start(agents.weir, "costly"));
    // gpt-5-mini: 0.25 a million in, 0.025 cached, 2 out.
    const byHand = (500 * 0.25 + 1500 * 0.025 + 600 * 2) / 1_000_000;
    const cost_usd = expect.closeTo(byHand, 9);
    expect(run.usage).toEqual({ input_tokens: 2000, cached_tokens: 1500, output_tokens: 600, cost_usd });
    const { metrics, output } = (await read(agents.weir, `/runs/${run.run_id}/details`)).node_executions.think;
    expect(metrics).toMatchObject({
      cost_usd,
      tokens_used: 2600,
      reasoning_tokens: 448,
      llm_model: MODEL,
      llm_calls: 1,
    });
    expect(output.usage).toMatchObject({ cost_usd, calls: 1 });
    for (const filter of [`run_id=${run.run_id}`, "workflow=costly", `run_id=${run.run_id}&node=think`]) {
      const sums = await eventually(
        () => read(agents.weir, `/usage?${filter}`),
        ({ calls }) => calls > 0,
      );
      expect(sums).toMatchObject({ calls: 1, cost_usd, output_tokens: 600, unpriced_calls: 0 });
    }
  });

  test("of an unknown model is not known, and under a budget it is not asked", async () => {
    await save(agents.weir, "odd", thinker({ model: "nobody-knows-it" }));
    const run = await runWhen(agents.weir, await start(agents.weir, "odd"));
    expect(run.usage.cost_usd).toBeNull();
    await put("/budgets", { scope: "workflow", key: "odd", limit_usd: 1 });
    const refused = await runWhen(agents.weir, await start(agents.weir, "odd"));
    expect(refused).toMatchObject({ status: "failed", error: { code: "model_unpriced" } });
    expect(agents.model.requests).toHaveLength(1);
  });
});

describe("budgets", () => {
  test("fifty agents at once on one dollar: it is overshot by the calls in flight at most", async () => {
    await priceIt();
    await put("/budgets", { scope: "workflow", key: "spender", limit_usd: 1 });
    agents.model.script = () => fiveCents({ delayMs: 200 });
    let atOnce = 0;
    const watch = setInterval(() => {
      atOnce = Math.max(atOnce, agents.model.underWay);
    }, 5);
    await save(agents.weir, "spender", thinker());
    const ids = await Promise.all(Array.from({ length: 50 }, () => start(agents.weir, "spender")));
    const runs = await Promise.all(ids.map((id) => runWhen(agents.weir, id)));
    clearInterval(watch);
    const done = runs.filter(({ status }) => status === "completed");
    expect(atOnce).toBeGreaterThan(1);
    expect(done.length).toBeGreaterThanOrEqual(20);
    expect(done.length * CALL_USD).toBeLessThanOrEqual(1 + atOnce * CALL_USD);
    for (const { status, error } of runs) if (status !== "completed") expect(error.code).toBe("budget_exceeded");
    // The budget, the rows and the provider agree.
    expect(agents.model.requests).toHaveLength(done.length);
    const budget = await budgetOf("spender");
    expect(budget).toMatchObject({ status: "exceeded", assumed_usd: 0, reserved_usd: 0 });
    expect(budget.spent_usd).toBeCloseTo(done.length * CALL_USD, 9);
    const { cost_usd } = await eventually(
      () => read(agents.weir, "/usage?workflow=spender"),
      ({ calls }) => calls === done.length,
    );
    expect(cost_usd).toBeCloseTo(done.length * CALL_USD, 9);
  });

  test("from 80 % on a run is warned by an event", async () => {
    await priceIt();
    await put("/budgets", { scope: "workflow", key: "warned", limit_usd: 4 * CALL_USD });
    agents.model.script = () => fiveCents();
    await save(agents.weir, "warned", thinker());
    const warnings: string[][] = [];
    for (let i = 0; i < 4; i++) {
      const run = await runWhen(agents.weir, await start(agents.weir, "warned"));
      const events = await eventsOf(agents.weir, run.run_id);
      warnings.push(events.filter(({ type }) => type === "warning").map(({ code, node }) => `${code} ${node}`));
    }
    // Three quarters were spent before the fourth.
    expect(warnings).toEqual([[], [], [], []]);
    await put("/budgets", { scope: "workflow", key: "warned", limit_usd: 5 * CALL_USD });
    const run = await runWhen(agents.weir, await start(agents.weir, "warned"));
    const events = await eventsOf(agents.weir, run.run_id);
    expect(events.filter(({ type }) => type === "warning")).toMatchObject([
      { code: "budget_warning", node: "think", message: expect.stringContaining("nearly used up") },
    ]);
  });

  test("an agent that asks goes on once there is more and a human agrees", async () => {
    await priceIt();
    await put("/budgets", { scope: "workflow", key: "asking", limit_usd: CALL_USD });
    agents.model.script = () => fiveCents();
    await save(agents.weir, "asking", thinker({ on_budget: "ask" }));
    await runWhen(agents.weir, await start(agents.weir, "asking"));
    const id = await start(agents.weir, "asking");
    const waiting = await runWhen(agents.weir, id, ({ status }) => status === "waiting");
    expect(waiting.waiting_for).toMatchObject([{ node: "think" }]);
    expect(agents.model.requests).toHaveLength(1);
    const [approval] = (await read(agents.weir, `/runs/${id}/details`)).approvals;
    expect(approval).toMatchObject({ status: "pending", message: expect.stringContaining("no budget left") });
    await put("/budgets", { scope: "workflow", key: "asking", limit_usd: 1 });
    const decided = await agents.weir.api("POST", `/api/v1/approvals/${approval.approval_id}/decide`, {
      decision: "approve",
    });
    expect(decided.status).toBe(200);
    expect(await runWhen(agents.weir, id)).toMatchObject({
      status: "completed",
      outputs: { think: { text: "Five cents." } },
    });
  });

  test("after SIGKILL of workerd what was spent is still right, and what was lost is shown apart", async () => {
    // What calls of a model cost is learned by model.
    const model = "mortal";
    await priceIt(model);
    await put("/budgets", { scope: "workflow", key: "killed", limit_usd: 100 });
    await save(agents.weir, "killed", thinker({ model }, { timeout_ms: 4_000 }));
    agents.model.script = () => fiveCents();
    for (let i = 0; i < 4; i++) await runWhen(agents.weir, await start(agents.weir, "killed"));
    agents.model.script = () => ({ kind: "hang" });
    const ids = await Promise.all(Array.from({ length: 3 }, () => start(agents.weir, "killed")));
    await eventually(
      async () => agents.model.underWay,
      (count) => count === 3,
    );
    expect(await budgetOf("killed")).toMatchObject({ spent_usd: 4 * CALL_USD, assumed_usd: 0 });
    agents.model.script = () => fiveCents();
    await agents.weir.kill9Workerd();
    await agents.weir.waitForReady(2);
    for (const id of ids) expect(await runWhen(agents.weir, id)).toMatchObject({ status: "completed" });
    const after = await budgetOf("killed");
    expect(after.spent_usd).toBeCloseTo(7 * CALL_USD, 9);
    expect(after).toMatchObject({ assumed_usd: 0 });
    // Those that were cut off are reserved until they are over for certain; then they cost what such calls cost.
    expect(after.reserved_usd).toBeGreaterThan(0);
    const settled = await eventually(
      () => budgetOf("killed"),
      ({ reserved_usd }) => reserved_usd === 0,
      60_000,
    );
    expect(settled.spent_usd).toBeCloseTo(10 * CALL_USD, 9);
    expect(settled.assumed_usd).toBeCloseTo(3 * CALL_USD, 9);
    const sums = await eventually(
      () => read(agents.weir, "/usage?workflow=killed"),
      ({ calls }) => calls === 10,
    );
    expect(sums.cost_usd).toBeCloseTo(10 * CALL_USD, 9);
  });
});

describe("waiting and remembering", () => {
  test("a provider that has enough is asked again when it says, and no attempt is used up", async () => {
    agents.model.script = inOrder(tooMany(1), tooMany(1), say("At last."));
    const once = thinker({}, { retry: { max_attempts: 1 } });
    const run = await runWhen(agents.weir, await start(agents.weir, once));
    expect(run).toMatchObject({ status: "completed", outputs: { think: { text: "At last." } } });
    const events = await eventsOf(agents.weir, run.run_id);
    expect(events.filter(({ type }) => type === "node.retrying")).toHaveLength(2);
  });

  test("an answer that is remembered costs nothing and says so", async () => {
    agents.model.script = (request) => say(`About ${taskOf(request)}`);
    const cached = thinker({ task: "${$inputs.subject}", cache: { ttl_ms: 60_000 } });
    const ask = async (subject: string) => {
      const run = await runWhen(agents.weir, await start(agents.weir, cached, { subject }));
      const details = await read(agents.weir, `/runs/${run.run_id}/details`);
      return { text: run.outputs.think.text, metrics: details.node_executions.think.metrics, usage: run.usage };
    };
    const first = await ask("weirs");
    const again = await ask("weirs");
    const other = await ask("dams");
    expect([first.text, again.text, other.text]).toEqual(["About weirs", "About weirs", "About dams"]);
    expect([first, again, other].map(({ metrics }) => metrics.result_cache_hit)).toEqual([undefined, true, undefined]);
    expect(agents.model.requests).toHaveLength(2);
    expect(again.usage.cost_usd).toBe(0);
    const { items } = await read(agents.weir, "/cache");
    expect(items.map(({ hits }: { hits: number }) => hits).sort()).toEqual([0, 1]);
    const key = items.find(({ hits }: { hits: number }) => hits === 1).key;
    expect(await agents.weir.api("DELETE", `/api/v1/cache/${key}`)).toMatchObject({ status: 204 });
    await ask("weirs");
    expect(agents.model.requests).toHaveLength(3);
  });
});
