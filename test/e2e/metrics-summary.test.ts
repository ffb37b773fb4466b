/** The summary and the time series: what they count, who sees what, and what is refused. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError } from "../support/follow.ts";
import { type ApiAnswer, startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;
let acme: Record<string, string>;

const transform = (expression: string) => ({ nodes: [{ id: "a", type: "transform", config: { expression } }] });
const asks = { nodes: [{ id: "ask", type: "hitl", config: { message: "?" } }] };
const agent = { nodes: [{ id: "think", type: "agent", config: { task: "Say hello." } }] };
const patchable = {
  nodes: [
    { id: "hold", type: "wait_for_event", config: { event: "go" } },
    { id: "last", type: "transform", config: { expression: "1" } },
  ],
  edges: [{ from: "hold", to: "last" }],
};

const post = (path: string, body: unknown, headers = acme) => weir.api("POST", `/api/v1${path}`, body, headers);
const get = (path: string, headers = acme): Promise<ApiAnswer> =>
  weir.api("GET", `/api/v1/metrics${path}`, undefined, headers);
const run = async (definition: object, inputs: object = {}) =>
  (await post("/runs", { definition, inputs, wait_ms: 5_000 })).body.run_id as string;
const waiting = async (definition: object) => (await post("/runs", { definition })).body.run_id as string;

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries === 60) throw new Error("it did not happen in time");
    await sleep(100);
  }
}

beforeAll(async () => {
  weir = await startWeir();
  await weir.api("POST", "/api/v1/tenants", { id: "acme" });
  const scopes = ["read", "run", "write", "approve"];
  const { body } = await weir.api("POST", "/api/v1/keys", { tenant: "acme", name: "test", scopes });
  acme = { authorization: `Bearer ${body.key}` };
  for (let n = 0; n < 3; n++) await run(transform("inputs.n"), { n });
  await run(transform("inputs.nothing"));
  await run(agent);
  await waiting(asks);
  await waiting(asks);
  await post(`/runs/${await waiting(asks)}/cancel`, {});
  await until(
    async () => (await weir.api("GET", "/api/v1/approvals?status=pending", undefined, acme)).body.items.length === 2,
  );
  const pending = (await weir.api("GET", "/api/v1/approvals?status=pending", undefined, acme)).body.items;
  await post(`/approvals/${pending[0].approval_id}/decide`, { decision: "approve" });
  const patched = await waiting(patchable);
  const operations = [
    { op: "add", path: "/nodes/-", value: { id: "more", type: "transform", config: { expression: "2" } } },
    { op: "add", path: "/edges/-", value: { from: "last", to: "more" } },
  ];
  await post(`/runs/${patched}/patches`, { operations });
  await post(`/runs/${patched}/signals/go`, {});
  await until(async () => {
    const { business } = (await get("/summary")).body;
    return business.completed === 6 && business.patches === 1 && business.agent_runs === 1 && business.cancelled === 1;
  });
});

afterAll(async () => {
  await weir.stop();
});

describe("the summary", () => {
  test("counts the tenant's runs, people and agents", async () => {
    const { status, body } = await get("/summary?window=15m");
    expect(status).toBe(200);
    expect(body).toMatchObject({ window_s: 900, use: null });
    expect(body.business).toMatchObject({
      submitted: 9,
      completed: 6,
      failed: 1,
      cancelled: 1,
      active: 1,
      patches: 1,
      approvals: 3,
      approval_rate: 1,
      agent_runs: 1,
    });
    expect(body.business.success_rate).toBeCloseTo(6 / 7, 9);
    expect(body.business.avg_duration_ms).toBeGreaterThanOrEqual(0);
    expect(body.business.tokens).toBeGreaterThan(0);
  });

  test("is the tenant's own: another one sees nothing of it, an operator the installation", async () => {
    await weir.api("POST", "/api/v1/tenants", { id: "globex" });
    const { body: key } = await weir.api("POST", "/api/v1/keys", { tenant: "globex", name: "x", scopes: ["read"] });
    const other = { authorization: `Bearer ${key.key}` };
    const foreign = (await get("/summary", other)).body;
    expect(foreign.business).toMatchObject({ submitted: 0, active: 0, tokens: 0, success_rate: null, approvals: 0 });
    expect(foreign.use).toBeNull();
    expect(foreign.red.routes.map((each: { route: string }) => each.route)).not.toContain("POST /api/v1/runs");
    // Figures of the installation are at most five seconds old.
    await until(async () => (await get("/summary", {})).body.use.concurrency.runs.waiting === 1);
    const operator = (await get("/summary", {})).body;
    expect(operator.red.routes.map((each: { route: string }) => each.route)).toContain("POST /api/v1/runs");
    expect(operator.use).toMatchObject({
      backlog: { "weir-http": { messages: 0 } },
      database: { size_bytes: expect.any(Number), errors: 0 },
      concurrency: { runs: { waiting: 1 }, workers: { "agent-runner": { in_flight: 0 } } },
    });
  });

  test.each(["91d", "x", "", "0m"])("a window of %j is refused with those that there are", async (window) => {
    const answer = await get(`/summary?window=${window}`);
    expectError(answer, 422, "invalid");
    expect(answer.body.error.details[0]).toMatchObject({
      pointer: "/window",
      message: expect.stringMatching(/15m, 6h or 7d/),
    });
  });

  test("a parameter that it does not have is refused", async () => {
    expectError(await get("/summary?windows=1h"), 422, "invalid");
  });
});

describe("time series", () => {
  test("have a point for each step, zeros where nothing happened", async () => {
    const { status, body } = await get("/timeseries?metric=runs&window=15m&step=1m");
    expect(status).toBe(200);
    expect(body).toMatchObject({ metric: "runs", unit: "runs", by: null, window_s: 900, step_s: 60, omitted: 0 });
    expect(body.series).toHaveLength(1);
    const { label, points } = body.series[0];
    expect(label).toBeNull();
    expect(points.length).toBe(16);
    expect(points.reduce((sum: number, { value }: { value: number }) => sum + value, 0)).toBe(8);
    expect(points[0]).toEqual({ at: expect.stringMatching(/^\d{4}-.*Z$/), value: 0 });
  });

  test("are split by a column", async () => {
    const { body } = await get("/timeseries?metric=runs&window=1h&by=state");
    const total = (points: { value: number }[]) => points.reduce((sum, { value }) => sum + value, 0);
    expect(
      Object.fromEntries(
        body.series.map((each: { label: string; points: { value: number }[] }) => [each.label, total(each.points)]),
      ),
    ).toEqual({ completed: 6, failed: 1, cancelled: 1 });
  });

  test("of durations say nothing where there is nothing", async () => {
    const { body } = await get("/timeseries?metric=run_p95_ms&window=1h");
    expect(body.series[0].points[0].value).toBeNull();
  });

  test("every one of them can be asked for, by each of its columns", async () => {
    const document = (await weir.api("GET", "/openapi.json")).body;
    const { parameters } = document.paths["/api/v1/metrics/timeseries"].get;
    const names = parameters.find((each: { name: string }) => each.name === "metric").schema.enum as string[];
    for (const name of names) {
      const refused = await get(`/timeseries?metric=${name}&by=nothing`);
      expectError(refused, 422, "invalid");
      const columns = refused.body.error.details[0].message.replace(/^.* by /, "").split(", ");
      for (const by of columns) expect((await get(`/timeseries?metric=${name}&by=${by}`)).status).toBe(200);
    }
  });

  test.each([
    ["", /\/metric/, /requests/],
    ["metric=nope", /\/metric/, /requests/],
    ["metric=runs&by=tenant", /\/by/, /workflow, state, trigger, error_type/],
    ["metric=runs&by=state'--", /\/by/, /workflow/],
    ["metric=runs&step=7s", /\/step/, /10s, 30s, 1m/],
    ["metric=runs&window=90d&step=10s", /\/step/, /6h at least/],
    ["metric=runs&window=soon", /\/window/, /15m/],
  ])("%j is refused and says what there is", async (query, pointer, message) => {
    const answer = await get(`/timeseries?${query}`);
    expectError(answer, 422, "invalid");
    const [detail] = answer.body.error.details;
    expect(detail.pointer).toMatch(pointer);
    expect(detail.message).toMatch(message);
  });
});
