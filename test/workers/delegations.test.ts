/** Runs that agents have others do, on real shards: the same one however often it is asked for, and none left behind. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { describe, expect, test } from "vitest";
import { DELEGATIONS_MAX } from "#agent/limits.ts";
import { DEPTH_MAX } from "#engine/limits.ts";
import { nextUlid, runId } from "#kernel/ids.ts";
import { Delegations, type DelegationsParts } from "#store/delegations.ts";
import { type ShardNamespace, Shards } from "#store/shards.ts";
import { Workflows } from "#store/workflows.ts";
import { checkWorkflow } from "#workflow/check.ts";
import { eventually, shard, startRequest, TENANT } from "./support.ts";

const workflows = new Workflows(drizzle(env.DB));
const shards = new Shards(env.COORDINATOR as unknown as ShardNamespace, {
  shards: 4,
  previousShards: null,
  shardsEver: 64,
  region: "xx",
});

async function save(tag: string, document: unknown): Promise<void> {
  const { definition } = checkWorkflow(document);
  if (definition === null) throw new Error("the workflow is wrong");
  const id = await workflows.addArtifact(TENANT, definition, 0);
  await workflows.createTag(TENANT, tag, id, null, 0);
}

/** One visit of an agent in a shard of its own; `attempt` begins an attempt of it. */
function visit(number: number) {
  const { stub, address } = shard(number);
  const task = { run_id: runId(address, nextUlid(Date.now())), path: "think", visit: 1 };
  const attempt = (attemptNumber: number, more: Partial<DelegationsParts> = {}) =>
    new Delegations({
      tenant: TENANT,
      task: { ...task, attempt: attemptNumber },
      shard: address,
      scope: { depth: 0, labels: { team: "a" }, priority: 2, shadow: false },
      shards,
      workflows,
      signal: new AbortController().signal,
      isWanted: async () => true,
      ...more,
    });
  /** Runs of the shard, in D1 a moment after they began. */
  const children = (count: number) =>
    eventually(async () => {
      await stub.wake();
      const { results } = await env.DB.prepare(
        "SELECT run_id, status FROM runs WHERE run_id LIKE ? ORDER BY submitted_at",
      )
        .bind(`${task.run_id.slice(0, 9)}%`)
        .all<{ run_id: string; status: string }>();
      return results.length >= count ? results : null;
    });
  return { attempt, children, stub, task, address };
}

const echo = { nodes: [{ id: "out", type: "transform", config: { expression: "inputs" } }] };
const waiting = { nodes: [{ id: "wait", type: "wait_for_event", config: { event: "go" } }] };
const failing = { nodes: [{ id: "bad", type: "transform", config: { expression: "inputs.nothing.here" } }] };

