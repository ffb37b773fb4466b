/** Utilisation and saturation of the installation for the summary, from what `/metrics` shows. */
import type { Family, Sample } from "#telemetry/exposition/samples.ts";

export interface UseFigures {
  backlog: Record<string, { messages: number; bytes: number; oldest_age_s: number }>;
  storage: { largest_shard_bytes: number };
  database: {
    size_bytes: number | null;
    size_limit_bytes: number | null;
    used_ratio: number | null;
    queries: number;
    errors: number;
    mean_ms: number | null;
  };
  concurrency: {
    workers: Record<string, { in_flight: number; limit: number }>;
    runs: Record<string, number>;
    sockets: number;
  };
}

export function useFigures(families: readonly Family[]): UseFigures {
  const samplesOf = (name: string): readonly Sample[] =>
    families.find(({ metric }) => metric.name === name)?.samples ?? [];
  const byLabel = (name: string) =>
    new Map(samplesOf(name).map(({ labels, value }): [string, number] => [labels[0] ?? "", value]));
  const one = (name: string) => samplesOf(name)[0]?.value ?? null;
  const sum = (name: string, holds: (labels: readonly string[]) => boolean = () => true) =>
    samplesOf(name).reduce((total, { labels, value }) => total + (holds(labels) ? value : 0), 0);

  const messages = byLabel("weir_queue_backlog_messages");
  const bytes = byLabel("weir_queue_backlog_bytes");
  const ages = byLabel("weir_queue_oldest_message_age_seconds");
  const limits = byLabel("weir_concurrency_limit");
  const inFlight = byLabel("weir_concurrency_inflight");
  const size = one("weir_d1_database_size_bytes");
  const sizeLimit = one("weir_d1_database_size_limit_bytes");
  const timed = samplesOf("weir_d1_query_duration_seconds");
  const answers = timed.reduce((total, { counts }) => total + (counts ?? []).reduce((all, count) => all + count, 0), 0);
  const spentS = timed.reduce((total, { value }) => total + value, 0);
  return {
    backlog: Object.fromEntries(
      [...messages].map(([queue, count]) => [
        queue,
        { messages: count, bytes: bytes.get(queue) ?? 0, oldest_age_s: ages.get(queue) ?? 0 },
      ]),
    ),
    storage: { largest_shard_bytes: sum("weir_do_storage_bytes", ([name]) => name === "coordinator") },
    database: {
      size_bytes: size,
      size_limit_bytes: sizeLimit,
      used_ratio: size === null || sizeLimit === null ? null : size / sizeLimit,
      queries: sum("weir_d1_queries_total"),
      errors: sum("weir_d1_queries_total", ([, outcome]) => outcome === "error"),
      mean_ms: answers === 0 ? null : (spentS * 1_000) / answers,
    },
    concurrency: {
      workers: Object.fromEntries(
        [...limits].map(([name, limit]) => [name, { in_flight: inFlight.get(name) ?? 0, limit }]),
      ),
      runs: Object.fromEntries(byLabel("weir_runs_active")),
      sockets: sum("weir_ws_connections"),
    },
  };
}
