/** The result cache as workers use it: an output that is remembered is given again, one that was made is remembered. */
import type { Clock } from "#kernel/clock.ts";
import { type CacheSubject, cacheKey, type ResultCache } from "#store/result-cache.ts";
import type { TaskMessage } from "#store/task-message.ts";
import type { Logger } from "#telemetry/log.ts";
import type { Execution } from "./task-batch.ts";

export interface CacheServices {
  resultCache: ResultCache;
  clock: Clock;
  logger: Logger;
}

/** `ttlMs` null: the node does not ask for it. A cache that fails costs the work, never the node. */
export async function remembering(
  { resultCache, clock, logger }: CacheServices,
  message: TaskMessage,
  ttlMs: number | null,
  subject: CacheSubject,
  work: () => Promise<Execution>,
): Promise<Execution> {
  if (ttlMs === null) return work();
  const { tenant, run_id: runId, path: node } = message;
  const failed = (error: unknown) => {
    logger.warn("the result cache did not answer", { tenant, run_id: runId, node_id: node, error });
    return undefined;
  };
  const key = await cacheKey(subject);
  const output = await resultCache.find(tenant, key, clock.nowMs()).catch(failed);
  if (output !== undefined) {
    return { outcome: { ok: true, output }, bytesIn: 0, bytesOut: 0, measured: { result_cache_hit: true } };
  }
  const execution = await work();
  const { outcome } = execution;
  // What changed its run as well would not do so when it is given again.
  if (outcome.ok && outcome.patches === undefined) {
    const made = { worker: subject.worker, runId, node, output: outcome.output, ttlMs };
    await resultCache.keep(tenant, key, made, clock.nowMs()).catch(failed);
  }
  return execution;
}
