/** What a run can be told while it runs and after: pause, signals, patches, replays; and what each refuses, changing nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerJson, answerOk, startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
/** Paths that the witness answers with 500 for as long as they stand here. */
const broken = new Set<string>();

beforeAll(async () => {
  witness = await startWitness((request, response, body) => {
    if (broken.has(request.url ?? "")) answerJson(response, 500, {});
    else answerOk(request, response, body);
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const api = (method: string, path: string, body?: unknown, headers = {}) =>
  weir.api(method, `/api/v1${path}`, body, headers);
const get = (path: string) => api("GET", path);
const post = (path: string, body?: unknown, headers = {}) => api("POST", path, body, headers);

async function start(definition: object, inputs: object = {}): Promise<string> {
  const started = await post("/runs", { definition, inputs });
  expect(started).toMatchObject({ status: 202 });
  return started.body.run_id;
}

async function until<Value>(ask: () => Promise<Value | null>, waitMs = 8_000): Promise<Value> {
  for (const end = Date.now() + waitMs; ; await sleep(50)) {
    const value = await ask();
    if (value !== null) return value;
    if (Date.now() > end) throw new Error("it did not happen in time");
  }
}

const ended = (runId: string) =>
  until(async () => {
    const { body } = await get(`/runs/${runId}`);
    return body.ended_at === null ? null : body;
  });
const detailsOf = async (runId: string) => (await get(`/runs/${runId}/details`)).body;
const eventsOf = async (runId: string) =>
  (await get(`/runs/${runId}/events?limit=1000`)).body.items as { type: string }[];

const text = (id: string, expression = "1") => ({ id, type: "transform", config: { expression } });
const waitFor = (id: string, event: string) => ({ id, type: "wait_for_event", config: { event } });
const http = (id: string, path: string, more: object = {}) => ({
  id,
  type: "http",
  config: { url: `${witness.url}${path}`, ...more },
  retry: { max_attempts: 1 },
});
const chain = (...nodes: { id: string }[]) => ({
  nodes,
  edges: nodes.slice(1).map((node, index) => ({ from: nodes[index]?.id, to: node.id })),
});

describe("pause and resume", () => {
  test("hold back what would start; what comes meanwhile is not lost", async () => {
    const runId = await start(chain(waitFor("wait", "go"), text("after", "output.n")));
    expect(await post(`/runs/${runId}/pause`, { reason: "lunch" })).toMatchObject({
      status: 202,
      body: { status: "paused" },
    });
    expect((await post(`/runs/${runId}/pause`)).status).toBe(202);
    expect((await post(`/runs/${runId}/signals/go`, { n: 7 })).status).toBe(202);
    await sleep(300);
    const held = await detailsOf(runId);
    expect(held).toMatchObject({ status: "paused", node_executions: { after: { status: "pending" } } });
    expect((await get(`/runs/${runId}/explain`)).body.summary).toMatch(/pause/i);
    expect((await post(`/runs/${runId}/resume`)).status).toBe(202);
    expect(await ended(runId)).toMatchObject({ status: "completed", outputs: { after: 7 } });
    const types = (await eventsOf(runId)).map(({ type }) => type);
    expect(types.filter((type) => type === "run.paused" || type === "run.resumed")).toEqual([
      "run.paused",
      "run.resumed",
    ]);
  });

  test("outlive the process", async () => {
    const runId = await start(chain(waitFor("wait", "go"), text("after")));
    await post(`/runs/${runId}/pause`);
    await weir.kill9Workerd();
    await weir.waitForReady(2);
    expect((await get(`/runs/${runId}`)).body.status).toBe("paused");
    await post(`/runs/${runId}/signals/go`);
    await post(`/runs/${runId}/resume`);
    expect((await ended(runId)).status).toBe("completed");
  });
});

describe("a run that has ended", () => {
  test("takes no command: 409, and nothing has changed", async () => {
    const runId = await start({ nodes: [text("only")] });
    await ended(runId);
    const before = await eventsOf(runId);
    for (const [path, body] of [
      ["/pause", undefined],
      ["/resume", undefined],
      ["/cancel", { reason: "late" }],
      ["/signals/go", { n: 1 }],
      ["/patches", { operations: [{ op: "add", path: "/nodes/-", value: text("late") }] }],
      ["/nodes/only/replay", undefined],
    ] as const) {
      const answer = await post(`/runs/${runId}${path}`, body);
      expect([path, answer.status, answer.body.error?.code]).toEqual([path, 409, "conflict"]);
    }
    expect(await eventsOf(runId)).toEqual(before);
  });

  test("that nobody has is 404", async () => {
    const runId = await start({ nodes: [text("only")] });
    const absent = runId.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    for (const path of ["/pause", "/resume", "/cancel", "/signals/go", "/nodes/only/replay", "/replay"]) {
      expect([path, (await post(`/runs/${absent}${path}`)).status]).toEqual([path, 404]);
    }
  });
});

describe("patches", () => {
  const add = (node: object) => ({ op: "add", path: "/nodes/-", value: node });
  const edge = (from: string, to: string, more: object = {}) => ({
    op: "add",
    path: "/edges/-",
    value: { from, to, ...more },
  });
  const patch = (runId: string, operations: unknown, more: object = {}, headers = {}) =>
    post(`/runs/${runId}/patches`, { operations, ...more }, headers);

  /** One node has ended, another waits. */
  const half = (more: object = {}) => ({
    ...chain(text("first", "inputs"), waitFor("wait", "go"), text("last", "1")),
    ...more,
  });

  test("add work after a node that has ended, and it runs at once", async () => {
    const runId = await start(half(), { n: 3 });
    const operations = [add(text("extra", "output.n * 2.0")), edge("first", "extra", { condition: "output.n > 2" })];
    const preview = await patch(runId, operations, { dry_run: true });
    expect(preview).toMatchObject({
      status: 200,
      body: { diff: { summary: expect.arrayContaining(['node "extra" (transform) added']) } },
    });
    expect((await detailsOf(runId)).node_executions).not.toHaveProperty("extra");

    const applied = await patch(runId, operations, { description: "double it" }, { "if-match": '"0"' });
    expect(applied).toMatchObject({ status: 201, body: { seq: 1, status: "applied", diff: preview.body.diff } });
    expect(applied.headers.get("etag")).toBe('"1"');
    const details = await until(async () => {
      const body = await detailsOf(runId);
      return body.node_executions.extra?.status === "completed" ? body : null;
    });
    expect(details).toMatchObject({ status: "waiting", patch_seq: 1, node_executions: { extra: { output: 6 } } });
    expect(details.patches).toMatchObject([
      { seq: 1, status: "applied", source: "api", by: "operator", description: "double it", operations },
    ]);
    expect((await get(`/runs/${runId}/patches`)).body.items).toEqual(details.patches);
    expect((await get(`/runs/${runId}/patches/1`)).body).toEqual(details.patches[0]);
    expect((await get(`/runs/${runId}/patches/2`)).status).toBe(404);
    await post(`/runs/${runId}/signals/go`);
    expect((await ended(runId)).outputs).toEqual({ extra: 6, last: 1 });
  });

  test("of what has started or does not fit are 422 with their places, all or nothing", async () => {
    const runId = await start(half());
    const before = await detailsOf(runId);
    for (const [operations, pointer] of [
      [[{ op: "replace", path: "/nodes/0/config/expression", value: "2" }], "/nodes/0"],
      [[{ op: "remove", path: "/nodes/1" }], ""],
      [[add(text("fine")), { op: "replace", path: "/nodes/1/config/event", value: "other" }], ""],
      [[add(text("fine")), add({ id: "odd", type: "htp", config: {} })], "/nodes/4/type"],
      [[edge("last", "first")], ""],
      [[edge("first", "nowhere")], ""],
      [[{ op: "test", path: "/nodes/0/id", value: "other" }], "/0/value"],
      [[{ op: "add", path: "/nodes/__proto__", value: 1 }], "/0/path"],
      [[{ op: "move", path: "/nodes/0" }], "/0/from"],
    ] as const) {
      const answer = await patch(runId, operations);
      expect([answer.status, answer.body.error?.code]).toEqual([422, "invalid"]);
      const pointers: string[] = answer.body.error.details.map((problem: { pointer: string }) => problem.pointer);
      expect(pointers.some((each) => each.includes(pointer))).toBe(true);
    }
    const hundred = Array.from({ length: 100 }, () => ({ op: "test", path: "/nodes/0/id", value: "first" }));
    expect((await patch(runId, [...hundred, hundred[0]])).status).toBe(422);
    expect((await patch(runId, hundred, { dry_run: true })).status).toBe(200);
    expect(await detailsOf(runId)).toEqual(before);
  });

  test("for another state of the run are 412", async () => {
    const runId = await start(half());
    expect((await patch(runId, [add(text("one")), edge("wait", "one")], {}, { "if-match": '"0"' })).status).toBe(201);
    const stale = await patch(runId, [add(text("two")), edge("wait", "two")], {}, { "if-match": '"0"' });
    expect(stale).toMatchObject({ status: 412, body: { error: { code: "precondition_failed" } } });
    const both = await Promise.all(
      ["two", "three"].map((id) => patch(runId, [add(text(id)), edge("wait", id)], {}, { "if-match": '"1"' })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([201, 412]);
    expect((await get(`/runs/${runId}`)).body.patch_seq).toBe(2);
  });

  test("are taken back, the last one first and only before its work has started", async () => {
    const runId = await start(half());
    await patch(runId, [add(text("one")), edge("wait", "one")]);
    await patch(runId, [add(text("two")), edge("first", "two")]);
    expect((await api("DELETE", `/runs/${runId}/patches/1`)).status).toBe(409);
    const started = await api("DELETE", `/runs/${runId}/patches/2`);
    expect(started).toMatchObject({ status: 409, body: { error: { message: expect.stringContaining("two") } } });
    expect((await api("DELETE", `/runs/${runId}/patches/9`)).status).toBe(404);

    const other = await start(half());
    await patch(other, [add(text("one")), edge("wait", "one")]);
    expect((await api("DELETE", `/runs/${other}/patches/1`, undefined, { "if-match": '"7"' })).status).toBe(412);
    const reverted = await api("DELETE", `/runs/${other}/patches/1`, undefined, { "if-match": '"1"' });
    expect(reverted).toMatchObject({ status: 200, body: { seq: 1, status: "reverted", patch_seq: 0 } });
    await post(`/runs/${other}/signals/go`);
    expect((await ended(other)).outputs).toEqual({ last: 1 });
    expect((await get(`/runs/${other}/patches`)).body.items).toMatchObject([{ seq: 1, status: "reverted" }]);
  });

  test("of a gated workflow wait for a decision by a key that may approve", async () => {
    const runId = await start(half({ metadata: { patch_policy: "gated" } }));
    const propose = async (id: string) => {
      const proposed = await patch(runId, [add(text(id)), edge("first", id)]);
      expect(proposed).toMatchObject({ status: 202, body: { status: "proposed" } });
      return proposed.body.seq as number;
    };
    const [yes, no] = [await propose("yes"), await propose("no")];
    expect(await detailsOf(runId)).toMatchObject({
      patch_seq: 0,
      patches: [{ status: "proposed" }, { status: "proposed" }],
    });

    const writer = (await post("/keys", { name: "w", tenant: "default", scopes: ["write", "run", "read"] })).body;
    const asWriter = await post(
      `/runs/${runId}/patches/${yes}/decide`,
      { decision: "approve" },
      { authorization: `Bearer ${writer.key}` },
    );
    expect(asWriter.status).toBe(403);

    const rejected = await post(`/runs/${runId}/patches/${no}/decide`, { decision: "reject", comments: "not now" });
    expect(rejected).toMatchObject({ status: 200, body: { seq: no, status: "rejected", reason: "not now" } });
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => post(`/runs/${runId}/patches/${yes}/decide`, { decision: "approve" })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    expect((await post(`/runs/${runId}/patches/${no}/decide`, { decision: "approve" })).status).toBe(409);
    expect((await post(`/runs/${runId}/patches/99/decide`, { decision: "approve" })).status).toBe(404);
    await post(`/runs/${runId}/signals/go`);
    expect((await ended(runId)).outputs).toEqual({ last: 1, yes: 1 });
  });
});

describe("replay of a node", () => {
  test("repeats the failed call with the same input and goes on; a second replay is refused once it is well", async () => {
    broken.add("/charge");
    const runId = await start(
      chain(
        text("order", "{'total': 12}"),
        http("charge", "/charge", { method: "POST", payload: "$nodes.order" }),
        text("receipt", "output.status_code"),
      ),
    );
    expect(await ended(runId)).toMatchObject({ status: "failed", error: { node: "charge" } });
    broken.delete("/charge");
    const replayed = await post(`/runs/${runId}/nodes/charge/replay`, { reason: "the server is back" });
    expect(replayed.status).toBe(202);
    expect(["queued", "running", "waiting", "completed"]).toContain(replayed.body.status);
    const run = await until(async () => {
      const { body } = await get(`/runs/${runId}`);
      return body.status === "completed" ? body : null;
    });
    expect(run).toMatchObject({ generation: 2, outputs: { receipt: 200 } });
    const charges = witness.requests.filter(({ url }) => url === "/charge");
    expect(charges.map(({ body }) => JSON.parse(body))).toEqual([{ total: 12 }, { total: 12 }]);
    // Another effect, another key.
    expect(new Set(charges.map(({ headers }) => headers["idempotency-key"])).size).toBe(2);
    const replays = (await eventsOf(runId)).filter(
      ({ type }) => type === "replay.requested" || type === "run.reopened",
    );
    expect(replays).toMatchObject([
      { reason: "the server is back", by: "operator", node: "charge" },
      { generation: 2 },
    ]);
    expect((await post(`/runs/${runId}/nodes/charge/replay`)).status).toBe(409);
    const forced = await post(`/runs/${runId}/nodes/charge/replay`, {
      force_replay: true,
      config: { url: `${witness.url}/other` },
    });
    expect(forced.status).toBe(202);
    await until(async () => (witness.requests.some(({ url }) => url === "/other") ? true : null));
    await until(async () => ((await get(`/runs/${runId}`)).body.status === "completed" ? true : null));
  });

  test("of a node that is not there is 404, with a config that does not fit 422", async () => {
    broken.add("/down");
    const runId = await start(chain(http("call", "/down"), text("never")));
    await ended(runId);
    for (const node of ["nowhere", "toString", "a%2Fb", "%20"]) {
      expect([node, (await post(`/runs/${runId}/nodes/${node}/replay`)).status]).toEqual([node, 404]);
    }
    expect((await post(`/runs/${runId}/nodes/call/replay`, { config: { url: 7 } })).status).toBe(422);
    expect((await post(`/runs/${runId}/nodes/never/replay`)).status).toBe(409);
    expect((await get(`/runs/${runId}`)).body).toMatchObject({ status: "failed", generation: 1 });
    broken.delete("/down");
  });
});

describe("replay of a run", () => {
  /** Reads, changes something, and says what came of it. */
  const order = () =>
    chain(
      http("read", "/read"),
      http("write", "/write", { method: "POST", payload: { n: "$inputs.n" } }),
      text("sum", "{'wrote': nodes.write.status_code, 'n': inputs.n}"),
    );
  const requests = (path: string) => witness.requests.filter(({ url }) => url === path).length;
  const replay = async (runId: string, body?: object) => {
    const answer = await post(`/runs/${runId}/replay`, body);
    expect(answer).toMatchObject({ status: 202, body: { replay_of: runId } });
    return ended(answer.body.run_id);
  };

  test("live is a run of its own with the same inputs; both name each other", async () => {
    const source = await start(order(), { n: 1 });
    await ended(source);
    const before = requests("/write");
    const run = await replay(source);
    expect(run).toMatchObject({ status: "completed", trigger: "replay", outputs: { sum: { wrote: 200, n: 1 } } });
    expect(run.replay_of).toEqual({ run_id: source, mode: "live", from: null });
    expect((await get(`/runs/${source}`)).body.replays).toEqual([run.run_id]);
    expect(requests("/write")).toBe(before + 1);
    expect((await replay(source, { inputs: { n: 2 } })).outputs.sum.n).toBe(2);
  });

  test("freeze takes earlier results over byte for byte and does the rest again", async () => {
    const source = await start(order(), { n: 1 });
    await ended(source);
    const [reads, writes] = [requests("/read"), requests("/write")];
    const run = await replay(source, { mode: "freeze", from: "write" });
    expect([requests("/read"), requests("/write")]).toEqual([reads, writes + 1]);
    const [was, is] = [await detailsOf(source), await detailsOf(run.run_id)];
    expect(JSON.stringify(is.node_executions.read.output)).toBe(JSON.stringify(was.node_executions.read.output));
  });

  test("shadow sends nothing that could change anything", async () => {
    const source = await start(order(), { n: 1 });
    await ended(source);
    const [reads, writes] = [requests("/read"), requests("/write")];
    const run = await replay(source, { mode: "shadow" });
    expect(run.status).toBe("completed");
    expect([requests("/read"), requests("/write")]).toEqual([reads + 1, writes]);
  });

  test("with another version runs that one", async () => {
    const source = await start(order(), { n: 4 });
    await ended(source);
    await post("/workflows", { tag: "shorter", workflow: { nodes: [text("twice", "inputs.n * 2.0")] } });
    const run = await replay(source, { workflow: "shorter" });
    expect(run).toMatchObject({ workflow: "shorter", outputs: { twice: 8 } });
    expect((await post(`/runs/${source}/replay`, { workflow: "nowhere" })).status).toBe(404);
  });

  test("bad requests change nothing: unknown node 404, unfitting inputs 422", async () => {
    const strict = { nodes: [text("only")], inputs: { type: "object", required: ["n"] } };
    const source = await start(strict, { n: 1 });
    await ended(source);
    expect((await post(`/runs/${source}/replay`, { from: "nowhere" })).status).toBe(404);
    expect(await post(`/runs/${source}/replay`, { inputs: {} })).toMatchObject({
      status: 422,
      body: { error: { code: "invalid" } },
    });
    expect((await post(`/runs/${source}/replay`, { mode: "freeze" })).status).toBe(422);
    expect((await get(`/runs/${source}`)).body.replays ?? []).toEqual([]);
  });
});
