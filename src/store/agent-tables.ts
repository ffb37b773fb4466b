/**
 * Tables of D1 for agents: their model calls, conversations that are to go on, proposals, remembered outputs. `migrations/` is
 * generated from this file and `database-schema.ts`.
 */
import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const PROPOSAL_STATUSES = ["pending", "approved", "rejected"] as const;

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

/** Changes of stored workflows that agents proposed, each for a human to decide. */
export const workflowProposals = sqliteTable(
  "workflow_proposals",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant").notNull(),
    tag: text("tag").notNull(),
    /** What it was made for: it is applied to nothing else. */
    artifactId: text("artifact_id").notNull(),
    /** JSON lists: operations of RFC 6902, and what they change in words. */
    operations: text("operations").notNull(),
    summary: text("summary").notNull(),
    description: text("description"),
    runId: text("run_id").notNull(),
    node: text("node").notNull(),
    status: text("status", { enum: PROPOSAL_STATUSES }).notNull(),
    createdAt: integer("created_at").notNull(),
    decidedAt: integer("decided_at"),
    decidedBy: text("decided_by"),
    comments: text("comments"),
    /** The version that it became. */
    version: integer("version"),
  },
  (table) => [index("workflow_proposals_by_tag").on(table.tenant, table.tag, table.id)],
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
