/** A stretch of time up to now, and the steps that it is looked at in: as queries over points are given them. */

/** Longest window: what is kept. */
const WINDOW_DAYS_MAX = 90;

/** Points in time that a series has at most. */
const SERIES_POINTS_MAX = 120;

/** Lengths of a step, in seconds. */
export const STEPS = [10, 30, 60, 300, 900, 3_600, 21_600, 86_400] as const;

const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3_600, d: 86_400 };

export interface TimeWindow {
  seconds: number;
  stepSeconds: number;
}

/** `15m`, `6h`, `7d`; null for anything else, and for what is longer than points are kept. */
export function parseWindow(text: string): TimeWindow | null {
  const [, count, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNITS[unit ?? ""] ?? Number.NaN);
  if (!(seconds <= WINDOW_DAYS_MAX * 86_400)) return null;
  return { seconds, stepSeconds: STEPS.find((step) => seconds / step <= SERIES_POINTS_MAX) ?? 86_400 };
}

/** `30s`, `5m`, `1h`, `1d`: one of the steps. Null for anything else. */
export function parseStep(text: string): number | null {
  const [, count, unit] = /^([1-9]\d{0,4})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * ({ s: 1, m: 60, h: 3_600, d: 86_400 }[unit ?? ""] ?? Number.NaN);
  return (STEPS as readonly number[]).includes(seconds) ? seconds : null;
}
