/** Jobs: something done to every run that fulfils a filter, in the background. */
import type { Job, JobOrder, JobPage, PageOptions } from "./api.ts";
import { WeirError } from "./errors.ts";
import { pause } from "./retry.ts";
import type { CallOptions, Transport } from "./transport.ts";

const POLL_MS = 500;

export class Jobs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Cancels or replays every run that the filter lets through; returns at once. */
  start(order: JobOrder, options: CallOptions = {}): Promise<Job> {
    return this.#transport.call("$post", "/api/v1/runs/bulk", { json: order }, options);
  }

  get(id: string, options: CallOptions = {}): Promise<Job> {
    return this.#transport.call("$get", "/api/v1/jobs/:id", { param: { id } }, options);
  }

  list(query: PageOptions & { status?: Job["status"] } = {}, options: CallOptions = {}): Promise<JobPage> {
    return this.#transport.call("$get", "/api/v1/jobs", { query }, options);
  }

  /** The job once every run was tried. */
  async wait(id: string, { giveUpAfterMs, ...options }: CallOptions & { giveUpAfterMs?: number } = {}): Promise<Job> {
    const startedAt = Date.now();
    for (;;) {
      const job = await this.get(id, options);
      if (job.status === "completed") return job;
      if (giveUpAfterMs !== undefined && Date.now() - startedAt >= giveUpAfterMs) {
        throw new WeirError("timeout", `the job ${id} has not ended after ${giveUpAfterMs} ms; it goes on`);
      }
      await pause(POLL_MS, options.signal);
    }
  }
}
