/** Replays over HTTP on a real Weir: of a node within its run; of a run as a new one, frozen, as a shadow, for real. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectError, follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerJson, startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
const api = follow(() => weir);

/** Paths that answer 404 at the moment. */
const broken = new Set<string>();
/** Each answer is another one, so that what is used again can be told from what is asked again. */
let answers = 0;

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    answers += 1;
    const isBroken = broken.has(request.url ?? "");
    answerJson(response, isBroken ? 404 : 200, {
      path: request.url,
      answer: answers,
      float: 0.1 + 0.2,
      "\u00e9": "\ud83d\udca7",
    });
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

beforeEach(() => {
  broken.clear();
  witness.requests.length = 0;
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const http = (id: string, path: string, method = "GET") => ({
  id,
  type: "http",
  config: { url: witness.url + path, method },
  retry: { max_attempts: 1 },
});
const edge = (from: string, to: string) => ({ from, to });
const asked = (path: string) => witness.requests.filter(({ url }) => url === path);

/** Reads, then writes, then tells what was answered. */
const readWrite = () => ({
  nodes: [
    http("read", "/read"),
    http("write", "/write", "POST"),
    { id: "tell", type: "transform", config: { expression: "{'read': nodes.read.body, 'write': nodes.write.body}" } },
  ],
  edges: [edge("read", "write"), edge("write", "tell")],
});

const executionsOf = async (id: string) => (await api.get(`/runs/${id}/details`)).body.node_executions;
const replayNode = (id: string, node: string, body?: object) => api.post(`/runs/${id}/nodes/${node}/replay`, body);
const replay = (id: string, body?: object) => api.post(`/runs/${id}/replay`, body);

async function failedRun(): Promise<string> {
  broken.add("/write");
  const run = await api.run(readWrite());
  expect(run).toMatchObject({ status: "failed", error: { code: "http_status", node: "write" } });
  return run.run_id;
}

describe("a node of a failed run", () => {
  test("runs again with the input it had, under a key of its own, and the run goes on to its end", async () => {
    const id = await failedRun();
    const read = (await executionsOf(id)).read.output;
    broken.clear();
    const answer = await replayNode(id, "write", { reason: "the server is back" });
    expect(answer).toMatchObject({ status: 202, body: { run_id: id, links: {} } });
    expect(["completed", "failed", "cancelled"]).not.toContain(answer.body.status);
    const run = await api.end(id);
    expect(run).toMatchObject({ status: "completed", generation: 2 });
    expect((await executionsOf(id)).read.output).toEqual(read);
    expect(asked("/read")).toHaveLength(1);
    expect(asked("/write").map(({ headers }) => headers["idempotency-key"])).toEqual([
      `${id}/write/1`,
      `${id}/write/2`,
    ]);
    const events = await api.events(id);
    expect(events.filter(({ type }) => type === "replay.requested")).toMatchObject([
      { node: "write", reason: "the server is back" },
    ]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  });

  test("a config override holds for this time only", async () => {
    const id = await failedRun();
    expectError(await replayNode(id, "write", { config: { method: "BREW" } }), 422, "invalid");
    expectError(await replayNode(id, "write", { config: { colour: "red" } }), 422, "invalid");
    expect((await api.get(`/runs/${id}`)).body).toMatchObject({ status: "failed", generation: 1 });
    await replayNode(id, "write", { config: { url: `${witness.url}/elsewhere` } });
    expect((await api.end(id)).outputs.tell.write.path).toBe("/elsewhere");
    expect(asked("/elsewhere")[0]?.method).toBe("POST");
    broken.clear();
    await replayNode(id, "write", { force_replay: true });
    expect((await api.end(id)).outputs.tell.write.path).toBe("/write");
  });

  test("one that is not there is 404; one that has not run, or of a run that has not failed, 409", async () => {
    const id = await failedRun();
    const before = await api.events(id);
    expectError(await replayNode(id, "ghost"), 404, "not_found");
    expectError(await replayNode(id, "tell"), 409, "conflict");
    expectError(await replayNode("nonsense", "write"), 404, "not_found");
    expect(await api.events(id)).toEqual(before);
    const { run_id: whole } = await api.run({ nodes: [http("a", "/a")] });
    expectError(await replayNode(whole, "a"), 409, "conflict");
    expect((await replayNode(whole, "a", { force_replay: true })).status).toBe(202);
    expect(await api.end(whole)).toMatchObject({ status: "completed", generation: 2 });
    expect(asked("/a")).toHaveLength(2);
  });
});

describe("a run as a new one", () => {
  test("freeze: what comes before the node is byte for byte what it was, and is not asked again", async () => {
    const { run_id: id } = await api.run(readWrite());
    const answer = await replay(id, { mode: "freeze", from: "write" });
    expect(answer).toMatchObject({ status: 202, body: { replay_of: id } });
    const { run_id: other } = answer.body;
    expect(other).not.toBe(id);
    expect(answer.headers.get("location")).toBe(`/api/v1/runs/${other}`);
    const run = await api.end(other);
    expect(run).toMatchObject({ status: "completed", replay_of: { run_id: id, mode: "freeze", from: "write" } });
    expect((await api.get(`/runs/${id}`)).body.replays).toEqual([other]);
    const [before, after] = [await executionsOf(id), await executionsOf(other)];
    // The texts, since equal values may still be told apart: by the order of members, by how numbers are written.
    expect(JSON.stringify(after.read.output)).toBe(JSON.stringify(before.read.output));
    expect(asked("/read")).toHaveLength(1);
    expect(asked("/write").map(({ headers }) => headers["idempotency-key"])).toEqual([
      `${id}/write/1`,
      `${other}/write/1`,
    ]);
    expect(after.tell.output.read).toEqual(before.tell.output.read);
    expect(after.tell.output.write).not.toEqual(before.tell.output.write);
  });

  test("shadow: nothing is sent that could change anything; reading is", async () => {
    const { run_id: id } = await api.run({
      nodes: [
        ...["POST", "PUT", "PATCH", "DELETE"].map((method) => http(method.toLowerCase(), `/${method}`, method)),
        http("get", "/GET"),
        http("head", "/HEAD", "HEAD"),
        {
          id: "each",
          type: "map",
          config: {
            items: [1, 2, 3],
            node: { type: "http", config: { url: `${witness.url}/item`, method: "POST" } },
          },
        },
        {
          id: "ask",
          type: "hitl",
          config: { message: "?", timeout_ms: 300, on_timeout: "approve", escalate_to: `${witness.url}/told` },
        },
      ],
    });
    const real = witness.requests.length;
    witness.requests.length = 0;
    const { run_id: shadow } = (await replay(id, { mode: "shadow" })).body;
    const run = await api.end(shadow);
    expect(run.status).toBe("completed");
    expect(witness.requests.map(({ method }) => method).sort()).toEqual(["GET", "HEAD"]);
    expect(run.outputs.post).toMatchObject({ shadow: true, method: "POST" });
    expect(run.outputs.each).toHaveLength(3);
    expect(real).toBe(10);
  });

  test("live, the default: everything again, also from a node on and with other inputs", async () => {
    const { run_id: id } = await api.run(
      { nodes: [{ id: "n", type: "transform", config: { expression: "inputs.n" } }, http("write", "/live", "POST")] },
      { n: 1 },
    );
    const again = await api.end((await replay(id)).body.run_id);
    expect(again).toMatchObject({ status: "completed", outputs: { n: 1 }, replay_of: { mode: "live", from: null } });
    const other = await api.end((await replay(id, { inputs: { n: 2 } })).body.run_id);
    expect(other.outputs.n).toBe(2);
    expect(asked("/live")).toHaveLength(3);
  });

  test("with another version of the workflow", async () => {
    const save = (expression: string, more: object = {}, headers?: Record<string, string>) =>
      api.post("/workflows", { tag: "two", workflow: versionOf(expression), ...more }, headers);
    const versionOf = (expression: string) => ({
      nodes: [http("read", "/two"), { id: "say", type: "transform", config: { expression } }],
      edges: [edge("read", "say")],
    });
    const first = await save("'one'");
    const { run_id: id } = (await api.post("/workflows/two/execute", { wait_ms: 20_000 })).body;
    expect((await save("'two'", { replace: true }, { "If-Match": first.headers.get("etag") ?? "*" })).status).toBe(201);
    const frozen = { mode: "freeze", from: "say" };
    const now = await api.end((await replay(id, { ...frozen, workflow: "two" })).body.run_id);
    const then = await api.end((await replay(id, { ...frozen, workflow: first.body.artifact_id })).body.run_id);
    const same = await api.end((await replay(id, frozen)).body.run_id);
    expect([now, then, same].map(({ outputs }) => outputs.say)).toEqual(["two", "one", "one"]);
    expect(asked("/two")).toHaveLength(1);
  });

  test("what cannot be done is refused, and starts nothing", async () => {
    const { run_id: id } = await api.run(readWrite());
    const before = await api.events(id);
    expectError(await replay(id, { from: "ghost" }), 422, "invalid");
    expectError(await replay(id, { from: "read", workflow: "ghost" }), 404, "not_found");
    expectError(await replay(id, { mode: "brew" }), 422, "invalid");
    expectError(await replay(id, { inputs: [] }), 422, "invalid");
    expectError(await replay("run_xx00001HF0000000000000000000000"), 404, "not_found");
    expect(await api.events(id)).toEqual(before);
  });
});
