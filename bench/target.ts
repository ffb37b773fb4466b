/** The Weir under test: one of its own with a fresh state, or a running one. Saves workflows, starts runs, judges answers. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startWeir } from "../test/support/weir-process.ts";
import { HttpClient } from "./http-client.ts";
import type { Options } from "./options.ts";
import type { Workload } from "./workloads.ts";

/** A run that has not ended by then counts as failed. */
const WAIT_MS = 30_000;

/** Pause between looks at a run that takes long. */
const FOLLOW_MS = 500;

interface EventItem {
  type: string;
  at: string;
  node?: string;
}

export class Target {
  readonly url: string;
  /** Of workerd; null when it is not known. */
  readonly pid: number | null;
  readonly #client: HttpClient;
  readonly #stop: () => Promise<unknown>;
  /** Keeps apart the tags of several sessions with one running Weir. */
  readonly #session = Date.now().toString(36);

  private constructor(url: string, pid: number | null, client: HttpClient, stop: () => Promise<unknown>) {
    this.url = url;
    this.pid = pid;
    this.#client = client;
    this.#stop = stop;
  }

  /** `server`: host:port that http nodes are to reach; `environment` is for a Weir of our own. */
  static async open(options: Options, server: string, environment: Record<string, string> = {}): Promise<Target> {
    const { running, inFlight } = options;
    if (running !== null) {
      const client = new HttpClient(running.url, running.key, inFlight);
      return new Target(running.url, await workerdOf(running.state), client, async () => {});
    }
    const env = { WEIR_ALLOW_PRIVATE_HOSTS: server, WEIR_LIMITS: "off", LOG_LEVEL: "warn", ...environment };
    const weir = await startWeir({ env });
    const client = new HttpClient(weir.url, weir.key, inFlight);
    return new Target(weir.url, await weir.workerdPid(), client, () => weir.stop());
  }

  async close(): Promise<void> {
    this.#client.close();
    await this.#stop();
  }

  /** Saves the workflow under the tag that `run` starts. */
  async save(workload: Workload): Promise<void> {
    const body = { tag: this.#tagOf(workload), workflow: workload.definition };
    const { status, text } = await this.#client.call("POST", "/api/v1/workflows", body);
    if (status !== 201) throw new Error(`${workload.name} was not saved: ${status} ${text.slice(0, 500)}`);
  }

  /** One run from its start to its end as the client sees it; gives its id, rejects when anything about it is wrong. */
  async run(workload: Workload, n: number): Promise<string> {
    const order = { workflow: this.#tagOf(workload), inputs: workload.inputs(n), wait_ms: WAIT_MS };
    const { status, text } = await this.#client.call("POST", "/api/v1/runs", order);
    const run = status === 200 ? JSON.parse(text) : null;
    if (run?.status !== "completed" || !workload.isRight(run.outputs, n)) {
      throw new Error(`run ${n} of ${workload.name} went wrong: ${status} ${text.slice(0, 500)}`);
    }
    return run.run_id as string;
  }

  /** A route that does nothing. */
  async health(): Promise<void> {
    const { status, text } = await this.#client.call("GET", "/health");
    if (status !== 200 || JSON.parse(text).status !== "ok") throw new Error(`/health: ${status} ${text.slice(0, 200)}`);
  }

  /** One call to an object that writes nothing: what it has in memory of a small run that has ended. */
  async look(runId: string): Promise<void> {
    const { status, text } = await this.#client.call("GET", `/api/v1/runs/${runId}`);
    if (status !== 200 || JSON.parse(text).run_id !== runId)
      throw new Error(`${runId}: ${status} ${text.slice(0, 200)}`);
  }

  /** Starts a run of its own and waits for its end, however long it takes; gives its id. */
  async startAndFollow(definition: object): Promise<string> {
    const started = await this.#client.call("POST", "/api/v1/runs", { definition });
    const { run_id: runId } = JSON.parse(started.text) as { run_id?: string };
    if (runId === undefined) throw new Error(`no run was started: ${started.status} ${started.text.slice(0, 500)}`);
    for (;;) {
      const { text } = await this.#client.call("GET", `/api/v1/runs/${runId}`);
      const { status } = JSON.parse(text) as { status: string };
      if (status === "completed") return runId;
      if (status === "failed" || status === "cancelled") throw new Error(`the run ${status}: ${text.slice(0, 500)}`);
      await sleep(FOLLOW_MS);
    }
  }

  /** When events of a type happened at a node, in order; milliseconds since the epoch. */
  async timesOf(runId: string, type: string, node: string): Promise<number[]> {
    const times: number[] = [];
    for (let after = 0, terminal = false; !terminal; ) {
      const { text } = await this.#client.call("GET", `/api/v1/runs/${runId}/events?after=${after}&limit=1000`);
      const page = JSON.parse(text) as { items: EventItem[]; next_after: number; terminal: boolean };
      for (const event of page.items) if (event.type === type && event.node === node) times.push(Date.parse(event.at));
      after = page.next_after;
      terminal = page.terminal;
    }
    return times;
  }

  /** The run in full. */
  async detailsOf(runId: string): Promise<void> {
    const { status, text } = await this.#client.call("GET", `/api/v1/runs/${runId}/details`);
    if (status !== 200 || JSON.parse(text).run_id !== runId) throw new Error(`${runId}: ${status}`);
  }

  #tagOf(workload: Workload): string {
    return `bench-${workload.name}-${this.#session}`;
  }
}

/** Every start keeps the identity of its workerd in its state folder. */
async function workerdOf(state: string | null): Promise<number | null> {
  if (state === null) return null;
  return JSON.parse(await readFile(path.join(state, "runtime.json"), "utf8")).workerd.pid as number;
}
