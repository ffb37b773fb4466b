/**
 * Many runs from one request, each with its own outcome. Those without a key go to one shard together, so that a
 * hundred of them are one call and one commit; those with a key go where the key belongs.
 */
import { API_ERRORS, ApiError } from "#kernel/errors.ts";
import type { ShardAddress } from "#kernel/ids.ts";
import { shardName } from "#kernel/ids.ts";
import type { JsonObject } from "#kernel/json.ts";
import type { StartedReply, StartRequest } from "#store/shard/protocol.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import type { Services } from "./services.ts";
import { findSource, prepareStart, type RunOrder, refusalOf, type Source } from "./start-run.ts";

export interface BatchOrder {
  order: RunOrder;
  idempotencyKey: string | undefined;
}

export type BatchOutcome = { run: { run_id: string; status: StartedStatus }; replayed: boolean } | { error: ApiError };
type StartedStatus = Extract<StartedReply, { run_id: string }>["status"];

interface Start {
  /** Its place in the batch. */
  index: number;
  request: StartRequest;
  definition: WorkflowDefinition;
}

/** Outcomes in the order of the batch; an order that was refused before (an error) stays what it is. */
export async function startBatch(
  services: Services,
  tenant: string,
  orders: readonly (BatchOrder | ApiError)[],
): Promise<BatchOutcome[]> {
  const { shards } = services;
  const outcomes = new Map<number, BatchOutcome>();
  const byShard = new Map<string, { address: ShardAddress; starts: Start[] }>();
  const home = shards.addressOf(shards.newRunId(Date.now()));
  const find = rememberingFind(services, tenant);
  await Promise.all(
    orders.map(async (order, index) => {
      try {
        if (order instanceof ApiError) throw order;
        const prepared = await prepareStart(
          services,
          tenant,
          order.order,
          order.idempotencyKey,
          find,
          home ?? undefined,
        );
        if ("known" in prepared) {
          outcomes.set(index, outcomeOf(prepared.known));
          return;
        }
        const { address, request, definition } = prepared;
        const group = byShard.get(shardName(address)) ?? { address, starts: [] };
        group.starts.push({ index, request, definition });
        byShard.set(shardName(address), group);
      } catch (error) {
        outcomes.set(index, { error: asApiError(services, error) });
      }
    }),
  );
  await Promise.all(
    [...byShard.values()].map(async ({ address, starts }) => {
      // Preparations end in any order; of two orders under one key the first of the batch starts the run.
      starts.sort((left, right) => left.index - right.index);
      await startGroup(services, tenant, address, starts, outcomes);
    }),
  );
  return orders.map((_, index) => outcomes.get(index) ?? { error: refusalOf("failed") });
}

/** One call for the group; then one for each artifact that the shard did not have. */
async function startGroup(
  services: Services,
  tenant: string,
  address: ShardAddress,
  starts: readonly Start[],
  outcomes: Map<number, BatchOutcome>,
): Promise<void> {
  const unknown = new Map<string, Start[]>();
  const ask = async (asked: readonly Start[], definition?: WorkflowDefinition) => {
    const requests = asked.map(({ request }) => request);
    const known =
      definition === undefined
        ? undefined
        : { artifact_id: requests[0]?.artifact_id ?? "", definition: definition as unknown as JsonObject };
    const replies = await settle(services, () =>
      services.shards.call(address, (shard) => shard.startMany(tenant, requests, known)),
    );
    asked.forEach((start, position) => {
      const reply = Array.isArray(replies) ? (replies[position] ?? { outcome: "failed" as const }) : replies;
      if (reply instanceof ApiError) outcomes.set(start.index, { error: reply });
      else if (reply.outcome === "definition_needed" && definition === undefined) {
        const { artifact_id: id } = start.request;
        unknown.set(id, [...(unknown.get(id) ?? []), start]);
      } else outcomes.set(start.index, outcomeOf(reply));
    });
  };
  await ask(starts);
  for (const group of unknown.values()) await ask(group, group[0]?.definition);
}

async function settle<Value>(services: Services, ask: () => Promise<Value>): Promise<Value | ApiError> {
  try {
    return await ask();
  } catch (error) {
    return asApiError(services, error);
  }
}

function outcomeOf(
  reply: StartedReply | { outcome: "started" | "replayed"; run: { run_id: string; status: StartedStatus } } | Refusal,
): BatchOutcome {
  if ("run" in reply) return { run: reply.run, replayed: reply.outcome === "replayed" };
  if ("run_id" in reply) return { run: reply, replayed: reply.outcome === "replayed" };
  return { error: refusalOf(reply.outcome) };
}

type Refusal = { outcome: Parameters<typeof refusalOf>[0] };

/** A hundred orders of one workflow look it up once. */
function rememberingFind(services: Services, tenant: string): (order: RunOrder) => Promise<Source> {
  const found = new Map<string, Promise<Source>>();
  return (order) => {
    if (order.workflow === undefined) return findSource(services, tenant, order);
    const known = found.get(order.workflow) ?? findSource(services, tenant, order);
    found.set(order.workflow, known);
    return known;
  };
}

/** What went wrong for one of many: faults of ours are logged and told as such. */
function asApiError(services: Services, error: unknown): ApiError {
  if (error instanceof ApiError && error.code in API_ERRORS) return error;
  services.logger.error("a start of a batch failed", { error });
  return refusalOf("failed");
}
