/** The Worker's face: what Cloudflare calls. Wires the roles together and decides nothing. */
import { createApp } from "#api/app.ts";
import { forgetOldConversations } from "#store/agent-conversations.ts";
import { batchPoints, DEAD_QUEUE } from "#telemetry/batch-points.ts";
import { taskLimit, tasksInFlight, watchdogSweeps } from "#telemetry/catalogue/platform-metrics.ts";
import { describeIsolate } from "#telemetry/isolate.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import { agentWorker } from "./consumers/agent.ts";
import { handleDeadLetters } from "./consumers/dead-letter.ts";
import { httpWorker } from "./consumers/http.ts";
import { measuredBatch } from "./consumers/measured-batch.ts";
import { handleTaskBatch, type TaskWorker } from "./consumers/task-batch.ts";
import type { Env } from "./env.ts";
import { servicesOf } from "./services.ts";
import { knockAtShards } from "./watchdog.ts";

export { AnalyticsStore } from "./analytics-store.ts";
export { Coordinator } from "./coordinator.ts";
export { Fanout } from "./fanout.ts";
export { Limiter } from "./limiter.ts";
export { Meter } from "./meter.ts";

/** Tasks that this isolate executes now. */
const inFlight = new Map<string, number>();

const app = createApp<Env>(servicesOf);

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  async queue(delivered, env, context) {
    const services = servicesOf(env);
    const { metrics } = services;
    const { origin } = services.points;
    services.points.record(batchPoints(delivered, origin, Date.now()), (work) => context.waitUntil(work));
    const batch = measuredBatch(delivered, delivered.queue === DEAD_QUEUE ? "dlq" : "ack", metrics);
    switch (batch.queue) {
      case "weir-http": {
        const { http, agents, isLocal } = services;
        const worker = measured(
          httpWorker(http, agents, () => describeIsolate(services, Date.now()), isLocal),
          metrics,
        );
        await handleTaskBatch(batch, worker, { ...services, goOnInBackground: goOnUnder(context, isLocal) });
        break;
      }
      case "weir-agent": {
        const { agents, isLocal } = services;
        const worker = measured(
          agentWorker(agents, () => describeIsolate(services, Date.now()), isLocal),
          metrics,
        );
        await handleTaskBatch(batch, worker, { ...services, goOnInBackground: goOnUnder(context, isLocal) });
        break;
      }
      case DEAD_QUEUE:
        await handleDeadLetters(batch, services);
        break;
      default:
        services.logger.error("a queue without a worker delivered messages", { queue: batch.queue });
        batch.retryAll();
    }
  },

  async scheduled(_controller, env) {
    const { d1, database, shards, bulk, resultCache, logger, metrics, isLocal } = servicesOf(env);
    metrics.count(watchdogSweeps, []);
    await Promise.all([knockAtShards(d1, shards, logger, isLocal), bulk.workUnfinished()]);
    await resultCache.forgetExpired(Date.now());
    await forgetOldConversations(database, Date.now());
  },
} satisfies ExportedHandler<Env>;

/** A worker whose tasks are counted while they are executed. */
function measured(worker: TaskWorker, metrics: MetricRecorder): TaskWorker {
  const { name } = worker;
  const add = (by: number) => {
    const now = (inFlight.get(name) ?? 0) + by;
    inFlight.set(name, now);
    metrics.set(tasksInFlight, [name], now);
  };
  metrics.set(taskLimit, [name], worker.parallelism);
  return {
    ...worker,
    async execute(task, config, signal) {
      add(1);
      try {
        return await worker.execute(task, config, signal);
      } finally {
        add(-1);
      }
    },
  };
}

function goOnUnder(context: ExecutionContext, isLocal: boolean): ((work: Promise<void>) => void) | null {
  return isLocal ? (work) => context.waitUntil(work) : null;
}
