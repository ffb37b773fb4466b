/** How a run looks when it is told of: its head, its outputs or error, its nodes. */

import { duration } from "#kernel/duration.ts";
import type { AcceptedRun, Run, RunDetails, RunStatus } from "../client/weir.ts";
import { renderTimeline } from "../scripts/local-runtime/timeline.mjs";
import { EXIT, type ExitCode } from "./failure.ts";
import { fields, type Looks, type Output, type Paint, type Style } from "./output.ts";
import { ago } from "./wording.ts";

const STYLES: Readonly<Record<RunStatus, Style>> = {
  queued: "dim",
  running: "cyan",
  waiting: "yellow",
  paused: "yellow",
  completed: "green",
  failed: "red",
  cancelled: "magenta",
};

const OUTPUT_LINES_MAX = 40;

export function paintStatus(status: RunStatus, paint: Paint): string {
  return paint(STYLES[status], status);
}

/** 1 for a run that failed or was cancelled: it did not do what it was started for. */
export function exitCodeOf(status: RunStatus): ExitCode {
  return status === "failed" || status === "cancelled" ? EXIT.failed : EXIT.done;
}

/** A run that was just started or acted on. */
export function acceptedLooks(run: AcceptedRun, { paint }: Output): Looks {
  return {
    pretty: () => [`${paint("bold", run.run_id)}  ${paintStatus(run.status, paint)}`],
    compact: () => [fields(run.run_id, run.status)],
  };
}

export function runLooks(run: Run, output: Output): Looks {
  return {
    pretty: () => [...headOf(run, output.paint), ...resultOf(run, output)],
    compact: () => [
      fields(
        run.run_id,
        run.status,
        run.workflow,
        run.submitted_at,
        run.duration_ms,
        run.error?.code,
        run.error?.node,
        run.error?.message,
      ),
    ],
  };
}

export function detailsLooks(run: RunDetails, output: Output): Looks {
  return {
    pretty: () => [
      ...headOf(run, output.paint),
      "",
      ...renderTimeline(run, (style, text) => output.paint(style, text)),
      "",
      ...resultOf(run, output),
    ],
    compact: () =>
      Object.entries(run.node_executions).map(([id, node]) =>
        fields(
          id,
          node.type,
          node.status,
          node.attempt,
          node.metrics?.queue_time_ms,
          node.metrics?.execution_time_ms,
          node.error?.code,
          node.error?.message,
        ),
      ),
  };
}

function headOf(run: Run, paint: Paint): string[] {
  const took = run.duration_ms === null ? "" : ` in ${duration(run.duration_ms)}`;
  const counts = Object.entries(run.node_counts)
    .filter(([, number]) => number > 0)
    .map(([status, number]) => `${number} ${status}`)
    .join(", ");
  const rows: [string, string][] = [
    ["workflow", run.workflow ?? run.artifact_id],
    ["submitted", `${run.submitted_at} (${ago(run.submitted_at, Date.now())})`],
    ["nodes", counts],
  ];
  const labels = Object.entries(run.labels).map(([key, value]) => `${key}=${value}`);
  if (labels.length > 0) rows.push(["labels", labels.join(", ")]);
  if (run.patch_seq > 0) rows.push(["patches", String(run.patch_seq)]);
  if (run.generation > 1) rows.push(["generation", String(run.generation)]);
  if ((run.usage.cost_usd ?? 0) > 0) rows.push(["cost", `$${run.usage.cost_usd}`]);
  for (const wait of run.waiting_for ?? []) {
    rows.push(["waits for", `${wait.node} (${wait.kind}${wait.until === null ? "" : ` until ${wait.until}`})`]);
  }
  return [
    `${paint("bold", run.run_id)}  ${paintStatus(run.status, paint)}${took}`,
    ...rows.map(([name, value]) => `  ${paint("dim", name.padEnd(10))} ${value}`),
  ];
}

function resultOf(run: Run, { paint, isTerminal }: Output): string[] {
  if (run.error !== undefined) {
    return [
      `  ${paint("dim", "error".padEnd(10))} ${paint("red", run.error.code)} at ${run.error.node}: ${run.error.message}`,
    ];
  }
  if (run.outputs === undefined) return [];
  const lines = JSON.stringify(run.outputs, null, 2).split("\n");
  if (!isTerminal || lines.length <= OUTPUT_LINES_MAX) return lines;
  const hidden = lines.length - OUTPUT_LINES_MAX;
  return [...lines.slice(0, OUTPUT_LINES_MAX), paint("dim", `… ${hidden} more lines: --output json has them all`)];
}
