/** Tables of D1: the read model of runs and the home of slow-moving truth. `migrations/` is generated from this file. */

import { sql } from "drizzle-orm";
import { blob, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { APPROVAL_STATUSES } from "#engine/approval-view.ts";
import { RUN_STATUSES } from "#engine/state.ts";
import { ON_TIMEOUT } from "#workflow/node-configs.ts";
import { JOB_ACTIONS, JOB_STATUSES } from "./job.ts";

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

/** The inbox: one row an approval, projected from its run's log; `seq` counts what has happened to it. */
export const approvals = sqliteTable(
  "approvals",
  {
    approvalId: text("approval_id").primaryKey(),
    tenant: text("tenant").notNull(),
    runId: text("run_id").notNull(),
    nodeId: text("node_id").notNull(),
    seq: integer("seq").notNull(),
    status: text("status", { enum: APPROVAL_STATUSES }).notNull(),
    /** Its beginning when it is long; the shard has all of it. */
    message: text("message").notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    decidedAt: integer("decided_at"),
    /** JSON lists. */
    approvers: text("approvers").notNull(),
    decisions: text("decisions").notNull(),
    quorum: integer("quorum").notNull(),
    onTimeout: text("on_timeout", { enum: ON_TIMEOUT }).notNull(),
  },
  (table) => [
    index("approvals_by_tenant").on(table.tenant, table.createdAt, table.approvalId),
    index("approvals_by_status").on(table.tenant, table.status, table.createdAt, table.approvalId),
    index("approvals_pending_expiry").on(table.expiresAt).where(sql`status = 'pending'`),
  ],
);

/** Something that is done to many runs. Whoever holds the lease works it off; `ended_at` is null until all is done. */
export const jobs = sqliteTable(
  "jobs",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant").notNull(),
    action: text("action", { enum: JOB_ACTIONS }).notNull(),
    /** JSON: the filter as it was asked for, and how to replay. */
    filter: text("filter").notNull(),
    options: text("options").notNull(),
    status: text("status", { enum: JOB_STATUSES }).notNull(),
    matched: integer("matched").notNull(),
    done: integer("done").notNull(),
    failed: integer("failed").notNull(),
    /** JSON: the first errors. */
    errors: text("errors").notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: integer("created_at").notNull(),
    startedAt: integer("started_at"),
    endedAt: integer("ended_at"),
    leaseOwner: text("lease_owner"),
    leaseUntil: integer("lease_until"),
  },
  (table) => [
    index("jobs_by_tenant").on(table.tenant, table.id),
    index("jobs_unfinished").on(table.id).where(sql`${table.endedAt} IS NULL`),
  ],
);

/** Runs that a job has still to do, fixed when it was made: a JSON list of ids in a row, gone when they are done. */
export const jobChunks = sqliteTable(
  "job_chunks",
  {
    jobId: text("job_id").notNull(),
    chunk: integer("chunk").notNull(),
    runIds: text("run_ids").notNull(),
    tries: integer("tries").notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.chunk] })],
);
