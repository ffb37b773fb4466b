/** Results as text for people: one table, what it is held against, and ratios to earlier results. */
import { GOALS } from "./goals.ts";
import { figure, type Mode, type Results, shareOfCeiling } from "./results.ts";
import type { Subject } from "./session.ts";
import type { Spread } from "./statistics.ts";
import type { WorkloadName } from "./workloads.ts";

const MODES: readonly Mode[] = ["loaded", "alone"];

export function describeResults(results: Results): string {
  const { machine, versions, settings } = results;
  const head = [
    `Weir ${versions.weir} (${versions.commit}${versions.changed ? ", changed" : ""}), workerd ${versions.workerd}, Node ${versions.node}, ${results.date}`,
    `${machine.cores} cores (${machine.cpu}), load before ${round(machine.load_before)}; ${settings.runs} calls, median of ${settings.repetitions} (min–max)`,
  ];
  return [...head, "", ...layOut(measured(results)), "", ...layOut(judged(results))].join("\n");
}

/** Ratios of medians: above 1 is better for rates, worse for times. */
export function describeComparison(results: Results, before: Results): string {
  const rows = subjectsOf(results).flatMap((subject) =>
    MODES.map((mode) => {
      const ratio = (name: "per_second" | "p50_ms" | "p95_ms" | "weir_cpu_ms_each") => {
        const now = figure(results, mode, subject, name)?.median;
        const then = figure(before, mode, subject, name)?.median;
        return now === undefined || then === undefined ? "–" : `×${(now / then).toFixed(2)}`;
      };
      return [subject, mode, ratio("per_second"), ratio("p50_ms"), ratio("p95_ms"), ratio("weir_cpu_ms_each")];
    }),
  );
  const head = ["", "", "rate", "p50", "p95", "CPU a call"];
  return [`compared with ${before.date} (${before.versions.commit})`, ...layOut([head, ...rows])].join("\n");
}

function measured(results: Results): string[][] {
  const head = ["", "in flight", "a second", "p50 ms", "p95 ms", "CPU ms each", "cores", "driver", "syncs each"];
  const rows = subjectsOf(results).flatMap((subject) =>
    MODES.map((mode) => [
      subject,
      mode === "alone" ? "1" : String(results.settings.in_flight),
      spread(figure(results, mode, subject, "per_second")),
      spread(figure(results, mode, subject, "p50_ms")),
      spread(figure(results, mode, subject, "p95_ms")),
      spread(figure(results, mode, subject, "weir_cpu_ms_each")),
      round(figure(results, mode, subject, "weir_cores")?.median),
      round(figure(results, mode, subject, "driver_cores")?.median),
      syncs(results, mode, subject),
    ]),
  );
  const memory = results.repetitions.at(-1)?.alone[subjectsOf(results).at(-1) ?? "health"]?.rss_after_mb;
  const start = results.repetitions[0]?.loaded.health?.rss_before_mb;
  return [head, ...rows, [`RSS ${round(start)} MB after the warm-up, ${round(memory)} MB at the end`]];
}

function judged(results: Results): string[][] {
  const head = ["", "of object calls", "floor", "goal", "p50 alone", "floor", "goal", "syncs", "goal"];
  const rows = Object.entries(GOALS).map(([name, goal]) => {
    const subject = name as WorkloadName;
    const share = shareOfCeiling(results, subject);
    if (share === null) return [];
    const rate = figure(results, "loaded", subject, "per_second")?.median;
    const p50 = figure(results, "alone", subject, "p50_ms")?.median;
    const asShare = goal.shareOfCeiling === undefined ? "" : ` or ${percent(goal.shareOfCeiling)}`;
    return [
      subject,
      `${percent(share.median)} (${percent(share.min)}–${percent(share.max)})`,
      `${against(rate, goal.floorPerSecond)} of ${goal.floorPerSecond}`,
      `${against(rate, goal.perSecond)} of ${goal.perSecond}${asShare}`,
      `${round(p50)} ms`,
      goal.floorP50Ms === undefined ? "" : `${goal.floorP50Ms} ms`,
      goal.p50Ms === undefined ? "" : `${goal.p50Ms} ms`,
      syncs(results, "loaded", subject),
      goal.syncs === undefined ? "" : String(goal.syncs),
    ];
  });
  return [head, ...rows.filter((row) => row.length > 0)];
}

function subjectsOf(results: Results): Subject[] {
  return Object.keys(results.repetitions[0]?.loaded ?? {}) as Subject[];
}

function syncs(results: Results, mode: Mode, subject: Subject): string {
  if (subject === "health" || subject === "object_call") return "";
  const counted = results.syncs[subject]?.[mode];
  return counted === undefined ? "" : "each" in counted ? round(counted.each) : counted.because;
}

function spread(value: Spread | null): string {
  return value === null ? "–" : `${round(value.median)} (${round(value.min)}–${round(value.max)})`;
}

function round(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function against(value: number | undefined, target: number): string {
  return value === undefined ? "–" : percent(value / target);
}

/** Columns as wide as their widest cell; a row of one cell stands as it is. */
export function layOut(rows: readonly (readonly string[])[]): string[] {
  const table = rows.filter((row) => row.length > 1);
  const columns = Math.max(0, ...table.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row.length === 1
      ? (row[0] ?? "")
      : row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd(),
  );
}
