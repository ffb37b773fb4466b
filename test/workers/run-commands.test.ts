/** What the API makes of commands, patches, replays and jobs before a shard sees them, and of what the shard answers. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { REASON_LENGTH_MAX } from "#api/limits.ts";
import type { RunCommand } from "#engine/commands/command.ts";
import type { PatchView } from "#engine/patch-view.ts";
import { nextUlid, parseRunId, runId } from "#kernel/ids.ts";
import type { Json } from "#kernel/json.ts";
import { writeArchive } from "#store/archive.ts";
import type { CommandReply, ReplayReply, ReplayRequest } from "#store/shard/protocol.ts";
import { DESCRIPTION_LENGTH_MAX, PATCH_OPERATIONS_MAX } from "#workflow/limits.ts";
import { scriptedApi } from "./scripted-api.ts";
import { inlineRun } from "./support.ts";

const RUN = runId({ region: "xx", shard: 1 }, nextUlid(Date.now()));
const AT = `/api/v1/runs/${RUN}`;

let commands: RunCommand[];
let replays: ReplayRequest[];
let held: boolean;
let reply: (command: RunCommand) => CommandReply;
let replayed: (request: ReplayRequest) => ReplayReply;
let patches: PatchView[];
let background: Promise<void>[];

const done = (value: Json = null): CommandReply => ({
  outcome: "done",
  run: { run_id: RUN, status: "running", patch_seq: 3 } as never,
  value,
});
const refused = (code: "conflict" | "precondition_failed" | "not_found" | "gone" | "invalid"): CommandReply => ({
  outcome: "refused",
  code,
  message: "because",
});

const call = scriptedApi(
  {
    command: async (_, __, command) => {
      if (!held) return null;
      commands.push(command);
      return reply(command);
    },
    patches: async () => (held ? patches : null),
    replayRun: async (_, __, request) => {
      if (!held) return null;
      replays.push(request);
      return replayed(request);
    },
    bulk: async (_, items) => items.map(() => ({ outcome: "done" })),
  },
  { goOn: (work) => background.push(work) },
);

const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  call("POST", `${AT}${path}`, { body, headers });

const archive = async (details: object) => {
  held = false;
  const whole = { status: "failed", patches: [], approvals: [], node_executions: { a: {} }, ...details };
  const row = { run_id: RUN, tenant: "default", seq: 9, status: "failed", generation: 1, artifact_id: "sha256:x" };
  const rest = { trigger: "api", labels: "{}", priority: 3, submitted_at: 0 };
  await writeArchive(
    env.DB,
    "default",
    RUN,
    { v: 1, details: whole as never, events: [] },
    { ...row, ...rest } as never,
    0,
  );
};

beforeEach(async () => {
  await env.DB.batch(
    ["runs", "run_archives", "jobs", "job_chunks"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
  );
  held = true;
  commands = [];
  replays = [];
  background = [];
  patches = [];
  reply = () => done();
  replayed = ({ run_id: id }) => ({ outcome: "started", run: { run_id: id, status: "running" } as never });
});

describe("pause, resume, cancel", () => {
  test.each([
    ["/pause", { reason: "lunch" }, { type: "pause", reason: "lunch" }],
    ["/pause", undefined, { type: "pause" }],
    ["/resume", {}, { type: "resume" }],
    ["/resume", undefined, { type: "resume" }],
    ["/cancel", { reason: "r".repeat(REASON_LENGTH_MAX) }, { type: "cancel", reason: "r".repeat(REASON_LENGTH_MAX) }],
    ["/cancel", undefined, { type: "cancel" }],
  ])("%s with %s", async (path, body, command) => {
    const answer = await post(path, body);
    expect(answer).toMatchObject({ status: 202, body: { run_id: RUN, status: "running", links: { self: AT } } });
    expect(commands).toEqual([command]);
  });

  test("bodies of another form are 422 and reach no shard", async () => {
    for (const [path, body] of [
      ["/pause", { reason: 1 }],
      ["/pause", []],
      ["/resume", { reason: "r" }],
      ["/cancel", { reason: "r".repeat(REASON_LENGTH_MAX + 1) }],
      ["/cancel", { colour: 1 }],
    ] as const) {
      expect([path, (await post(path, body)).status]).toEqual([path, 422]);
    }
    expect(commands).toEqual([]);
  });

  test("of a run that has ended are 409, also of one that its shard has let go; of none 404", async () => {
    reply = () => refused("conflict");
    expect(await post("/pause")).toMatchObject({
      status: 409,
      body: { error: { code: "conflict", message: "because" } },
    });
    held = false;
    expect((await post("/pause")).status).toBe(404);
    await archive({});
    for (const path of ["/pause", "/resume", "/cancel", "/signals/go"]) {
      expect(await post(path)).toMatchObject({
        status: 409,
        body: { error: { message: "the run has failed already" } },
      });
    }
  });
});

describe("signals", () => {
  test("carry any JSON; none is null", async () => {
    for (const body of [{ a: [1] }, [1], "text", 0, false, null, undefined]) {
      const sent = typeof body === "string" ? JSON.stringify(body) : body;
      expect((await post("/signals/order.paid", sent)).status).toBe(202);
      expect(commands.at(-1)).toEqual({ type: "signal", name: "order.paid", payload: body ?? null });
    }
    expect((await post("/signals/go", "{")).status).toBe(400);
  });

  test("have the names that a node can wait for", async () => {
    expect((await post(`/signals/${"e".repeat(128)}`)).status).toBe(202);
    for (const name of ["e".repeat(129), ".hidden", "a%20b", "%C3%BC", "a%2Fb"]) {
      expect([name, (await post(`/signals/${name}`)).status]).toEqual([name, 404]);
    }
    expect(commands).toHaveLength(1);
  });
});

describe("patches", () => {
  const operations = [{ op: "add", path: "/nodes/-", value: { id: "b", type: "parallel" } }];
  const diff = { operations, summary: ['node "b" (parallel) added'] };

  test.each([
    ["applied", 201],
    ["proposed", 202],
  ] as const)("one that is %s answers %i with its number and what it changes", async (status, code) => {
    reply = () => done({ seq: 4, status, diff } as unknown as Json);
    const answer = await post("/patches", { operations, description: "more" }, { "If-Match": '"3"' });
    expect(answer).toMatchObject({ status: code, body: { seq: 4, status, diff } });
    expect(answer.headers.get("etag")).toBe('"3"');
    expect(answer.headers.get("location")).toBe(`${AT}/patches/4`);
    const command = { type: "patch", operations, description: "more", by: "operator", dry_run: false, if_match: 3 };
    expect(commands).toEqual([command]);
  });

  test("a dry run answers 200 with what it would change", async () => {
    reply = () => done({ diff } as unknown as Json);
    expect(await post("/patches", { operations, dry_run: true })).toMatchObject({ status: 200, body: { diff } });
    expect(commands).toMatchObject([{ dry_run: true, if_match: null }]);
  });

  test("for another state are 412, and so is an If-Match that is no number", async () => {
    reply = () => refused("precondition_failed");
    expect((await post("/patches", { operations }, { "If-Match": '"1"' })).status).toBe(412);
    expect((await post("/patches", { operations }, { "If-Match": '"one"' })).status).toBe(412);
    expect(commands).toHaveLength(1);
  });

  test("have their bounds", async () => {
    const many = (count: number) => Array.from({ length: count }, () => operations[0]);
    reply = () => done({ seq: 1, status: "applied", diff: { operations: [], summary: [] } });
    for (const [body, status] of [
      [{ operations: many(PATCH_OPERATIONS_MAX), description: "d".repeat(DESCRIPTION_LENGTH_MAX) }, 201],
      [{ operations: many(PATCH_OPERATIONS_MAX + 1) }, 422],
      [{ operations: [] }, 422],
      [{ operations: {} }, 422],
      [{}, 422],
      [{ operations, description: "d".repeat(DESCRIPTION_LENGTH_MAX + 1) }, 422],
      [{ operations, dry_run: "yes" }, 422],
      [{ operations, colour: 1 }, 422],
    ] as const) {
      expect((await post("/patches", body)).status).toBe(status);
    }
    expect(commands).toHaveLength(1);
  });

  test("are listed and shown one by one, also of an archived run", async () => {
    const patch: PatchView = {
      seq: 1,
      status: "applied",
      description: null,
      by: "key_1",
      source: "api",
      summary: [],
      operations: [],
      proposed_at: "2026-11-24T10:00:00.000Z",
      decided_at: null,
      decided_by: null,
    };
    patches = [patch];
    for (let i = 0; i < 2; i++) {
      expect(await call("GET", `${AT}/patches`)).toMatchObject({ status: 200, body: { items: [patch] } });
      expect(await call("GET", `${AT}/patches/1`)).toMatchObject({ status: 200, body: patch });
      for (const seq of ["2", "01", "x"]) expect((await call("GET", `${AT}/patches/${seq}`)).status).toBe(404);
      await archive({ patches: [patch] });
    }
  });

  test("are reverted and decided on by number", async () => {
    const answer = await call("DELETE", `${AT}/patches/4`, { headers: { "If-Match": '"4"' } });
    expect(answer).toMatchObject({ status: 200, body: { seq: 4, status: "reverted", patch_seq: 3 } });
    expect(answer.headers.get("etag")).toBe('"3"');
    reply = () => done({ seq: 5, status: "rejected" });
    expect((await post("/patches/5/decide", { decision: "reject", comments: "no" })).status).toBe(200);
    expect(commands).toEqual([
      { type: "revert_patch", seq: 4, by: "operator", if_match: 4 },
      { type: "decide_patch", seq: 5, decision: "reject", comments: "no", by: "operator" },
    ]);
    for (const seq of ["0", "x", "-1", "1e3"]) {
      expect((await call("DELETE", `${AT}/patches/${seq}`)).status).toBe(404);
      expect((await post(`/patches/${seq}/decide`, { decision: "approve" })).status).toBe(404);
    }
    expect((await post("/patches/5/decide", { decision: "perhaps" })).status).toBe(422);
    await archive({});
    expect((await call("DELETE", `${AT}/patches/4`)).status).toBe(409);
  });
});

describe("replay of a node", () => {
  test("hands on what is different this time", async () => {
    const body = { config: { url: "https://example.com/" }, reason: "wrong address", force_replay: true };
    expect(await post("/nodes/ask/replay", body)).toMatchObject({ status: 202, body: { run_id: RUN } });
    expect((await post("/nodes/ask/replay")).status).toBe(202);
    expect(commands).toEqual([
      { type: "replay_node", node: "ask", config: body.config, reason: "wrong address", force: true, by: "operator" },
      { type: "replay_node", node: "ask", reason: null, force: false, by: "operator" },
    ]);
  });

  test("bodies of another form are 422", async () => {
    for (const body of [{ config: [] }, { force_replay: 1 }, { reason: "r".repeat(REASON_LENGTH_MAX + 1) }, { x: 1 }]) {
      expect((await post("/nodes/ask/replay", body)).status).toBe(422);
    }
    expect(commands).toEqual([]);
  });

  test("answers the shard's refusals; an archived run has nothing to replay with", async () => {
    for (const [code, status] of [
      ["not_found", 404],
      ["conflict", 409],
      ["gone", 410],
      ["invalid", 422],
    ] as const) {
      reply = () => refused(code);
      expect((await post("/nodes/ask/replay")).status).toBe(status);
    }
    await archive({});
    expect(await post("/nodes/a/replay")).toMatchObject({ status: 410, body: { error: { code: "gone" } } });
    expect((await post("/nodes/toString/replay")).status).toBe(404);
  });
});

describe("replay of a run", () => {
  test("makes a new id in the same shard; live unless another mode is asked for", async () => {
    const answer = await post("/replay");
    expect(answer).toMatchObject({ status: 202, body: { replay_of: RUN, status: "running" } });
    expect(answer.headers.get("location")).toBe(`/api/v1/runs/${answer.body.run_id}`);
    expect(parseRunId(answer.body.run_id, 4)).toEqual(parseRunId(RUN, 4));
    expect(answer.body.run_id).not.toBe(RUN);
    await post("/replay", { mode: "freeze", from: "ask", inputs: { a: 1 } });
    expect(replays).toEqual([
      { run_id: answer.body.run_id, mode: "live", by: "operator" },
      { run_id: expect.any(String), mode: "freeze", from: "ask", inputs: { a: 1 }, by: "operator" },
    ]);
  });

  test("with another version sends its definition only if the shard lacks it", async () => {
    const workflow = { ...inlineRun, inputs: { type: "object", required: ["n"] } };
    const saved = await call("POST", "/api/v1/workflows", { body: { tag: "next", workflow } });
    replayed = (request) =>
      request.definition === undefined
        ? { outcome: "definition_needed" }
        : { outcome: "started", run: { run_id: request.run_id, status: "running" } as never };
    expect((await post("/replay", { workflow: "next", inputs: { n: 1 } })).status).toBe(202);
    const known = { artifact_id: saved.body.artifact_id, workflow: "next", inputs: { n: 1 }, mode: "live" };
    expect(replays).toMatchObject([known, { ...known, definition: { nodes: [{ id: "a" }] } }]);
    expect(replays[0]?.run_id).toBe(replays[1]?.run_id);
    const problems = await post("/replay", { workflow: "next", inputs: {} });
    expect(problems).toMatchObject({ status: 422, body: { error: { details: [{ pointer: "/inputs" }] } } });
    expect(await post("/replay", { workflow: "next", from: "z" })).toMatchObject({
      status: 422,
      body: { error: { details: [{ pointer: "/from" }] } },
    });
    expect((await post("/replay", { workflow: "nowhere" })).status).toBe(404);
    expect(replays).toHaveLength(2);
  });

  test("bodies of another form are 422, and refusals are answered as they are", async () => {
    for (const body of [{ mode: "fast" }, { from: "not a node" }, { inputs: [] }, { workflow: "" }, { x: 1 }]) {
      expect((await post("/replay", body)).status).toBe(422);
    }
    replayed = () => ({ outcome: "overloaded" });
    expect((await post("/replay")).status).toBe(503);
    replayed = () => ({ outcome: "refused", code: "not_found", message: "there is no node" });
    expect(await post("/replay", { from: "z" })).toMatchObject({
      status: 404,
      body: { error: { message: "there is no node" } },
    });
    held = false;
    expect((await post("/replay")).status).toBe(404);
    await archive({});
    expect(await post("/replay")).toMatchObject({ status: 410, body: { error: { code: "gone" } } });
  });
});

describe("POST /runs/bulk", () => {
  const bulk = (body: unknown) => call("POST", "/api/v1/runs/bulk", { body });

  async function putRuns(count: number, status: string, endedAt: number | null) {
    const ids = Array.from({ length: count }, () => runId({ region: "xx", shard: 2 }, nextUlid(1)));
    await env.DB.prepare(
      `INSERT INTO runs (run_id, tenant, seq, status, generation, artifact_id, trigger, labels, priority, submitted_at, ended_at)
       SELECT value, 'default', 1, ?2, 1, 'sha256:x', 'api', '{"team":"red"}', 3, 1000, ?3 FROM json_each(?1)`,
    )
      .bind(JSON.stringify(ids), status, endedAt)
      .run();
  }

  test("answers a job that goes on by itself and can be watched", async () => {
    await putRuns(3, "waiting", null);
    const filter = { status: "waiting", "label.team": "red", min_duration_ms: 0 };
    const none = await bulk({ action: "cancel", filter });
    expect(none.body).toMatchObject({ matched: 0, filter });
    const made = await bulk({ action: "cancel", filter: { status: "waiting", "label.team": "red" } });
    expect(made).toMatchObject({
      status: 202,
      body: { job_id: expect.stringMatching(/^job_/), action: "cancel", matched: 3, done: 0, failed: 0, errors: [] },
    });
    expect(made.headers.get("location")).toBe(`/api/v1/jobs/${made.body.job_id}`);
    await Promise.all(background);
    const watched = await call("GET", `/api/v1/jobs/${made.body.job_id}`);
    expect(watched).toMatchObject({ status: 200, body: { status: "completed", matched: 3, done: 3, failed: 0 } });
    const listed = await call("GET", "/api/v1/jobs?status=completed&limit=1");
    expect(listed.body).toEqual({ items: [watched.body], next_cursor: expect.any(String) });
  });

  test("a replay says how", async () => {
    await putRuns(1, "failed", 2_000);
    const filter = { status: "failed" };
    expect((await bulk({ action: "replay", filter })).body).toMatchObject({ mode: "live", from: "start", matched: 1 });
    const made = await bulk({ action: "replay", filter, mode: "freeze", from: "failed_node" });
    expect(made.body).toMatchObject({ mode: "freeze", from: "failed_node", matched: 1 });
  });

  test("bodies of another form are 422 with their place, and make no job", async () => {
    for (const [body, pointer] of [
      [{ action: "cancel" }, "/filter"],
      [{ action: "cancel", filter: {} }, "/filter"],
      [{ action: "delete", filter: { status: "failed" } }, "/action"],
      [{ action: "cancel", filter: { status: "gone" } }, "/filter/status"],
      [{ action: "cancel", filter: { colour: "red" } }, "/filter/colour"],
      [{ action: "cancel", filter: { "label.a b": "red" } }, "/filter/label.a b"],
      [{ action: "cancel", filter: { "label.a": 1 } }, "/filter/label.a"],
      [{ action: "cancel", filter: { limit: 1 } }, "/filter/limit"],
      [{ action: "cancel", filter: { status: "failed" }, mode: "live" }, "/mode"],
      [{ action: "replay", filter: { status: "failed" }, mode: "fast" }, "/mode"],
    ] as const) {
      const answer = await bulk(body);
      expect([answer.status, answer.body.error.details[0].pointer]).toEqual([422, pointer]);
    }
    expect((await call("GET", "/api/v1/jobs")).body.items).toEqual([]);
    expect(background).toEqual([]);
  });

  test("a job's id of another form is that of none", async () => {
    for (const id of ["x", `job_${nextUlid(1)}`]) {
      expect(await call("GET", `/api/v1/jobs/${id}`)).toMatchObject({
        status: 404,
        body: { error: { message: `there is no job "${id}"` } },
      });
    }
    for (const query of ["status=gone", "cursor=QUJD", "x=1"]) {
      expect((await call("GET", `/api/v1/jobs?${query}`)).status).toBe(422);
    }
  });
});
