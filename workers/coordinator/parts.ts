/** The parts of a shard, each with one duty, put together: who is handed what. Nothing happens here after that. */
import { drizzle } from "drizzle-orm/d1";
import type { PlanInput } from "#engine/plan.ts";
import { parseShardName, runIdPrefix } from "#kernel/ids.ts";
import { DelegatedRuns } from "#store/shard/delegated-runs.ts";
import { Graphs } from "#store/shard/graphs.ts";
import { IDEMPOTENCY_TTL_MS, IdempotencyKeys } from "#store/shard/idempotency.ts";
import { MeteredRuns } from "#store/shard/metered-runs.ts";
import { Positions } from "#store/shard/positions.ts";
import { RunLog } from "#store/shard/run-log.ts";
import { Workflows } from "#store/workflows.ts";
import { describeIsolate } from "#telemetry/isolate.ts";
import type { Logger } from "#telemetry/log.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import { version } from "../../package.json";
import { analyticsTarget, pointOrigin } from "../analytics.ts";
import { databaseOf } from "../database.ts";
import { type Env, settingsOf } from "../env.ts";
import { metersOf } from "../meters.ts";
import { recorderOf } from "../metric-recorder.ts";
import { telemetryOrigin, traceCollector } from "../tracing.ts";
import { Alarm } from "./alarm.ts";
import { Children } from "./children.ts";
import { CommitGroup } from "./commit-group.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Feed } from "./feed.ts";
import { MetricFlusher } from "./metric-flusher.ts";
import { PointWriter } from "./point-writer.ts";
import { Projector } from "./projector.ts";
import { Recovery } from "./recovery.ts";
import { Retention } from "./retention.ts";
import { RunCache } from "./run-cache.ts";
import { RunReader } from "./run-reader.ts";
import { Starts } from "./starts.ts";
import { Streams } from "./streams.ts";
import { TraceExporter } from "./trace-exporter.ts";
import { type Changed, Transitions } from "./transitions.ts";
import { Waiters } from "./waiters.ts";

const DAY_MS = 24 * 3_600_000;

export interface ShardParts {
  name: string;
  logger: Logger;
  recorder: MetricRecorder;
  alarm: Alarm;
  commits: CommitGroup;
  waiters: Waiters;
  cache: RunCache;
  runs: RunLog;
  dispatcher: Dispatcher;
  transitions: Transitions;
  reader: RunReader;
  starts: Starts;
  streams: Streams;
  feed: Feed;
  projector: Projector;
  points: PointWriter;
  /** Null: telemetry is off, or there is no Meter. */
  metrics: MetricFlusher | null;
  traces: TraceExporter;
  retention: Retention;
  recovery: Recovery;
}

/** What the parts ask of the shard itself. */
export interface ShardSelf {
  ctx: DurableObjectState;
  env: Env;
  logger: Logger;
  /** Hands an input to a run. */
  change(runId: string, input: PlanInput): Promise<Changed | null>;
}

export function assembleParts({ ctx, env, logger, change }: ShardSelf): ShardParts {
  const { sql } = ctx.storage;
  const { database } = databaseOf(env);
  const name = ctx.id.name ?? ctx.id.toString();
  const settings = settingsOf(env);
  const positions = new Positions(sql);
  const address = parseShardName(ctx.id.name ?? "");
  const alarm = new Alarm(ctx.storage);
  const commits = new CommitGroup(ctx.storage);
  const waiters = new Waiters();
  const cache = new RunCache();
  const graphs = new Graphs(sql);
  const keys = new IdempotencyKeys(sql);
  const runs = new RunLog(sql, positions.number("projected_through"));
  const dispatcher = new Dispatcher({ http: env.WEIR_HTTP, agent: env.WEIR_AGENT }, logger);
  const recorder = recorderOf(env);
  const workflows = new Workflows(drizzle(database));
  const children = new Children({
    logger,
    transitions: () => transitions,
    find: (tenant, tag) => workflows.find(tenant, tag),
    start: (request, definition) => commits.submit((commit) => starts.child(request, definition, commit)),
    change,
  });
  const streams = new Streams({ ctx, runs, load: (runId) => transitions.load(runId), logger, recorder, source: name });
  const feed = new Feed({
    shard: name,
    fanouts: env.FANOUT,
    runs,
    positions,
    load: (runId) => transitions.load(runId),
    logger,
  });
  const transitions: Transitions = new Transitions({
    children,
    streams,
    feed,
    logger,
    runs,
    graphs,
    cache,
    delegated: new DelegatedRuns(sql),
    dispatcher,
    waiters,
    alarm,
    describeSystem: (nowMs) => describeIsolate({ version, host: settings.WEIR_HOST }, nowMs),
    goOn: (runId) => {
      // If it fails, the run's due time brings the next try.
      setTimeout(() => change(runId, { type: "continue" }).catch(() => undefined), 0);
    },
  });
  const reader = new RunReader(runs, transitions);
  const starts: Starts = new Starts({ graphs, keys, reader, transitions });
  const meter = metersOf(env)?.of(name) ?? null;
  const metrics =
    meter === null
      ? null
      : new MetricFlusher({
          meter,
          source: name,
          runs,
          live: new MeteredRuns(sql),
          positions,
          logger,
          measuredOf: (runId) => reader.measured(runId),
        });
  return {
    name,
    logger,
    recorder,
    alarm,
    commits,
    waiters,
    cache,
    runs,
    dispatcher,
    transitions,
    reader,
    starts,
    streams,
    feed,
    projector: new Projector({
      database,
      runs,
      positions,
      logger,
      rowsOf: (runId) => reader.rows(runId),
    }),
    points: new PointWriter({
      analytics: analyticsTarget(env, name),
      source: name,
      runs,
      positions,
      logger,
      pointsOf: (row) => reader.points(row, pointOrigin(env)),
      saw: (after, rows) => metrics?.saw(after, rows),
    }),
    metrics,
    traces: new TraceExporter({
      collector: traceCollector(env),
      share: settings.OTEL_TRACES_SAMPLER_ARG,
      origin: telemetryOrigin(env),
      runs,
      positions,
      logger,
      post: (url, init) => fetch(url, init),
      ended: (runId, seq) => reader.ended(runId, seq),
    }),
    retention: new Retention({
      database,
      runs,
      keys,
      positions,
      logger,
      // A key must find its run for as long as it is kept.
      retentionMs: Math.max(settings.RETENTION_DAYS * DAY_MS, IDEMPOTENCY_TTL_MS),
      idPrefix: address === null ? "" : runIdPrefix(address),
      read: (runId) => reader.whole(runId),
      graphs,
      forget: (runId) => cache.drop(runId),
    }),
    recovery: new Recovery({
      runs,
      positions,
      logger,
      recorder,
      queuesAreInMemory: settings.WEIR_LOCAL !== "",
      change,
    }),
  };
}
