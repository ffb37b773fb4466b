/** Tables of D1: the read model of runs and the home of slow-moving truth. `migrations/` is generated from this file. */

import { sql } from "drizzle-orm";
import { blob, index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { RUN_STATUSES } from "#engine/state.ts";

/** Owners of everything below. A deleted one keeps its row, so that nobody is given its id and with it what it left. */
export const tenants = sqliteTable("tenants", {
  id: text("id").primaryKey(),
  name: text("name"),
  createdAt: integer("created_at").notNull(),
  deletedAt: integer("deleted_at"),
});

/** API keys by the SHA-256 of their text, which is kept nowhere. `scopes` is a JSON list. */
export const keys = sqliteTable(
  "keys",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant").notNull(),
    digest: text("digest").notNull(),
    prefix: text("prefix").notNull(),
    name: text("name").notNull(),
    scopes: text("scopes").notNull(),
    /** The key that made it. */
    createdBy: text("created_by").notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
  },
  (table) => [uniqueIndex("keys_by_digest").on(table.digest), index("keys_by_tenant").on(table.tenant, table.id)],
);

/** Immutable content by address: `sha256:…` of its canonical JSON, for each tenant. */
export const artifacts = sqliteTable(
  "artifacts",
  {
    tenant: text("tenant").notNull(),
    id: text("id").notNull(),
    content: text("content").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);

/** Movable names for artifacts. `revision` counts every change of the row and is its ETag. */
export const tags = sqliteTable(
  "tags",
  {
    tenant: text("tenant").notNull(),
    name: text("name").notNull(),
    artifactId: text("artifact_id").notNull(),
    version: integer("version").notNull(),
    revision: integer("revision").notNull(),
    description: text("description"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.name] })],
);

/** What a tag has pointed to, numbered from 1. */
export const workflowVersions = sqliteTable(
  "workflow_versions",
  {
    tenant: text("tenant").notNull(),
    tag: text("tag").notNull(),
    version: integer("version").notNull(),
    artifactId: text("artifact_id").notNull(),
    description: text("description"),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.tag, table.version] })],
);

/** One narrow row a run, projected from its log; `seq` is the number of the last event it shows. */
export const runs = sqliteTable(
  "runs",
  {
    runId: text("run_id").primaryKey(),
    tenant: text("tenant").notNull(),
    seq: integer("seq").notNull(),
    status: text("status", { enum: RUN_STATUSES }).notNull(),
    generation: integer("generation").notNull(),
    workflow: text("workflow"),
    artifactId: text("artifact_id").notNull(),
    trigger: text("trigger").notNull(),
    labels: text("labels").notNull(),
    priority: integer("priority").notNull(),
    errorCode: text("error_code"),
    errorMessage: text("error_message"),
    submittedAt: integer("submitted_at").notNull(),
    startedAt: integer("started_at"),
    endedAt: integer("ended_at"),
    durationMs: integer("duration_ms"),
    /** The run's outputs as JSON while they are small; larger ones stay in the shard. */
    outputs: text("outputs"),
    archivedAt: integer("archived_at"),
  },
  (table) => [
    index("runs_by_tenant").on(table.tenant, table.submittedAt),
    // What the watchdog looks at every minute: runs that have not ended.
    index("runs_live").on(table.runId).where(sql`${table.endedAt} IS NULL`),
  ],
);

/** The whole detail of a run that its shard has let go: gzipped JSON, cut into chunks. */
export const runArchives = sqliteTable(
  "run_archives",
  {
    runId: text("run_id").notNull(),
    chunk: integer("chunk").notNull(),
    tenant: text("tenant").notNull(),
    data: blob("data", { mode: "buffer" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.runId, table.chunk] })],
);

/** Messages that exhausted their queue's retries, kept to look at and to send again. */
export const deadLetters = sqliteTable(
  "dead_letters",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant"),
    queue: text("queue").notNull(),
    runId: text("run_id"),
    node: text("node"),
    attempts: integer("attempts").notNull(),
    reason: text("reason").notNull(),
    body: text("body").notNull(),
    createdAt: integer("created_at").notNull(),
    redrivenAt: integer("redriven_at"),
  },
  (table) => [index("dead_letters_by_time").on(table.createdAt)],
);

/** Model calls of agents, one row each. Null is what nobody knows; a price that is not known is never 0. */
export const llmCalls = sqliteTable(
  "llm_calls",
  {
    callId: text("call_id").primaryKey(),
    tenant: text("tenant").notNull(),
    runId: text("run_id").notNull(),
    workflow: text("workflow"),
    node: text("node").notNull(),
    visit: integer("visit").notNull(),
    attempt: integer("attempt").notNull(),
    turn: integer("turn").notNull(),
    at: integer("at").notNull(),
    durationMs: integer("duration_ms").notNull(),
    provider: text("provider").notNull(),
    requestedModel: text("requested_model").notNull(),
    answeredModel: text("answered_model"),
    inputTokens: integer("input_tokens"),
    cachedTokens: integer("cached_tokens"),
    cacheWriteTokens: integer("cache_write_tokens"),
    outputTokens: integer("output_tokens"),
    reasoningTokens: integer("reasoning_tokens"),
    costUsd: real("cost_usd"),
    priceVersion: text("price_version"),
    timeToFirstTokenMs: integer("time_to_first_token_ms"),
    finishReason: text("finish_reason"),
    toolCalls: integer("tool_calls").notNull(),
    outcome: text("outcome").notNull(),
    httpStatus: integer("http_status"),
  },
  (table) => [
    index("llm_calls_by_tenant").on(table.tenant, table.at),
    index("llm_calls_by_run").on(table.runId),
    index("llm_calls_by_workflow").on(table.tenant, table.workflow, table.at),
  ],
);

/** Conversations of agents that had to stop in the middle and are to go on; gone when they have ended. */
export const agentConversations = sqliteTable(
  "agent_conversations",
  {
    /** Run, path and visit, as in an idempotency key. */
    id: text("id").primaryKey(),
    tenant: text("tenant").notNull(),
    text: text("text").notNull(),
    keptAt: integer("kept_at").notNull(),
  },
  (table) => [index("agent_conversations_by_age").on(table.keptAt)],
);

/** Outputs of nodes that asked for it (`cache: { ttl_ms }`), by a digest of all that they follow from. */
export const cachedResults = sqliteTable(
  "cached_results",
  {
    tenant: text("tenant").notNull(),
    key: text("key").notNull(),
    worker: text("worker").notNull(),
    runId: text("run_id").notNull(),
    node: text("node").notNull(),
    output: text("output").notNull(),
    bytes: integer("bytes").notNull(),
    hits: integer("hits").notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.key] }),
    index("cached_results_by_expiry").on(table.expiresAt),
  ],
);
