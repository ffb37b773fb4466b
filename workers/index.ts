/** The Worker's face: what Cloudflare calls. Wires the roles together and decides nothing. */
import { createApp } from "#api/app.ts";
import { forgetOldConversations } from "#store/agent-conversations.ts";
import { batchPoints } from "#telemetry/batch-points.ts";
import { describeIsolate } from "#telemetry/isolate.ts";
import { agentWorker } from "./consumers/agent.ts";
import { handleDeadLetters } from "./consumers/dead-letter.ts";
import { httpWorker } from "./consumers/http.ts";
import { handleTaskBatch } from "./consumers/task-batch.ts";
import type { Env } from "./env.ts";
import { servicesOf } from "./services.ts";
import { knockAtShards } from "./watchdog.ts";

export { AnalyticsStore } from "./analytics-store.ts";
export { Coordinator } from "./coordinator.ts";
export { Fanout } from "./fanout.ts";
export { Limiter } from "./limiter.ts";

const app = createApp<Env>(servicesOf);

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  async queue(batch, env, context) {
    const services = servicesOf(env);
    const { origin } = services.points;
    services.points.record(batchPoints(batch, origin, Date.now()), (work) => context.waitUntil(work));
    switch (batch.queue) {
      case "weir-http": {
        const { http, agents, isLocal } = services;
        const worker = httpWorker(http, agents, () => describeIsolate(services, Date.now()), isLocal);
        await handleTaskBatch(batch, worker, { ...services, goOnInBackground: goOnUnder(context, isLocal) });
        break;
      }
      case "weir-agent": {
        const { agents, isLocal } = services;
        const worker = agentWorker(agents, () => describeIsolate(services, Date.now()), isLocal);
        await handleTaskBatch(batch, worker, { ...services, goOnInBackground: goOnUnder(context, isLocal) });
        break;
      }
      case "weir-dead":
        await handleDeadLetters(batch, services);
        break;
      default:
        services.logger.error("a queue without a worker delivered messages", { queue: batch.queue });
        batch.retryAll();
    }
  },

  async scheduled(_controller, env) {
    const { d1, database, shards, bulk, resultCache, logger, isLocal } = servicesOf(env);
    await Promise.all([knockAtShards(d1, shards, logger, isLocal), bulk.workUnfinished()]);
    await resultCache.forgetExpired(Date.now());
    await forgetOldConversations(database, Date.now());
  },
} satisfies ExportedHandler<Env>;

function goOnUnder(context: ExecutionContext, isLocal: boolean): ((work: Promise<void>) => void) | null {
  return isLocal ? (work) => context.waitUntil(work) : null;
}
