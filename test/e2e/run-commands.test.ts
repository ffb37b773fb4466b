/** Pause, resume, cancel and signal, over HTTP on a real Weir. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError, follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerOk, startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
const api = follow(() => weir);

/** Answers that are held back until `release` is called, by path. */
const held = new Map<string, () => void>();
const isHeld = (path: string) => expect.poll(() => held.has(path), { timeout: 30_000 }).toBe(true);

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    const path = request.url ?? "";
    if (path.startsWith("/slow/")) held.set(path, () => answerOk(request, response));
    else answerOk(request, response);
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const http = (id: string, path: string) => ({ id, type: "http", config: { url: witness.url + path } });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });
const wait = (id: string, event: string, more: object = {}) => ({
  id,
  type: "wait_for_event",
  config: { event, ...more },
});
const asked = (path: string) => witness.requests.filter(({ url }) => url === path).length;
const typesOf = async (id: string) => (await api.events(id)).map((event) => event.type);

describe("pause and resume", () => {
  test("what executes ends, nothing after it starts until the run is resumed", async () => {
    const id = await api.start({
      nodes: [http("first", "/slow/pause"), http("second", "/after-pause")],
      edges: [edge("first", "second")],
    });
    await isHeld("/slow/pause");
    const paused = await api.post(`/runs/${id}/pause`, { reason: "lunch" });
    expect(paused).toMatchObject({ status: 202, body: { run_id: id, status: "paused" } });
    expect(await api.post(`/runs/${id}/pause`)).toMatchObject({ status: 202, body: { status: "paused" } });
    held.get("/slow/pause")?.();
    const run = await api.until(id, (each) => each.node_counts.completed === 1);
    expect(run).toMatchObject({ status: "paused", ended_at: null });
    const { body } = await api.get(`/runs/${id}/explain`);
    expect(body.waiting).toMatchObject([{ node: "second", kind: "paused" }]);
    expect(asked("/after-pause")).toBe(0);

    expect(await api.post(`/runs/${id}/resume`)).toMatchObject({ status: 202, body: { run_id: id } });
    expect(await api.end(id)).toMatchObject({ status: "completed" });
    expect(asked("/after-pause")).toBe(1);
    const flow = (await api.events(id)).filter(({ type }) => type === "run.paused" || type === "run.resumed");
    expect(flow).toMatchObject([{ type: "run.paused", reason: "lunch" }, { type: "run.resumed" }]);
  });

  test("timers and events that come meanwhile are kept, and lead on at the resume", async () => {
    const id = await api.start({
      nodes: [
        { id: "d", type: "delay", config: { duration_ms: 50 } },
        wait("w", "go"),
        { id: "both", type: "parallel" },
      ],
      edges: [edge("d", "both"), edge("w", "both")],
    });
    await api.post(`/runs/${id}/pause`);
    expect((await api.post(`/runs/${id}/signals/go`, { n: 1 })).status).toBe(202);
    await api.until(id, (run) => run.node_counts.completed === 2);
    expect(await typesOf(id)).not.toContain("run.completed");
    await api.post(`/runs/${id}/resume`);
    expect((await api.end(id)).outputs).toMatchObject({ both: { w: { n: 1 } } });
  });

  test("a run that has nothing left is completed by its resume", async () => {
    const id = await api.start({ nodes: [wait("w", "go")] });
    await api.post(`/runs/${id}/pause`);
    await api.post(`/runs/${id}/signals/go`);
    expect((await api.get(`/runs/${id}`)).body.status).toBe("paused");
    await api.post(`/runs/${id}/resume`);
    expect(await api.end(id)).toMatchObject({ status: "completed", outputs: { w: null } });
  });

  test("resuming a run that is not paused changes nothing", async () => {
    const id = await api.start({ nodes: [wait("w", "go")] });
    expect(await api.post(`/runs/${id}/resume`)).toMatchObject({ status: 202, body: { status: "waiting" } });
    expect(await typesOf(id)).not.toContain("run.resumed");
    await api.post(`/runs/${id}/cancel`);
  });
});