describe("delegations", () => {
  test("give the outputs; the child knows its parent, and has its labels, priority and depth", async () => {
    await save("echo", echo);
    const { attempt, children, stub, task } = visit(30);
    expect(await attempt(1).delegate("echo", { a: 1 })).toEqual({ ok: true, value: { out: { a: 1 } } });
    const [child] = await children(1);
    expect(await stub.run(TENANT, child?.run_id ?? "")).toMatchObject({
      workflow: "echo",
      trigger: "agent",
      labels: { team: "a" },
      priority: 2,
      parent: { run_id: task.run_id, node: "think" },
    });
    const { items } = (await stub.events(TENANT, child?.run_id ?? "", 0, 1)) ?? { items: [] };
    expect(items[0]).toMatchObject({ depth: 1 });
  });

  test("of another attempt find the run that is there, done or under way; another request starts another", async () => {
    await save("echo-again", echo);
    await save("waiting", waiting);
    const { attempt, children, stub } = visit(31);
    const first = attempt(1).delegate("waiting", {});
    const [child] = await children(1);
    const second = attempt(2).delegate("waiting", {});
    await stub.command(TENANT, child?.run_id ?? "", { type: "signal", name: "go", payload: 7 });
    expect(await Promise.all([first, second])).toEqual([
      { ok: true, value: { wait: 7 } },
      { ok: true, value: { wait: 7 } },
    ]);
    expect(await attempt(3).delegate("waiting", {})).toEqual({ ok: true, value: { wait: 7 } });
    await attempt(3).delegate("echo-again", { n: 1 });
    await attempt(3).delegate("echo-again", { n: 2 });
    expect(await children(3)).toHaveLength(3);
  });

  test("are cancelled with their attempt; the next one starts anew", async () => {
    await save("waiting-too", waiting);
    const { attempt, children, stub } = visit(32);
    const controller = new AbortController();
    const cut = attempt(1, { signal: controller.signal });
    const first = cut.delegate("waiting-too", {});
    const [child] = await children(1);
    controller.abort();
    await cut.close();
    await expect(first).resolves.toMatchObject({ ok: false });
    expect(await stub.run(TENANT, child?.run_id ?? "")).toMatchObject({ status: "cancelled" });
    const again = attempt(2);
    const second = again.delegate("waiting-too", {});
    expect((await children(2)).map(({ status }) => status)).toEqual(["cancelled", "waiting"]);
    await again.close();
    expect(await second).toMatchObject({ ok: false, error: expect.stringContaining("cancelled") });
  });

  test("whose worker is lost end with the agent's run, and none outlives it that was still on its way", async () => {
    await save("waiting-four", waiting);
    const { attempt, children, stub, task, address } = visit(36);
    const parent = {
      nodes: [...waiting.nodes, { id: "think", type: "agent", config: { task: "hand it on" } }],
      edges: [{ from: "wait", to: "think" }],
    };
    await stub.start(TENANT, await startRequest(address, parent, { run_id: task.run_id }));
    // Nobody closes these: the worker that asked for them is gone.
    void attempt(1).delegate("waiting-four", {});
    const childOf = (status: string) =>
      eventually(
        async () => (await children(2)).find((run) => run.run_id !== task.run_id && run.status === status) ?? null,
      );
    await childOf("waiting");
    await stub.command(TENANT, task.run_id, { type: "cancel", reason: "test" });
    const child = await childOf("cancelled");
    expect(await stub.run(TENANT, child.run_id)).toMatchObject({ status: "cancelled" });
    expect(await attempt(2).delegate("waiting-four", {})).toMatchObject({
      ok: false,
      error: expect.stringContaining("cancelled"),
    });
  });

  test("end when the run does not want the agent any more", async () => {
    await save("waiting-three", waiting);
    const { attempt } = visit(33);
    const unwanted = attempt(1, { isWanted: async () => false });
    await expect(unwanted.delegate("waiting-three", {})).rejects.toThrow("does not want");
    await unwanted.close();
  }, 20_000);

  test("tell why a run failed, and are not made deeper, more often or of less than they may", async () => {
    await save("failing", failing);
    const { attempt } = visit(34);
    expect(await attempt(1).delegate("failing", {})).toMatchObject({
      ok: false,
      error: expect.stringContaining('at "bad"'),
    });
    expect(await attempt(1).delegate("nobody", {})).toMatchObject({
      ok: false,
      error: expect.stringContaining("no workflow"),
    });
    const scope = { labels: {}, priority: 3, shadow: false };
    expect(await attempt(1, { scope: { ...scope, depth: DEPTH_MAX } }).delegate("failing", {})).toMatchObject({
      error: expect.stringContaining("deep"),
    });
    expect(await attempt(1, { scope: { ...scope, depth: DEPTH_MAX - 1 } }).delegate("failing", {})).toMatchObject({
      error: expect.stringContaining('at "bad"'),
    });
    const busy = attempt(1);
    for (let i = 0; i < DELEGATIONS_MAX; i++) {
      expect(await busy.delegate("nobody", {})).toMatchObject({ error: expect.stringContaining("no workflow") });
    }
    expect(await busy.delegate("nobody", {})).toMatchObject({ error: expect.stringContaining("at most") });
  });

  test("of a shadow run are shadows", async () => {
    await save("echo-shadow", echo);
    const { attempt, children, stub, task } = visit(35);
    const scope = { depth: 0, labels: {}, priority: 3, shadow: true };
    await attempt(1, { scope }).delegate("echo-shadow", {});
    const [child] = await children(1);
    expect(await stub.run(TENANT, child?.run_id ?? "")).toMatchObject({
      replay_of: { run_id: task.run_id, mode: "shadow" },
    });
  });
});
