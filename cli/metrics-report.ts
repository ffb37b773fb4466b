/** How a summary of figures looks. */
import { duration } from "#kernel/duration.ts";
import type { MetricsSummary } from "../client/weir.ts";
import { fields, type Looks, type Output } from "./output.ts";
import { table } from "./table.ts";

/** Routes that people are shown. */
const ROUTES_SHOWN = 15;

export function metricsLooks(summary: MetricsSummary, { paint, width }: Output): Looks {
  const { red, use, business } = summary;
  const dim = (text: string) => paint("dim", text);
  const row = (name: string, ...parts: (string | null)[]) =>
    `${dim(name.padEnd(12))} ${parts.filter((part) => part !== null).join("   ")}`;
  const lines = () => [
    `${paint("bold", `last ${duration(summary.window_s * 1_000)}`)}  ${dim(`as of ${summary.as_of}`)}`,
    "",
    row(
      "runs",
      `${business.submitted} submitted`,
      `${business.completed} ${paint("green", "completed")}`,
      `${business.failed} ${paint("red", "failed")}`,
      `${business.cancelled} ${paint("magenta", "cancelled")}`,
      `${business.active} active now`,
    ),
    row(
      "success",
      share(business.success_rate),
      business.avg_duration_ms === null ? "no run has ended" : `${duration(business.avg_duration_ms)} on average`,
      business.patches === null ? null : `${business.patches} patches`,
    ),
    row("people", `${business.approvals} approvals`, `${share(business.approval_rate)} approved`),
    row("agents", `${business.agent_runs} runs`, `${business.tokens} tokens`, `$${business.cost_usd.toFixed(4)}`),
    ...(red === null ? [] : [row("requests", ...requestParts(red))]),
    ...(use === null ? [] : useRows(use, row)),
    ...(red === null || red.routes.length === 0
      ? []
      : ["", ...routeTable(red.routes.slice(0, ROUTES_SHOWN), width, dim)]),
  ];
  return { pretty: lines, compact: () => [...flat(business, "business"), ...flat(red, "red"), ...flat(use, "use")] };
}

type Red = NonNullable<MetricsSummary["red"]>;

function requestParts(red: Omit<Red, "routes">): string[] {
  return [
    `${red.requests} (${red.per_second.toFixed(2)}/s)`,
    `${share(red.error_rate)} errors`,
    `p50 ${time(red.p50_ms)}`,
    `p95 ${time(red.p95_ms)}`,
    `p99 ${time(red.p99_ms)}`,
  ];
}

function useRows(
  { backlog, storage, database, concurrency }: NonNullable<MetricsSummary["use"]>,
  row: (name: string, ...parts: (string | null)[]) => string,
): string[] {
  const queues = Object.entries(backlog).map(
    ([name, { messages, oldest_age_s }]) =>
      `${name} ${messages}${messages === 0 ? "" : ` (oldest ${duration(oldest_age_s * 1_000)})`}`,
  );
  const workers = Object.entries(concurrency.workers).map(
    ([name, { in_flight, limit }]) => `${name} ${in_flight} of ${limit}`,
  );
  return [
    row("queues", ...queues),
    row("workers", ...workers, `${concurrency.sockets} sockets`),
    row(
      "database",
      database.size_bytes === null
        ? null
        : `${megabytes(database.size_bytes)} (${share(database.used_ratio)} of the limit)`,
      `${database.queries} statements`,
      `${database.errors} errors`,
      `${time(database.mean_ms)} on average`,
    ),
    row("storage", `largest shard ${megabytes(storage.largest_shard_bytes)}`),
  ];
}

function routeTable(routes: Red["routes"], width: number, dim: (text: string) => string): string[] {
  return table(
    [
      { title: "route", mayShrink: true },
      { title: "requests", align: "right" },
      { title: "errors", align: "right" },
      { title: "p50", align: "right" },
      { title: "p95", align: "right" },
    ],
    routes.map((each) => [
      each.route,
      String(each.requests),
      share(each.error_rate),
      time(each.p50_ms),
      time(each.p95_ms),
    ]),
    width,
    dim,
  );
}

/** One line a figure, under its path. */
function flat(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return [];
  if (typeof value !== "object" || value === null) return [fields(path, value === null ? null : String(value))];
  return Object.entries(value).flatMap(([name, each]) => flat(each, `${path}.${name}`));
}

function share(ratio: number | null): string {
  return ratio === null ? "–" : `${(ratio * 100).toFixed(1)} %`;
}

function time(ms: number | null): string {
  return ms === null ? "–" : duration(ms);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`;
}
