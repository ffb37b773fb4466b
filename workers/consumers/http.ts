/** The HTTP worker: each task is one request, judged by the URL guard and made with the visit's idempotency key. */
import { idempotencyKey } from "#engine/task.ts";
import type { HttpRequestSpec } from "#http/prepare.ts";
import { executeRequest, type HttpEnvironment } from "#http/request.ts";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import type { CacheSubject } from "#store/result-cache.ts";
import { attemptTraceparent } from "#telemetry/traces/traceparent.ts";
import { type CacheServices, remembering } from "./remembering.ts";
import type { TaskWorker } from "./task-batch.ts";

/** The platform opens at most six connections at once for an invocation; a seventh would wait inside it. */
export const HTTP_PARALLELISM = 6;

/** Locally there is no such bound, but queues hand over one batch at a time: what waits in a batch waits for all of it. */
export const HTTP_PARALLELISM_LOCAL = 50;

export function httpWorker(
  environment: Omit<HttpEnvironment, "idempotencyKey" | "signal">,
  cache: CacheServices,
  describeSystem: () => { [key: string]: Json },
  isLocal: boolean,
): TaskWorker {
  return {
    name: "http-worker",
    parallelism: isLocal ? HTTP_PARALLELISM_LOCAL : HTTP_PARALLELISM,
    describeSystem,
    async execute(task, config, signal) {
      const spec = { ...config, timeout_ms: task.timeout_ms } as unknown as HttpRequestSpec;
      const subject: CacheSubject = {
        tenant: task.tenant,
        worker: "http-worker",
        config: { ...config, cache: null },
        input: null,
      };
      return remembering(cache, task, timeToLive(config), subject, async () => {
        const outcome = await executeRequest(spec, {
          ...environment,
          idempotencyKey: idempotencyKey(task),
          traceparent: attemptTraceparent(task),
          signal,
        });
        return {
          outcome: outcome.ok ? { ok: true, output: outcome.output as Json } : { ok: false, error: outcome.error },
          bytesIn: outcome.bytes_in,
          bytesOut: outcome.bytes_out,
        };
      });
    },
  };
}

/** Only what asks is remembered, and nothing that a secret opened. */
export function timeToLive(config: JsonObject): number | null {
  const { cache, method, secrets } = config;
  const isRead = method === undefined || method === "GET" || method === "HEAD";
  const isOpen = !Array.isArray(secrets) || secrets.length === 0;
  return isRead && isOpen && isJsonObject(cache) && typeof cache.ttl_ms === "number" ? cache.ttl_ms : null;
}
