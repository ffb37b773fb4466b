/** Figures and times as people read them. */

/** How long ago a moment was. */
export function ago(at: string, nowMs: number): string {
  const ms = Math.max(0, nowMs - Date.parse(at));
  const [size, unit] = (
    [
      [86_400_000, "d"],
      [3_600_000, "h"],
      [60_000, "min"],
    ] as const
  ).find(([each]) => ms >= each) ?? [1_000, "s"];
  return `${Math.floor(ms / size)} ${unit} ago`;
}

/** `1 node`, `2 nodes`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
