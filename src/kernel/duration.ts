/** Lengths of time as people read and write them. */

/** A span of time with about three significant places. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 100_000) return `${(ms / 1_000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return parts([Math.floor(seconds / 60), "min"], [seconds % 60, "s"]);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 48 * 60) return parts([Math.floor(minutes / 60), "h"], [minutes % 60, "min"]);
  return parts([Math.floor(minutes / 1_440), "d"], [Math.floor((minutes % 1_440) / 60), "h"]);
}

function parts(...units: [number, string][]): string {
  return units
    .filter(([number]) => number > 0)
    .map(([number, unit]) => `${number} ${unit}`)
    .join(" ");
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `1d`; null for anything else. */
export function parseDuration(text: string): number | null {
  const [, number, unit = "s"] = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(text) ?? [];
  return number === undefined ? null : Number(number) * (UNITS_MS[unit] ?? 1);
}
