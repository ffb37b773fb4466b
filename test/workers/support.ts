/** Shared by the tests in workerd: starting runs at a shard, looking at it, waiting for what must come. */
import { env } from "cloudflare:workers";
import { nextUlid, runId, shardName } from "#kernel/ids.ts";
import type { JsonObject } from "#kernel/json.ts";
import { contentOf } from "#store/content-address.ts";
import type { CoordinatorRpc, StartReply, StartRequest } from "#store/shard/protocol.ts";
import { checkWorkflow } from "#workflow/check.ts";

export const TENANT = "default";
export const KEY = "weir_test-operator-key";

export type Stub = DurableObjectStub & CoordinatorRpc;

/** A shard of its own for a test: `number` keeps tests of a file apart. */
export function shard(number: number): { stub: Stub; address: { region: "xx"; shard: number } } {
  const address = { region: "xx" as const, shard: number };
  return { stub: env.COORDINATOR.getByName(shardName(address)) as unknown as Stub, address };
}

export async function startRequest(
  address: { region: "xx"; shard: number },
  document: unknown,
  more: Partial<StartRequest> = {},
): Promise<StartRequest> {
  const { definition, errors } = checkWorkflow(document);
  if (definition === null || errors.length > 0) throw new Error(JSON.stringify(errors));
  const json = definition as unknown as JsonObject;
  return {
    run_id: runId(address, nextUlid(Date.now())),
    workflow: "test",
    artifact_id: (await contentOf(json)).id,
    definition: json,
    inputs: {},
    labels: {},
    priority: 3,
    trigger: "test",
    wait_ms: 0,
    ...more,
  };
}

/** The run of a reply that must have one. */
export function runOf(reply: StartReply) {
  if (!("run" in reply)) throw new Error(`no run: ${reply.outcome}`);
  return reply.run;
}

/** Asks until the answer is not null or the time is up. */
export async function eventually<Value>(ask: () => Promise<Value | null>, waitMs = 5_000): Promise<Value> {
  const until = Date.now() + waitMs;
  for (;;) {
    const value = await ask();
    if (value !== null) return value;
    if (Date.now() > until) throw new Error("it did not happen in time");
    await scheduler.wait(20);
  }
}

export const inlineRun = { nodes: [{ id: "a", type: "transform", config: { expression: "inputs" } }] };

export const httpRun = (path = "/ok", more: object = {}) => ({
  nodes: [
    { id: "call", type: "http", config: { url: `https://api.example.com${path}`, method: "POST" }, ...more },
    { id: "after", type: "transform", config: { expression: "output.body" } },
  ],
  edges: [{ from: "call", to: "after" }],
});