describe("cancel", () => {
  test("ends the run at once; the answer that comes later leads nowhere", async () => {
    const id = await api.start({
      nodes: [http("first", "/slow/cancel"), http("second", "/after-cancel"), wait("w", "never")],
      edges: [edge("first", "second")],
    });
    await isHeld("/slow/cancel");
    const { status } = await api.post(`/runs/${id}/cancel`, { reason: "no longer needed" });
    expect(status).toBe(202);
    const run = (await api.get(`/runs/${id}`)).body;
    expect(run.status).toBe("cancelled");
    expect(run.ended_at).not.toBeNull();
    held.get("/slow/cancel")?.();
    // Another run that is started after it has come and gone: the late answer has been heard by then, or never will be.
    await api.run({ nodes: [http("other", "/other")] });
    expect(asked("/after-cancel")).toBe(0);
    const events = await api.events(id);
    expect(events.filter(({ type }) => type === "run.cancelled")).toMatchObject([{ reason: "no longer needed" }]);
    expect(events.filter(({ type }) => type === "node.completed")).toEqual([]);
  });

  test("a paused run can be cancelled", async () => {
    const id = await api.start({ nodes: [wait("w", "never")] });
    await api.post(`/runs/${id}/pause`);
    expect((await api.post(`/runs/${id}/cancel`)).status).toBe(202);
    expect((await api.end(id)).status).toBe("cancelled");
  });
});

describe("signal", () => {
  test("goes to every node that waits for it, and each takes what matches", async () => {
    const id = await api.start({
      nodes: [wait("a", "paid"), wait("b", "paid", { match: "output.amount > 10" }), wait("c", "shipped")],
    });
    await api.post(`/runs/${id}/signals/paid`, { amount: 5 });
    await api.until(id, (run) => run.node_counts.completed === 1);
    await api.post(`/runs/${id}/signals/paid`, { amount: 50 });
    expect((await api.post(`/runs/${id}/signals/shipped`, ["by", "rail"])).status).toBe(202);
    expect((await api.end(id)).outputs).toEqual({ a: { amount: 5 }, b: { amount: 50 }, c: ["by", "rail"] });
    const signals = (await api.events(id)).filter(({ type }) => type === "signal.received");
    expect(signals.map((event) => event.delivered_to)).toEqual([["a"], ["b"], ["c"]]);
  });

  test("a hundred are kept, one more is refused and the run is as it was", async () => {
    const id = await api.start({ nodes: [wait("w", "go")] });
    for (let n = 0; n < 100; n++) expect((await api.post(`/runs/${id}/signals/early`, n)).status).toBe(202);
    const before = await api.events(id);
    expectError(await api.post(`/runs/${id}/signals/early`, 100), 409, "conflict");
    expect(await api.events(id)).toEqual(before);
    await api.post(`/runs/${id}/cancel`);
  });

  test("an event of no name, or a body that is no JSON, is refused", async () => {
    const id = await api.start({ nodes: [wait("w", "go")] });
    expectError(await api.post(`/runs/${id}/signals/${encodeURIComponent("no name")}`, {}), 404, "not_found");
    expectError(await api.post(`/runs/${id}/signals/go`, "{"), 400, "bad_request");
    expect((await api.get(`/runs/${id}`)).body.status).toBe("waiting");
    await api.post(`/runs/${id}/cancel`);
  });
});

describe("what has ended, and what is not there", () => {
  const commands = ["pause", "resume", "cancel", "signals/go"];

  test("every command on a run that has ended is 409, and changes nothing", async () => {
    const { run_id: id } = await api.run({ nodes: [{ id: "a", type: "parallel" }] });
    const before = await api.events(id);
    for (const command of commands) expectError(await api.post(`/runs/${id}/${command}`), 409, "conflict");
    expect(await api.events(id)).toEqual(before);
  });

  test("every command on a run that is not there is 404", async () => {
    for (const id of ["run_xx00001HF0000000000000000000000", "nonsense"]) {
      for (const command of commands) expectError(await api.post(`/runs/${id}/${command}`), 404, "not_found");
    }
  });

  test("unknown members and too long a reason are 422", async () => {
    const id = await api.start({ nodes: [wait("w", "go")] });
    expectError(await api.post(`/runs/${id}/pause`, { because: "x" }), 422, "invalid");
    expectError(await api.post(`/runs/${id}/resume`, { reason: "x" }), 422, "invalid");
    expectError(await api.post(`/runs/${id}/cancel`, { reason: "x".repeat(501) }), 422, "invalid");
    expect((await api.get(`/runs/${id}`)).body.status).toBe("waiting");
    expect((await api.post(`/runs/${id}/cancel`, { reason: "x".repeat(500) })).status).toBe(202);
  });
});
