/** From an accepted request to a run in its shard: finds the definition, picks the shard, starts once for each key. */

import type { RunView } from "#engine/view.ts";
import { ApiError } from "#kernel/errors.ts";
import { canonicalJson, type Json, type JsonObject } from "#kernel/json.ts";
import { sha256 } from "#store/content-address.ts";
import type { StartReply, StartRequest } from "#store/shard/protocol.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { checkInputs } from "#workflow/inputs.ts";
import type { Services } from "./services.ts";
import { acceptDocument } from "./workflow-document.ts";

export interface RunOrder {
  workflow?: string;
  definition?: unknown;
  inputs: JsonObject;
  labels: Record<string, string>;
  priority: number;
  wait_ms?: number;
  trigger: string;
}

export interface StartedRun {
  run: RunView;
  replayed: boolean;
}

export async function startRun(
  services: Services,
  tenant: string,
  order: RunOrder,
  idempotencyKey: string | undefined,
): Promise<StartedRun> {
  const { shards } = services;
  const key = idempotencyKey === undefined ? undefined : { tenant, key: idempotencyKey };
  const idempotency = key === undefined ? undefined : { key: key.key, body_hash: await hashOf(order) };
  if (key !== undefined && idempotency !== undefined) {
    const previous = shards.previousShardOf(key);
    const known =
      previous === null
        ? null
        : await shards.call(previous, (shard) => shard.findByKey(tenant, key.key, idempotency.body_hash));
    if (known !== null) return accepted(known);
  }
  const source = await findSource(services, tenant, order);
  const problems = source.definition.inputs === undefined ? [] : checkInputs(source.definition.inputs, order.inputs);
  if (problems.length > 0) {
    throw new ApiError("invalid", "the inputs do not fit the workflow's schema", { details: problems });
  }
  const runId = shards.newRunId(Date.now(), key);
  const request: StartRequest = {
    run_id: runId,
    workflow: source.tag,
    artifact_id: source.artifactId,
    inputs: order.inputs,
    labels: order.labels,
    priority: order.priority,
    trigger: order.trigger,
    wait_ms: order.wait_ms ?? 0,
    ...(idempotency === undefined ? {} : { idempotency }),
  };
  const address = shards.addressOf(runId);
  if (address === null) throw new Error(`the id ${runId} names no shard`);
  let reply = await shards.call(address, (shard) => shard.start(tenant, request));
  if (reply.outcome === "definition_needed") {
    const definition = source.definition as unknown as JsonObject;
    reply = await shards.call(address, (shard) => shard.start(tenant, { ...request, definition }));
  }
  return accepted(reply);
}

function accepted(reply: StartReply): StartedRun {
  switch (reply.outcome) {
    case "started":
    case "replayed":
      return { run: reply.run, replayed: reply.outcome === "replayed" };
    case "key_conflict":
      throw new ApiError("conflict", "this Idempotency-Key was used with another body within the last 24 h");
    case "overloaded":
      throw new ApiError("overloaded", "the coordinator has more to store than it can; try again shortly", {
        headers: { "Retry-After": "5" },
      });
    case "definition_needed":
      throw new Error("the shard asked for the definition twice");
  }
}

interface Source {
  tag: string | null;
  artifactId: string;
  definition: WorkflowDefinition;
}

async function findSource(services: Services, tenant: string, order: RunOrder): Promise<Source> {
  const { workflows, urlPolicy } = services;
  if (order.workflow === undefined) {
    const { definition } = acceptDocument(order.definition, "/definition", urlPolicy);
    return { tag: null, artifactId: await workflows.addArtifact(tenant, definition, Date.now()), definition };
  }
  const record = order.workflow.startsWith("sha256:") ? null : await workflows.recentTag(tenant, order.workflow);
  const artifactId = record?.artifactId ?? order.workflow;
  const document = artifactId.startsWith("sha256:") ? await workflows.artifact(tenant, artifactId) : null;
  if (document === null) throw new ApiError("not_found", `there is no workflow "${order.workflow}"`);
  return { tag: record?.tag ?? null, artifactId, definition: document as unknown as WorkflowDefinition };
}

/** What makes two orders the same one: everything but how long the caller waits. */
function hashOf(order: RunOrder): Promise<string> {
  const { wait_ms: _, ...identity } = order;
  return sha256(canonicalJson(identity as unknown as Json));
}
