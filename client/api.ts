/**
 * The API as types, read off its routes: a path, a field or an answer that the API does not have does not compile
 * here. Types alone; nothing of the server is bundled.
 */
import type { Hono } from "hono";
import type { z } from "zod";
import type { approvalRoutes } from "#api/routes/approvals.ts";
import type { artifactRoutes } from "#api/routes/artifacts.ts";
import type { budgetRoutes } from "#api/routes/budgets.ts";
import type { cacheRoutes } from "#api/routes/cache.ts";
import type { evalRoutes } from "#api/routes/eval.ts";
import type { healthRoutes } from "#api/routes/health.ts";
import type { jobRoutes } from "#api/routes/jobs.ts";
import type { keyRoutes } from "#api/routes/keys.ts";
import type { metricsSummaryRoutes } from "#api/routes/metrics-summary.ts";
import type { nodeTypeRoutes } from "#api/routes/node-types.ts";
import type { singleRunRoutes } from "#api/routes/run.ts";
import type { runCommandRoutes } from "#api/routes/run-commands.ts";
import type { runLogRoutes } from "#api/routes/run-logs.ts";
import type { runPatchRoutes } from "#api/routes/run-patches.ts";
import type { runReplayRoutes } from "#api/routes/run-replays.ts";
import type { runTraceRoutes } from "#api/routes/run-trace.ts";
import type { runRoutes } from "#api/routes/runs.ts";
import type { tagRoutes } from "#api/routes/tags.ts";
import type { tenantRoutes } from "#api/routes/tenants.ts";
import type { usageRoutes } from "#api/routes/usage.ts";
import type { workflowRunRoutes } from "#api/routes/workflow-runs.ts";
import type { workflowVersionRoutes } from "#api/routes/workflow-versions.ts";
import type { workflowRoutes } from "#api/routes/workflows.ts";
import type { EventType } from "#engine/events.ts";
import type { workflowSchema } from "#workflow/definition.ts";

// biome-ignore lint/suspicious/noExplicitAny: any environment, any base path
type SchemaOf<Routes> = Routes extends Hono<any, infer Schema, any> ? Schema : never;

/** Endpoints by path and method, as Hono's RPC types have them. */
export type Api = SchemaOf<typeof approvalRoutes> &
  SchemaOf<typeof artifactRoutes> &
  SchemaOf<typeof budgetRoutes> &
  SchemaOf<typeof cacheRoutes> &
  SchemaOf<typeof evalRoutes> &
  SchemaOf<typeof healthRoutes> &
  SchemaOf<typeof jobRoutes> &
  SchemaOf<typeof keyRoutes> &
  SchemaOf<typeof metricsSummaryRoutes> &
  SchemaOf<typeof nodeTypeRoutes> &
  SchemaOf<typeof runCommandRoutes> &
  SchemaOf<typeof runPatchRoutes> &
  SchemaOf<typeof runReplayRoutes> &
  SchemaOf<typeof runRoutes> &
  SchemaOf<typeof runTraceRoutes> &
  SchemaOf<typeof runLogRoutes> &
  SchemaOf<typeof singleRunRoutes> &
  SchemaOf<typeof tagRoutes> &
  SchemaOf<typeof tenantRoutes> &
  SchemaOf<typeof usageRoutes> &
  SchemaOf<typeof workflowRoutes> &
  SchemaOf<typeof workflowRunRoutes> &
  SchemaOf<typeof workflowVersionRoutes>;

export type Path = keyof Api & string;
export type Method<P extends Path> = keyof Api[P] & `$${string}`;

type InputOf<Endpoint> = Endpoint extends { input: infer Input } ? Input : never;

/** What a request of this endpoint carries: `param`, `query`, `json`, `header`. */
export type Input<P extends Path, M extends Method<P>> = InputOf<Api[P][M]>;

type Success = 200 | 201 | 202 | 204;
type OutputOf<Endpoint> = Endpoint extends { status: Success; output: infer Output } ? Output : never;

/** What it answers when it did what was asked. */
export type Output<P extends Path, M extends Method<P>> = OutputOf<Api[P][M]>;

type Json<P extends Path, M extends Method<P>> = Input<P, M> extends { json: infer Body } ? Body : never;
type Query<P extends Path, M extends Method<P>> = Input<P, M> extends { query: infer Query } ? Query : never;

