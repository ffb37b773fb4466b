/** Runs in number: batches with an outcome for each, lists by every filter, and what a waiting run waits for. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiAnswer, startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerJson, answerOk, startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    if (request.url === "/slow") setTimeout(() => answerOk(request, response), 3_000);
    else if (request.url === "/down") answerJson(response, 503, {});
    else answerOk(request, response);
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const post = (path: string, body: unknown, headers = {}) => weir.api("POST", `/api/v1${path}`, body, headers);
const get = (path: string) => weir.api("GET", `/api/v1${path}`);
const plain = { nodes: [{ id: "a", type: "parallel" }] };

function expectError(answer: ApiAnswer, status: number, code: string) {
  expect(answer).toMatchObject({ status, body: { error: { code, request_id: expect.stringMatching(/^req_/) } } });
}

describe("POST /runs/batch", () => {
  test("each order is accepted or refused by itself, in the order of the request", async () => {
    await post("/workflows", { tag: "strict", workflow: { ...plain, inputs: { type: "object", required: ["n"] } } });
    const { status, body } = await post("/runs/batch", {
      runs: [
        { workflow: "strict", inputs: { n: 1 } },
        { workflow: "strict" },
        { workflow: "nowhere" },
        { definition: plain, labels: { batch: "mixed" }, priority: 5 },
        { definition: { nodes: [] } },
        { workflow: "strict", definition: plain },
        { definition: plain, wait_ms: 5 },
        null,
        { definition: plain, idempotency_key: "mixed-1" },
        { definition: plain, idempotency_key: "mixed-1" },
        { definition: plain, idempotency_key: "mixed-1", inputs: { n: 2 } },
        { definition: plain, idempotency_key: "with space" },
      ],
    });
    expect(status).toBe(200);
    expect(body.items.map((item: { status: number }) => item.status)).toEqual([
      202, 422, 404, 202, 422, 422, 422, 422, 202, 200, 409, 422,
    ]);
    expect(body.items[9]).toMatchObject({ replayed: true, run: { run_id: body.items[8].run.run_id } });
    expect(body.items[1].error).toMatchObject({ code: "invalid", details: [{ pointer: "/inputs" }] });
    expect(body.items[4].error.details[0].pointer).toBe("/definition/nodes");
    for (const { run } of body.items) {
      if (run !== undefined) expect((await get(`/runs/${run.run_id}`)).body.status).toBe("completed");
    }
  });

  test("a hundred in a bare list are one call to one shard; all of them run", async () => {
    const order = (n: number) => ({ definition: plain, inputs: { n }, labels: { batch: "hundred" } });
    const { body } = await post(
      "/runs/batch",
      Array.from({ length: 100 }, (_, n) => order(n)),
    );
    const ids: string[] = body.items.map((item: { run: { run_id: string } }) => item.run.run_id);
    expect(new Set(ids).size).toBe(100);
    // run_<region><shard>…
    expect(new Set(ids.map((id) => id.slice(0, 9))).size).toBe(1);
    const outputs = await Promise.all(ids.map(async (id) => (await get(`/runs/${id}`)).body.outputs.a.n));
    expect(outputs).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  test("workflows that the shard has never seen are given to it once each", async () => {
    const other = (id: string) => ({ nodes: [{ id, type: "parallel" }] });
    const runs = ["p", "q", "p", "r"].map((id) => ({ definition: other(`never_seen_${id}`) }));
    const { body } = await post("/runs/batch", { runs });
    expect(body.items.map((item: { status: number }) => item.status)).toEqual([202, 202, 202, 202]);
  });

  test("none, more than a hundred, or no list at all are 422", async () => {
    const order = { definition: plain };
    for (const body of [
      [],
      { runs: [] },
      Array(101).fill(order),
      { runs: Array(101).fill(order) },
      {},
      { runs: {} },
      7,
    ]) {
      expectError(await post("/runs/batch", body), 422, "invalid");
    }
  });
});

describe("GET /runs", () => {
  const started: Record<string, string> = {};
  let middle: string;

  beforeAll(async () => {
    await post("/workflows", { tag: "filters_one", workflow: plain });
    const slow = { id: "slow", type: "http", config: { url: `${witness.url}/ok` } };
    await post("/workflows", { tag: "filters-two", workflow: { nodes: [slow] } });
    const failing = { nodes: [{ id: "a", type: "transform", config: { expression: "1 / 0" } }] };
    await post("/workflows", { tag: "failing", workflow: failing });
    const start = async (name: string, workflow: string, more: object = {}) => {
      const body = { workflow, labels: { suite: "filters", name }, wait_ms: 5_000, ...more };
      started[name] = (await post("/runs", body)).body.run_id;
    };
    await start("one", "filters_one", { priority: 1 });
    await start("failed", "failing");
    await sleep(5);
    middle = new Date().toISOString();
    await start("two", "filters-two", { labels: { suite: "filters", name: "two", "a.b-c_d": "100% _'\"" } });
    await sleep(2_000);
  });

  const names = async (query: string) => {
    const answer = await get(`/runs?label.suite=filters&${query}`);
    expect(answer.status).toBe(200);
    return answer.body.items.map((item: { labels: { name: string } }) => item.labels.name);
  };

  test.each<[string, string[]]>([
    ["", ["two", "failed", "one"]],
    ["status=failed", ["failed"]],
    ["status=completed", ["two", "one"]],
    ["workflow=filters_one", ["one"]],
    ["error_code=expression_failed", ["failed"]],
    ["error_code=network", []],
    ["label.name=one", ["one"]],
    ["label.name=one&status=completed", ["one"]],
    [`label.a.b-c_d=${encodeURIComponent("100% _'\"")}`, ["two"]],
    ["label.name=on", []],
    ["q=filters", ["two", "one"]],
    ["q=FILTERS_", ["one"]],
    ["q=%25", []],
    [`q=${"y".repeat(100)}`, []],
    ["min_duration_ms=600000", []],
    ["min_duration_ms=0", ["two", "failed", "one"]],
    ["submitted_after=2999-01-01T00:00:00Z", []],
    ["submitted_before=2999-01-01T00:00:00%2B01:00", ["two", "failed", "one"]],
    ["workflow=filters-two&status=completed&submitted_after=2020-01-01T00:00:00Z", ["two"]],
  ])("?%s", async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  test("before and after a moment, and by part of the id", async () => {
    expect(await names(`submitted_after=${middle}`)).toEqual(["two"]);
    expect(await names(`submitted_before=${middle}`)).toEqual(["failed", "one"]);
    expect(await names(`q=${started.one?.slice(-8)}`)).toEqual(["one"]);
  });

  test("an item carries what a list shows, and the page how fresh it is", async () => {
    const { body } = await get("/runs?label.name=failed");
    expect(body.items).toMatchObject([
      { run_id: started.failed, status: "failed", priority: 3, error: { code: "expression_failed" } },
    ]);
    expect(Date.now() - Date.parse(body.as_of)).toBeLessThan(60_000);
  });

  test.each([
    "label.=x",
    "label.a b=x",
    "label.a=x&label.a=y",
    `q=${"x".repeat(101)}`,
    "q=",
    "error_code=oops",
    "min_duration_ms=-1",
    "submitted_before=1",
    "limit=1&limit=2",
  ])("?%s is 422", async (query) => {
    expectError(await get(`/runs?${query}`), 422, "invalid");
  });
});

describe("GET /runs/{id}/explain", () => {
  test("an executing node, a retry, and the one behind both", async () => {
    const definition = {
      nodes: [
        { id: "slow", type: "http", config: { url: `${witness.url}/slow` } },
        {
          id: "down",
          type: "http",
          config: { url: `${witness.url}/down` },
          retry: { backoff_ms: 60_000, jitter: false },
        },
        { id: "both", type: "parallel" },
      ],
      edges: ["slow", "down"].map((from) => ({ from, to: "both" })),
    };
    const { body: run } = await post("/runs", { definition });
    const until = Date.now() + 2_500;
    let explained: ApiAnswer;
    do {
      await sleep(50);
      explained = await get(`/runs/${run.run_id}/explain`);
    } while (kinds(explained).sort().join() !== "execution,predecessors,retry" && Date.now() < until);
    expect(kinds(explained).sort()).toEqual(["execution", "predecessors", "retry"]);
    const retry = explained.body.waiting.find((wait: { node: string }) => wait.node === "down");
    expect(retry.detail).toMatch(/^attempt 2 of 3 in .* after http_status: /);
    expect(Date.parse(retry.until) - Date.parse(retry.since)).toBeGreaterThan(59_000);
    expect(explained.body.summary).toMatch(/^The run waits for ("slow"|"down") \(/);
    await post(`/runs/${run.run_id}/cancel`, {});
    expect((await get(`/runs/${run.run_id}/explain`)).body).toMatchObject({
      summary: expect.stringMatching(/^The run was cancelled after /),
      waiting: [],
    });
  });

  const kinds = (answer: ApiAnswer) => answer.body.waiting.map((wait: { kind: string }) => wait.kind);

  test("an unknown run is 404", async () => {
    expectError(await get("/runs/run_xx00001HF0000000000000000000000/explain"), 404, "not_found");
  });
});
