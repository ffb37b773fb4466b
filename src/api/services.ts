/** What the routes work with; the Worker puts it together once for each isolate. */
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ApprovalLinks } from "#access/approval-links.ts";
import type { KeyWatch } from "#access/key-watch.ts";
import type { Keyring } from "#access/keyring.ts";
import type { Principal } from "#access/scopes.ts";
import type { SocketTickets } from "#access/socket-tickets.ts";
import type { UrlPolicy } from "#http/url-guard.ts";
import type { BulkRunner } from "#store/bulk-runner.ts";
import type { Fanouts } from "#store/fanouts.ts";
import type { Jobs } from "#store/jobs.ts";
import type { Keys } from "#store/keys.ts";
import type { Limiters } from "#store/limiters.ts";
import type { ResultCache } from "#store/result-cache.ts";
import type { Shards } from "#store/shards.ts";
import type { StatementStatistics } from "#store/statement-statistics.ts";
import type { Tenants } from "#store/tenants.ts";
import type { WorkflowProposals } from "#store/workflow-proposals.ts";
import type { Workflows } from "#store/workflows.ts";
import type { SqlBackend } from "#telemetry/analytics/backend.ts";
import type { Logger } from "#telemetry/log.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import type { Point } from "#telemetry/point.ts";
import type { PointOrigin } from "#telemetry/points.ts";
import type { TelemetryOrigin } from "#telemetry/traces/otlp.ts";
import type { Health } from "./health.ts";
import type { Scrape } from "./scrape.ts";

export interface Services {
  version: string;
  keyring: Keyring;
  keys: Keys;
  tenants: Tenants;
  d1: D1Database;
  /** What this isolate has seen of its statements. */
  statements: StatementStatistics;
  database: DrizzleD1Database;
  workflows: Workflows;
  proposals: WorkflowProposals;
  shards: Shards;
  fanouts: Fanouts;
  /** Origins beside Weir's own whose pages may open sockets. */
  allowedOrigins: ReadonlySet<string>;
  tickets: SocketTickets;
  keyWatch: KeyWatch;
  jobs: Jobs;
  bulk: BulkRunner;
  links: ApprovalLinks;
  urlPolicy: UrlPolicy;
  limiters: Limiters;
  resultCache: ResultCache;
  /** Agents that one batch of the queue executes side by side. */
  agentWorkers: number;
  /** Null: this deployment has nowhere to ask. */
  analytics: SqlBackend | null;
  points: RequestPoints;
  metrics: MetricRecorder;
  /** Who speaks in traces. */
  telemetryOrigin: TelemetryOrigin;
  health: Health;
  /** Null: telemetry is off. */
  scrape: Scrape | null;
  /** The configuration without its secrets. */
  describeConfig(): ConfigView;
  logger: Logger;
  /** On a laptop: what only the local runtime may tell is taken. */
  isLocal: boolean;
  /** Lets work go on after the answer, for half a minute at most. */
  goOn(work: Promise<void>): void;
}

/** What the operator may see of the configuration. */
export interface ConfigView {
  version: string;
  runtime: "cloudflare" | "local";
  variables: Record<string, string | number | boolean | string[] | null>;
  secrets: Record<string, "set" | "not set">;
  bindings: Record<string, string>;
}

/** Takes points of requests, best effort; `waitUntil` keeps the request's invocation going for them. */
export interface RequestPoints {
  origin: PointOrigin;
  record(points: readonly Point[], waitUntil: (work: Promise<unknown>) => void): void;
}

/** Hono's environment: what middleware leaves for the routes. */
export interface AppEnv {
  Variables: {
    services: Services;
    principal: Principal;
    requestId: string;
  };
}
