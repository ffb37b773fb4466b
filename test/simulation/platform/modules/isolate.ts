/** Stands in for `src/telemetry/isolate.ts`: facts about a machine would differ from one repetition to the next. */
export function describeIsolate(): { [fact: string]: string } {
  return { runtime: "simulation" };
}
