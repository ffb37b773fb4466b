/** From an accepted request to a run in its shard: finds the definition, picks the shard, starts once for each key. */

import type { RunView } from "#engine/view.ts";
import { ApiError } from "#kernel/errors.ts";
import type { ShardAddress } from "#kernel/ids.ts";
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
  /** The caller's span. */
  traceparent?: string;
}

export interface StartedRun {
  run: RunView;
  replayed: boolean;
}

/** A start that its shard can be asked for, or the run that its key has started already. */
export type Preparation =
  | { known: StartReply }
  | { address: ShardAddress; request: StartRequest; definition: WorkflowDefinition };

/** Finds the definition behind an order; those who start many remember what they have found. */
export type FindSource = (order: RunOrder) => Promise<Source>;

export async function startRun(
  services: Services,
  tenant: string,
  order: RunOrder,
  idempotencyKey: string | undefined,
): Promise<StartedRun> {
  const { shards } = services;
  const find = (wanted: RunOrder) => findSource(services, tenant, wanted);
  const prepared = await prepareStart(services, tenant, order, idempotencyKey, find);
  if ("known" in prepared) return accepted(prepared.known);
  const { address, request } = prepared;
  let reply = await shards.call(address, (shard) => shard.start(tenant, request));
  if (reply.outcome === "definition_needed") {
    const definition = prepared.definition as unknown as JsonObject;
    reply = await shards.call(address, (shard) => shard.start(tenant, { ...request, definition }));
  }
  return accepted(reply);
}

/** `home`: the shard for runs without a key; without it each goes where its id falls. */
export async function prepareStart(
  services: Services,
  tenant: string,
  order: RunOrder,
  idempotencyKey: string | undefined,
  find: FindSource,
  home?: ShardAddress,
): Promise<Preparation> {
  const { shards } = services;
  const key = idempotencyKey === undefined ? undefined : { tenant, key: idempotencyKey };
  const idempotency = key === undefined ? undefined : { key: key.key, body_hash: await hashOf(order) };
  const askByKey = (address: ShardAddress) =>
    idempotency === undefined
      ? null
      : shards.call(address, (shard) => shard.findByKey(tenant, idempotency.key, idempotency.body_hash));
  const previous = key === undefined ? null : shards.previousShardOf(key);
  const before = previous === null ? null : await askByKey(previous);
  if (before !== null) return { known: before };

  const nowMs = Date.now();
  const runId = key === undefined && home !== undefined ? shards.newRunIdIn(home, nowMs) : shards.newRunId(nowMs, key);
  const address = shards.addressOf(runId);
  if (address === null) throw new Error(`the id ${runId} names no shard`);
  let source: Source;
  try {
    source = await find(order);
    checkOrder(source, order);
  } catch (error) {
    // What the key has started stays started: the workflow may have gone or changed since.
    const known = error instanceof ApiError ? await askByKey(address) : null;
    if (known === null) throw error;
    return { known };
  }
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
    ...(order.traceparent === undefined ? {} : { traceparent: order.traceparent }),
  };
  return { address, request, definition: source.definition };
}

function checkOrder(source: Source, order: RunOrder): void {
  const problems = source.definition.inputs === undefined ? [] : checkInputs(source.definition.inputs, order.inputs);
  if (problems.length > 0) {
    throw new ApiError("invalid", "the inputs do not fit the workflow's schema", { details: problems });
  }
}

function accepted(reply: StartReply): StartedRun {
  if ("run" in reply) return { run: reply.run, replayed: reply.outcome === "replayed" };
  throw refusalOf(reply.outcome);
}

/** Why a shard did not start a run, as an answer. */
export function refusalOf(outcome: "definition_needed" | "key_conflict" | "overloaded" | "failed"): ApiError {
  switch (outcome) {
    case "key_conflict":
      return new ApiError("conflict", "this Idempotency-Key was used with another body within the last 24 h");
    case "overloaded":
      return new ApiError("overloaded", "the coordinator has more to store than it can; try again shortly", {
        headers: { "Retry-After": "5" },
      });
    case "definition_needed":
    case "failed":
      return new ApiError("internal", "the run could not be started; nothing of it is kept");
  }
}

export interface Source {
  tag: string | null;
  artifactId: string;
  definition: WorkflowDefinition;
}

export async function findSource(services: Services, tenant: string, order: RunOrder): Promise<Source> {
  if (order.workflow !== undefined) return findWorkflow(services, tenant, order.workflow);
  const { definition } = acceptDocument(order.definition, "/definition", services.urlPolicy);
  return { tag: null, artifactId: await services.workflows.addArtifact(tenant, definition, Date.now()), definition };
}

/** The version that a tag or an artifact id names; `not_found` when it names none. */
export async function findWorkflow({ workflows }: Services, tenant: string, name: string): Promise<Source> {
  const found = await workflows.find(tenant, name);
  if (found === null) throw new ApiError("not_found", `there is no workflow "${name.slice(0, 200)}"`);
  return found;
}

/** What makes two orders the same one: everything but who asks and how long they wait. */
function hashOf(order: RunOrder): Promise<string> {
  const { wait_ms: _, traceparent: __, ...identity } = order;
  return sha256(canonicalJson(identity as unknown as Json));
}
