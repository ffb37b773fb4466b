/** The tenant at one moment: how many runs do what, how fast and how well the recent ones went, how the services are. */

import { duration } from "#kernel/duration.ts";
import type { Readiness, RunItem, RunStatus } from "../client/weir.ts";
import type { Context } from "./context.ts";
import { fields, type Looks, type Paint } from "./output.ts";
import { paintStatus } from "./run-report.ts";
import { table } from "./table.ts";
import { ago } from "./wording.ts";

export interface Snapshot {
  at: string;
  window_ms: number;
  status: Readiness["status"];
  version: string;
  components: Readiness["components"];
  /** Runs that have not ended, by status. */
  active: Record<string, number>;
  /** Of the runs that were submitted in the window; `sampled`: how long they took is that of the latest of them. */
  recent: {
    submitted: number;
    completed: number;
    failed: number;
    cancelled: number;
    per_minute: number;
    success_rate: number | null;
    p50_ms: number | null;
    p95_ms: number | null;
    max_ms: number | null;
    sampled: boolean;
  };
  tokens: number;
  cost_usd: number;
  /** Messages that wait, by queue; null for those who do not operate the installation. */
  backlog: Record<string, number> | null;
  runs: RunItem[];
}

const ACTIVE = ["queued", "running", "waiting", "paused"] as const satisfies readonly RunStatus[];
const PAGE = 200;
const MINUTE_MS = 60_000;

/** `windowMs` is taken up to whole minutes, as the API has them. */
export async function observe({ weir, signal }: Context, windowMs: number): Promise<Snapshot> {
  const now = Date.now();
  const minutes = Math.max(1, Math.ceil(windowMs / MINUTE_MS));
  const since = new Date(now - minutes * MINUTE_MS).toISOString();
  const [ready, summary, recent, ...active] = await Promise.all([
    weir.ready({ signal }),
    weir.metrics.summary(`${minutes}m`, { signal }),
    weir.runs.list({ submitted_after: since, limit: PAGE }, { signal }),
    ...ACTIVE.map((status) => weir.runs.list({ status, limit: PAGE }, { signal })),
  ]);
  const { business, use } = summary;
  const { submitted, completed, failed, cancelled, success_rate } = business;
  const unfinished = active.flatMap((page) => page.items);
  return {
    at: new Date(now).toISOString(),
    window_ms: minutes * MINUTE_MS,
    status: ready.status,
    version: ready.version,
    components: ready.components,
    active: Object.fromEntries(ACTIVE.map((status, index) => [status, active[index]?.items.length ?? 0])),
    recent: {
      submitted,
      completed,
      failed,
      cancelled,
      per_minute: submitted / minutes,
      success_rate,
      ...durationsOf(recent.items),
      sampled: recent.next_cursor !== null,
    },
    tokens: business.tokens,
    cost_usd: business.cost_usd,
    backlog:
      use === null
        ? null
        : Object.fromEntries(Object.entries(use.backlog).map(([name, each]) => [name, each.messages])),
    runs: [...unfinished, ...recent.items.filter((run) => run.ended_at !== null)].slice(0, PAGE),
  };
}

function durationsOf(runs: readonly RunItem[]): Pick<Snapshot["recent"], "p50_ms" | "p95_ms" | "max_ms"> {
  const took = runs.flatMap((run) => run.duration_ms ?? []).sort((left, right) => left - right);
  return {
    p50_ms: took[Math.floor((took.length - 1) * 0.5)] ?? null,
    p95_ms: took[Math.floor((took.length - 1) * 0.95)] ?? null,
    max_ms: took.at(-1) ?? null,
  };
}

export function snapshotLooks(snapshot: Snapshot, { connection, output }: Context, rows: number): Looks {
  const { paint, width } = output;
  const { recent, active, components } = snapshot;
  return {
    pretty: () => {
      const head = [
        `${paint("bold", "weir")} ${snapshot.version}  ${connection.url}  ${paintHealth(snapshot.status, paint)}  ${new Date(snapshot.at).toLocaleTimeString("en-GB")}`,
        "",
        row(
          "active",
          ACTIVE.map((status) => `${atMost(active[status] ?? 0)} ${paintStatus(status, paint)}`).join("   "),
          paint,
        ),
        row(
          `last ${duration(snapshot.window_ms)}`,
          [
            `${recent.submitted} submitted (${recent.per_minute.toFixed(1)}/min)`,
            `${recent.completed} ${paint("green", "completed")}`,
            `${recent.failed} ${paint("red", "failed")}`,
            `${recent.cancelled} ${paint("magenta", "cancelled")}`,
            recent.success_rate === null ? "" : `${(recent.success_rate * 100).toFixed(1)} % succeed`,
          ]
            .filter((text) => text !== "")
            .join("   "),
          paint,
        ),
        row(
          "duration",
          recent.p50_ms === null
            ? "no run has ended"
            : `${recent.sampled ? `of the latest ${PAGE}: ` : ""}p50 ${duration(recent.p50_ms)}   p95 ${duration(recent.p95_ms ?? 0)}   max ${duration(recent.max_ms ?? 0)}`,
          paint,
        ),
        row("models", `${snapshot.tokens} tokens   $${snapshot.cost_usd.toFixed(4)}`, paint),
        ...(snapshot.backlog === null
          ? []
          : [
              row(
                "queues",
                Object.entries(snapshot.backlog)
                  .map(([name, messages]) => `${name} ${messages}`)
                  .join("   "),
                paint,
              ),
            ]),
        row(
          "services",
          Object.entries(components)
            .filter(([, each]) => each.status !== "disabled")
            .map(
              ([name, each]) =>
                `${name} ${each.status === "ok" ? paint("green", duration(each.latency_ms)) : paintHealth(each.status, paint)}${each.detail === undefined ? "" : ` (${each.detail})`}`,
            )
            .join("   "),
          paint,
        ),
        "",
      ];
      return [...head, ...runTable(snapshot.runs.slice(0, Math.max(1, rows - head.length - 3)), width, paint)];
    },
    compact: () => [
      ...ACTIVE.map((status) => fields(status, active[status])),
      ...Object.entries(recent).map(([name, value]) => fields(name, String(value))),
      fields("tokens", snapshot.tokens),
      fields("cost_usd", snapshot.cost_usd),
      ...Object.entries(snapshot.backlog ?? {}).map(([name, messages]) => fields(`backlog ${name}`, messages)),
    ],
  };
}

function row(name: string, text: string, paint: Paint): string {
  return `${paint("dim", name.padEnd(12))} ${text}`;
}

function atMost(number: number): string {
  return number >= PAGE ? `${PAGE}+` : String(number);
}

function paintHealth(status: string, paint: Paint): string {
  return paint(status === "ok" ? "green" : status === "down" ? "red" : "yellow", status);
}

function runTable(runs: readonly RunItem[], width: number, paint: Paint): string[] {
  return table(
    [
      { title: "run" },
      { title: "status" },
      { title: "workflow", mayShrink: true },
      { title: "submitted", align: "right" },
      { title: "took", align: "right" },
      { title: "error", mayShrink: true },
    ],
    runs.map((run) => [
      run.run_id,
      { text: run.status, paint: (text: string) => paintStatus(run.status, (style) => paint(style, text)) },
      run.workflow ?? "",
      ago(run.submitted_at, Date.now()),
      run.duration_ms === null ? "" : duration(run.duration_ms),
      run.error?.code ?? "",
    ]),
    width,
    (text) => paint("dim", text),
  );
}
