/** Values of options, judged while the command line is read: what is wrong is told before anything is asked. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { parseDuration } from "#kernel/duration.ts";

/** A whole number between two others. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`it must be a whole number from ${least} to ${most}.`);
  };
}

/** `30s`, `5m`, `2h`; a bare number is seconds. */
export function span(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  throw new InvalidArgumentError('it must be a span of time such as "30s", "5m" or "2h".');
}

/** `key=value`, as often as wanted. */
export function label(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("it must be key=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
