/** Queue consumers on real workerd: they never throw, acknowledge each message, and one bad message fails one node. */
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { MESSAGE_CONFIG_BYTES_MAX, type TaskMessage } from "#store/task-message.ts";
import worker from "../../workers/index.ts";
import { httpRun, runOf, shard, startRequest, TENANT } from "./support.ts";

const message = (id: string, body: unknown) => ({ id, timestamp: new Date(), attempts: 1, body });

async function deliver(queue: string, messages: ReturnType<typeof message>[]) {
  const batch = createMessageBatch(queue, messages);
  const context = createExecutionContext();
  await worker.queue(batch, env as never, context);
  return getQueueResult(batch, context);
}

/** A run whose HTTP task takes too long to end by itself, and the message for the task. */
async function waitingRun(more: object = {}): Promise<{ runId: string; body: TaskMessage }> {
  const { stub, address } = shard(0);
  const request = await startRequest(address, httpRun("/slow/3000", more));
  const { run_id: runId } = runOf(await stub.start(TENANT, request));
  const config = { url: "https://api.example.com/echo", method: "POST" };
  const task = { path: "call", visit: 1, attempt: 1, tenant: TENANT, workflow: "test", timeout_ms: 5_000, config };
  return { runId, body: { v: 1, run_id: runId, sent_at: Date.now(), ...task } };
}

describe("http consumer", () => {
  test("executes each task with the visit's idempotency key and reports what it measured", async () => {
    const { runId, body } = await waitingRun();
    const result = await deliver("weir-http", [message("1", body)]);
    expect(result).toMatchObject({ outcome: "ok", explicitAcks: ["1"], retryMessages: [] });
    const details = await shard(0).stub.details(TENANT, runId);
    expect(details).toMatchObject({
      status: "completed",
      outputs: { after: { method: "POST", key: `${runId}/call/1` } },
    });
    expect(details?.node_executions.call?.metrics).toMatchObject({
      worker: "http-worker",
      attempt: 1,
      memory_peak_mb: null,
      system: { runtime: "workerd", os: null },
    });
  });

  test("a message that is no task is kept and acknowledged; its neighbours complete (invariant 12)", async () => {
    const one = await waitingRun();
    const two = await waitingRun();
    const result = await deliver("weir-http", [
      message("a", one.body),
      message("poison", { v: 1, nonsense: true }),
      message("astray", { ...one.body, run_id: "run_of_somebody_else" }),
      message("b", two.body),
    ]);
    expect(result.outcome).toBe("ok");
    expect(new Set(result.explicitAcks)).toEqual(new Set(["a", "poison", "astray", "b"]));
    for (const { runId } of [one, two]) {
      expect(await shard(0).stub.run(TENANT, runId)).toMatchObject({ status: "completed" });
    }
    const { results } = await env.DB.prepare("SELECT id, reason FROM dead_letters ORDER BY id").all();
    expect(results).toEqual([
      { id: "astray", reason: "the run id names no shard" },
      { id: "poison", reason: "the message is not a task" },
    ]);
  });

  test("delivered twice, a task completes its node once", async () => {
    const { runId, body } = await waitingRun();
    const result = await deliver("weir-http", [message("1", body), message("2", body), message("3", body)]);
    expect(result.explicitAcks).toHaveLength(3);
    const page = await shard(0).stub.events(TENANT, runId, 0, 100);
    expect(page?.items.filter((event) => event.type === "node.completed" && event.node === "call")).toHaveLength(1);
  });

  test("a task of a cancelled run leads nowhere", async () => {
    const { runId, body } = await waitingRun();
    await shard(0).stub.command(TENANT, runId, { type: "cancel" });
    await deliver("weir-http", [message("1", body)]);
    expect(await shard(0).stub.run(TENANT, runId)).toMatchObject({ status: "cancelled" });
  });

  test("a config too large for a message stays in the shard and is fetched", async () => {
    const payload = "x".repeat(MESSAGE_CONFIG_BYTES_MAX + 1);
    const { stub, address } = shard(1);
    const { run_id: runId } = runOf(
      await stub.start(TENANT, {
        ...(await startRequest(address, {
          nodes: [{ id: "call", type: "http", config: { url: "https://api.example.com/ok", method: "POST", payload } }],
        })),
        wait_ms: 10_000,
      }),
    );
    const details = await stub.details(TENANT, runId);
    expect(details?.status).toBe("completed");
    expect(details?.node_executions.call?.metrics?.bytes_out).toBe(payload.length);
  });
});

describe("dead-letter consumer", () => {
  test("keeps the message and fails the attempt, so that the run goes on", async () => {
    const { runId, body } = await waitingRun({ retry: { max_attempts: 3 } });
    const result = await deliver("weir-dead", [message("dead-1", body), message("dead-2", "rubbish")]);
    expect(result).toMatchObject({ outcome: "ok", retryMessages: [] });
    expect(await shard(0).stub.run(TENANT, runId)).toMatchObject({
      status: "failed",
      error: { code: "dead_lettered", node: "call" },
    });
    const kept = await env.DB.prepare("SELECT run_id, node FROM dead_letters WHERE id = 'dead-1'").first();
    expect(kept).toEqual({ run_id: runId, node: "call" });
    expect(await env.DB.prepare("SELECT body FROM dead_letters WHERE id = 'dead-2'").first("body")).toBe('"rubbish"');
  });
});
