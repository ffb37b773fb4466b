/** Metrics of what Weir stands on: D1, Durable Objects, isolates, the local process, and the metrics themselves. */
import { FAST_SECONDS, WAIT_SECONDS } from "./buckets.ts";
import { objectClass } from "./label-values.ts";
import { closed, counter, gauge, histogram, open, readCounter } from "./metric.ts";

const database = { owner: "D1 binding", feed: "isolate" } as const;
const objects = { owner: "callers of objects", feed: "isolate" } as const;
const alarms = { owner: "objects", feed: "isolate" } as const;
const shards = { owner: "coordinator", feed: "isolate" } as const;
const meter = { owner: "meter", feed: "isolate" } as const;
const scrape = { owner: "metrics route", feed: "scrape" } as const;

const op = closed("op", ["select", "insert", "update", "delete", "other"]);

/** What the local runtime repeats every five seconds is gone when it has not for this long; in production there is none. */
const local = { owner: "local runtime", feed: "isolate", merge: "last", expiresMs: 30_000, zeros: [] } as const;

/** Longest that an invocation lasts: what an isolate said before that, it would have said again. */
const INVOCATION_MS = 900_000;
const worker = closed("limiter", ["http-worker", "agent-runner"]);
const consumers = { owner: "queue consumers", feed: "isolate", expiresMs: INVOCATION_MS } as const;

export const d1Queries = counter<["op", "outcome"]>("weir_d1_queries_total", {
  help: "Statements sent to D1, those of batches included.",
  labels: [op, closed("outcome", ["ok", "error"])],
  ...database,
});

export const d1Duration = histogram<["op"]>("weir_d1_query_duration_seconds", {
  help: "How long D1 took to answer; statements of a batch share its time.",
  labels: [op],
  buckets: FAST_SECONDS,
  ...database,
});

export const d1RowsRead = counter<["op"]>("weir_d1_rows_read_total", {
  help: "Rows that D1 read.",
  labels: [op],
  ...database,
});

export const d1RowsWritten = counter<["op"]>("weir_d1_rows_written_total", {
  help: "Rows that D1 wrote, those of indexes included.",
  labels: [op],
  ...database,
});

export const d1Size = gauge("weir_d1_database_size_bytes", {
  help: "Size of the database.",
  merge: "last",
  ...scrape,
});

export const d1SizeLimit = gauge("weir_d1_database_size_limit_bytes", {
  help: "What the platform lets a database grow to (paid plan).",
  merge: "last",
  ...scrape,
});

export const objectRequests = counter<["class", "outcome"]>("weir_do_requests_total", {
  help: "Calls to Durable Objects.",
  labels: [objectClass, closed("outcome", ["ok", "overloaded", "error"])],
  ...objects,
});

export const objectDuration = histogram<["class"]>("weir_do_query_duration_seconds", {
  help: "How long Durable Objects took to answer a call, as the caller saw it.",
  labels: [objectClass],
  buckets: FAST_SECONDS,
  ...objects,
});

export const objectStorage = gauge<["class"]>("weir_do_storage_bytes", {
  help: "Size of the largest database of a class of objects.",
  labels: [objectClass],
  merge: "max",
  ...alarms,
});

export const objectAlarms = counter<["class", "outcome"]>("weir_do_alarms_total", {
  help: "Alarms of objects that went off.",
  labels: [closed("class", ["coordinator", "limiter"]), closed("outcome", ["ok", "error"])],
  ...alarms,
});

export const objectAlarmDelay = histogram<["class"]>("weir_do_alarm_delay_seconds", {
  help: "How late alarms of objects went off.",
  labels: [closed("class", ["coordinator", "limiter"])],
  buckets: WAIT_SECONDS,
  ...alarms,
});

export const watchdogSweeps = counter("weir_watchdog_sweeps_total", {
  help: "Rounds of the watchdog over the shards.",
  owner: "watchdog",
  feed: "isolate",
});

export const watchdogRecovered = counter<["reason"]>("weir_watchdog_recovered_total", {
  help: "Runs whose tasks were sent again after their shard, or the queues, had been lost.",
  labels: [closed("reason", ["tasks_unsent", "queues_lost"])],
  ...shards,
});

export const isolateStarts = counter("weir_isolate_starts_total", {
  help: "Isolates that began to work.",
  owner: "isolates",
  feed: "isolate",
});

export const tasksInFlight = gauge<["limiter"]>("weir_concurrency_inflight", {
  help: "Tasks that workers execute now.",
  labels: [worker],
  ...consumers,
});

export const taskLimit = gauge<["limiter"]>("weir_concurrency_limit", {
  help: "Tasks that an invocation of a worker executes at once.",
  labels: [worker],
  merge: "max",
  owner: "queue consumers",
  feed: "isolate",
});

export const processMemory = gauge("weir_process_resident_memory_bytes", {
  help: "Resident memory of the local runtime.",
  ...local,
});

export const processCpu = readCounter("weir_process_cpu_seconds_total", {
  help: "CPU time that the local runtime has used.",
  ...local,
});

export const processThreads = gauge("weir_process_threads", {
  help: "Threads of the local runtime.",
  ...local,
});

export const processStart = gauge("weir_process_start_time_seconds", {
  help: "When the local runtime started, in seconds since the epoch.",
  ...local,
});

export const processRestarts = readCounter("weir_process_restarts_total", {
  help: "How often the local runtime had to be started again since `npm start`.",
  ...local,
});

export const metricsFlushed = gauge<["shard"]>("weir_metrics_last_flush_timestamp_seconds", {
  help: "When a Meter last took figures, in seconds since the epoch; 0: not yet.",
  labels: [open("shard")],
  merge: "last",
  ...scrape,
});

export const metricsSeries = gauge<["shard"]>("weir_metrics_series", {
  help: "Series that a Meter holds.",
  labels: [open("shard")],
  merge: "last",
  ...scrape,
});

export const metricsDropped = counter("weir_metrics_dropped_total", {
  help: "Best-effort figures that were lost because a Meter did not take them.",
  ...meter,
});

export const seriesOverflow = counter<["metric"]>("weir_metrics_series_overflow_total", {
  help: "Figures that were counted under __other__ because their metric had too many series.",
  labels: [open("metric")],
  ...meter,
});

export const analyticsPoints = counter<["dataset"]>("weir_wae_points_total", {
  help: "Points of requests and queues that were handed to analytics.",
  labels: [closed("dataset", ["weir_api", "weir_queue"])],
  owner: "point recorder",
  feed: "isolate",
});

export const analyticsPointsDropped = counter("weir_wae_points_dropped_total", {
  help: "Points of requests and queues for which there was no room.",
  owner: "point recorder",
  feed: "isolate",
});

export const alertsFiring = gauge<["severity"]>("weir_alerts_firing", {
  help: "Alerts that are firing; 0 as long as this version evaluates no rules.",
  labels: [closed("severity", ["critical", "warning"])],
  merge: "last",
  feed: "scrape",
  owner: "metrics route",
});
