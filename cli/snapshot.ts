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
  /** Of the runs that were submitted in the window; `sampled` when there were more than are looked at. */
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
  runs: RunItem[];
}

const ACTIVE = ["queued", "running", "waiting", "paused"] as const satisfies readonly RunStatus[];
const PAGE = 200;
/** Pages of the window that are looked at. */
const PAGES_MAX = 5;

export async function observe({ weir, signal }: Context, windowMs: number): Promise<Snapshot> {
  const now = Date.now();
  const since = new Date(now - windowMs).toISOString();
  const [ready, recent, ...active] = await Promise.all([
    weir.ready({ signal }),
    readWindow(since),
    ...ACTIVE.map((status) => weir.runs.list({ status, limit: PAGE }, { signal })),
  ]);
  const { runs, sampled } = recent;
  const unfinished = active.flatMap((page) => page.items);
  return {
    at: new Date(now).toISOString(),
    window_ms: windowMs,
    status: ready.status,
    version: ready.version,
    components: ready.components,
    active: Object.fromEntries(ACTIVE.map((status, index) => [status, active[index]?.items.length ?? 0])),
    recent: { ...figuresOf(runs, windowMs), sampled },
    runs: [...unfinished, ...runs.filter((run) => run.ended_at !== null)].slice(0, PAGE),
  };

  async function readWindow(after: string): Promise<{ runs: RunItem[]; sampled: boolean }> {
    const runs: RunItem[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const query = { submitted_after: after, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const { items, next_cursor: next } = await weir.runs.list(query, { signal });
      runs.push(...items);
      if (next === null) return { runs, sampled: false };
      cursor = next;
    }
    return { runs, sampled: true };
  }
}

function figuresOf(runs: readonly RunItem[], windowMs: number): Omit<Snapshot["recent"], "sampled"> {
  const number = (status: RunStatus) => runs.filter((run) => run.status === status).length;
  const [completed, failed, cancelled] = [number("completed"), number("failed"), number("cancelled")];
  const took = runs.flatMap((run) => run.duration_ms ?? []).sort((left, right) => left - right);
  const judged = completed + failed;
  const oldest = runs.at(-1);
  const spanMs = oldest === undefined ? windowMs : Math.max(1_000, Date.now() - Date.parse(oldest.submitted_at));
  return {
    submitted: runs.length,
    completed,
    failed,
    cancelled,
    per_minute: runs.length / (Math.min(windowMs, spanMs) / 60_000),
    success_rate: judged === 0 ? null : completed / judged,
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
            `${recent.sampled ? "more than " : ""}${recent.submitted} submitted (${recent.per_minute.toFixed(1)}/min)`,
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
            : `p50 ${duration(recent.p50_ms)}   p95 ${duration(recent.p95_ms ?? 0)}   max ${duration(recent.max_ms ?? 0)}`,
          paint,
        ),
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