export type Run = Output<"/api/v1/runs/:id", "$get">;
export type RunStatus = Run["status"];
export type RunDetails = Output<"/api/v1/runs/:id/details", "$get">;
export type NodeExecution = RunDetails["node_executions"][string];
export type Explanation = Output<"/api/v1/runs/:id/explain", "$get">;
export type LogPage = Output<"/api/v1/runs/:id/logs", "$get">;
export type LogQuery = Partial<Query<"/api/v1/runs/:id/logs", "$get">>;
export type Trace = Output<"/api/v1/runs/:id/trace", "$get">;
export type TraceSpan = Trace["resourceSpans"][number]["scopeSpans"][number]["spans"][number];
export type AcceptedRun = Output<"/api/v1/runs/:id/cancel", "$post">;
export type RunPage = Output<"/api/v1/runs", "$get">;
export type RunItem = RunPage["items"][number];
export type RunFilters = Omit<Query<"/api/v1/runs", "$get">, "limit" | "cursor" | "min_duration_ms"> & {
  min_duration_ms?: number;
};
export type RunOrder = Omit<Json<"/api/v1/runs", "$post">, "wait_ms">;
export type BatchOrder = RunOrder & { idempotency_key?: string };
export type BatchResult = Output<"/api/v1/runs/batch", "$post">["items"][number];
export type EventPage = Output<"/api/v1/runs/:id/events", "$get">;
export type RunEvent = EventPage["items"][number] & { type: EventType; node?: string };

export type RunPatch = Output<"/api/v1/runs/:id/patches/:seq", "$get">;
export type PatchOrder = Omit<Json<"/api/v1/runs/:id/patches", "$post">, "dry_run">;
export type PatchDiff = Output<"/api/v1/runs/:id/patches", "$post">["diff"];
export type PatchOutcome = Extract<Output<"/api/v1/runs/:id/patches", "$post">, { seq: number }>;
export type RevertedPatch = Output<"/api/v1/runs/:id/patches/:seq", "$delete">;
export type ReplayOrder = NonNullable<Json<"/api/v1/runs/:id/replay", "$post">>;
export type ReplayedRun = Output<"/api/v1/runs/:id/replay", "$post">;
export type NodeReplayOrder = NonNullable<Json<"/api/v1/runs/:id/nodes/:node/replay", "$post">>;
export type Approval = Output<"/api/v1/approvals/:id", "$get">;
export type ApprovalPage = Output<"/api/v1/approvals", "$get">;
export type ApprovalStatus = Approval["status"];
export type Decision = Json<"/api/v1/approvals/:id/decide", "$post">["decision"];
export type SignedLink = Output<"/api/v1/approvals/:id/links", "$post">;
export type LinkOrder = NonNullable<Json<"/api/v1/approvals/:id/links", "$post">>;
export type Job = Output<"/api/v1/jobs/:id", "$get">;
export type JobOrder = Json<"/api/v1/runs/bulk", "$post">;
export type JobPage = Output<"/api/v1/jobs", "$get">;

export type Budgets = Output<"/api/v1/budgets", "$get">;
export type Budget = Budgets["items"][number];
export type BudgetOrder = Json<"/api/v1/budgets", "$put">;
export type Prices = Output<"/api/v1/prices", "$get">;
export type PriceOrder = Json<"/api/v1/prices", "$put">;
export type Usage = Output<"/api/v1/usage", "$get">;
export type UsageFilters = Query<"/api/v1/usage", "$get">;
export type MetricsSummary = Output<"/api/v1/metrics/summary", "$get">;
export type TimeSeries = Output<"/api/v1/metrics/timeseries", "$get">;
export type TimeSeriesQuery = Partial<Query<"/api/v1/metrics/timeseries", "$get">> & { metric: TimeSeries["metric"] };

/** What a query over points answers; whole numbers of 64 bits come as text. */
export interface SqlResult {
  meta: { name: string; type: string }[];
  data: Record<string, unknown>[];
  rows: number;
}

export type CachePage = Output<"/api/v1/cache", "$get">;

/** A workflow definition as it is written: what has a default may be left out. */
export type WorkflowDocument = z.input<typeof workflowSchema>;
export type Workflow = Output<"/api/v1/workflows/:tag", "$get">;
export type WorkflowPage = Output<"/api/v1/workflows", "$get">;
export type SavedWorkflow = Output<"/api/v1/workflows", "$post">;
export type Validation = Output<"/api/v1/workflows/validate", "$post">;
export type VersionPage = Output<"/api/v1/workflows/:tag/versions", "$get">;
export type WorkflowVersion = Output<"/api/v1/workflows/:tag/versions/:version", "$get">;
export type WorkflowDiff = Output<"/api/v1/workflows/:tag/diff", "$get">;
export type Tag = Output<"/api/v1/tags/:name", "$get">;
export type TagPage = Output<"/api/v1/tags", "$get">;
export type TagHistory = Output<"/api/v1/tags/:name/history", "$get">;
export type NodeTypes = Output<"/api/v1/node-types", "$get">;

export type Readiness = Output<"/health/ready", "$get">;
export type Key = Output<"/api/v1/keys", "$get">["items"][number];
export type KeyPage = Output<"/api/v1/keys", "$get">;
export type NewKey = Output<"/api/v1/keys", "$post">;
export type KeyOrder = Json<"/api/v1/keys", "$post">;
export type TenantPage = Output<"/api/v1/tenants", "$get">;

/** Where a page of a list begins and how long it is. */
export interface PageOptions {
  limit?: number;
  cursor?: string;
}
