/** Facts about the isolate that executes a job. What a Worker cannot know of its machine is null, never made up. */
import type { Json } from "#kernel/json.ts";

/** The seed's system facts; the local runtime can read them, production cannot. */
const HOST_FACTS = ["os", "arch", "hostname", "cpu_cores", "cpu_logical", "total_memory_mb", "container_runtime"];

let isolate: { id: string; since: number; jobs: number; host: { [key: string]: Json } } | undefined;

export interface IsolateSettings {
  version: string;
  /** Facts about the machine as JSON text, from the local runtime; empty in production. */
  host: string;
}

/** The `system` part of a job's metrics; counts the job, so that the first in an isolate is its cold start. */
export function describeIsolate(settings: IsolateSettings, nowMs: number): { [key: string]: Json } {
  isolate ??= { id: crypto.randomUUID(), since: nowMs, jobs: 0, host: hostFacts(settings.host) };
  isolate.jobs += 1;
  return {
    runtime: "workerd",
    // Queue consumers are not told where they run.
    colo: null,
    isolate_id: isolate.id,
    isolate_age_ms: nowMs - isolate.since,
    cold_start: isolate.jobs === 1,
    version: settings.version,
    ...isolate.host,
  };
}

function hostFacts(text: string): { [key: string]: Json } {
  const known = text === "" ? {} : (JSON.parse(text) as { [key: string]: Json });
  return Object.fromEntries(HOST_FACTS.map((fact) => [fact, known[fact] ?? null]));
}
