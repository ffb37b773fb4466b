/** The Worker's face: what Cloudflare calls. Wires the roles together and decides nothing. */
import { createApp } from "#api/app.ts";
import { describeIsolate } from "#telemetry/isolate.ts";
import { handleDeadLetters } from "./consumers/dead-letter.ts";
import { httpWorker } from "./consumers/http.ts";
import { handleTaskBatch } from "./consumers/task-batch.ts";
import type { Env } from "./env.ts";
import { servicesOf } from "./services.ts";
import { knockAtShards } from "./watchdog.ts";

export { Coordinator } from "./coordinator.ts";

const app = createApp<Env>(servicesOf);

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  async queue(batch, env, context) {
    const services = servicesOf(env);
    switch (batch.queue) {
      case "weir-http": {
        const worker = httpWorker(services.http, () => describeIsolate(services, Date.now()), services.isLocal);
        const goOnInBackground = services.isLocal ? (work: Promise<void>) => context.waitUntil(work) : null;
        await handleTaskBatch(batch, worker, { ...services, goOnInBackground });
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
    const { d1, shards, bulk, logger, isLocal } = servicesOf(env);
    await Promise.all([knockAtShards(d1, shards, logger, isLocal), bulk.workUnfinished()]);
  },
} satisfies ExportedHandler<Env>;
