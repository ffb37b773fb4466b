/**
 * workerd under Miniflare, kept alive: starts it, sees that it comes back on the same port when it dies, fires the
 * Worker's cron from outside, stops it. Does not know what the Worker is.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Log, LogLevel, Miniflare } from "miniflare";
import { StartRefusal } from "./start-refusal.mjs";

/**
 * @typedef {import("miniflare").MiniflareOptions} MiniflareOptions
 * @typedef {MiniflareOptions["workers"]} Workers
 *
 * @typedef {object} RuntimeHandlers
 * @property {(entry: { level: string, message: string }) => void} logged What the Worker wrote to its console.
 * @property {(message: string) => void} noted What the operator should know of the runtime itself.
 * @property {() => void} restarted It died and serves again.
 * @property {number | null} inspectorPort Where a debugger may attach, on the loopback; null: nowhere.
 */

const RESTART_PAUSE_MS = 200;
/** Notes of workerd's authors to themselves, about alarms that a restart delayed and the like. */
const WORKERD_CHATTER = /^NOSENTRY /;

/** Miniflare says on its log when a restart failed, and nowhere else. */
class SupervisingLog extends Log {
  /** @param {(message: string) => void} noted @param {() => void} restartFailed */
  constructor(noted, restartFailed) {
    super(LogLevel.WARN);
    this.noted = noted;
    this.restartFailed = restartFailed;
  }

  /** @override @param {Error} error */
  error(error) {
    this.noted(error.message);
    if (/** @type {Error & { code?: string }} */ (error).code === "ERR_RUNTIME_FAILURE") this.restartFailed();
  }

  /** @override @param {string} message */
  warn(message) {
    this.noted(message);
  }
}

export class Runtime {
  /** @type {Miniflare | null} */
  #miniflare = null;
  /** @type {Workers} */
  #workers = [];
  #isStopping = false;
  #isTicking = false;
  #isRecovering = false;

  /** @param {string} persistencePath @param {RuntimeHandlers} handlers */
  constructor(persistencePath, handlers) {
    this.persistencePath = persistencePath;
    this.handlers = handlers;
  }

  /** Serves these Workers, in place of those it served before. @param {Workers} workers */
  async serve(workers) {
    this.#workers = workers;
    try {
      if (this.#miniflare === null) {
        this.#miniflare = new Miniflare(this.#options());
        await this.#miniflare.ready;
      } else {
        await this.#miniflare.setOptions(this.#options());
      }
    } catch (error) {
      if (this.#isStopping) return;
      throw isAddressInUse(error)
        ? new StartRefusal("the port was taken while Weir was starting; start it again")
        : error;
    }
  }

  /** @param {string} binding */
  async database(binding) {
    if (this.#miniflare === null) throw new Error("the runtime is not started");
    const database = await this.#miniflare.getD1Database(binding);
    return /** @type {import("@cloudflare/workers-types").D1Database} */ (/** @type {unknown} */ (database));
  }

  /** Fires the Worker's scheduled handler; one that still runs is left to end. @param {string} cron */
  async fireScheduled(cron) {
    if (this.#miniflare === null || this.#isTicking || this.#isStopping) return;
    this.#isTicking = true;
    try {
      const worker = await this.#miniflare.getWorker();
      const { outcome } = await worker.scheduled({ cron, scheduledTime: new Date() });
      if (outcome !== "ok") this.handlers.noted(`the scheduled handler ended with "${outcome}"`);
    } catch (error) {
      // The runtime died under the call: the cron fires again once it is back.
      if (!this.#isStopping) this.handlers.noted(`the scheduled handler was not reached: ${reason(error)}`);
    } finally {
      this.#isTicking = false;
    }
  }

  async stop() {
    this.#isStopping = true;
    await this.#miniflare?.dispose();
  }

  /** @returns {MiniflareOptions} */
  #options() {
    return {
      workers: this.#workers,
      resourcePersistencePath: this.persistencePath,
      // Its own port, with Miniflare's proxy on it, is for this process alone; the public one is a direct socket.
      host: "127.0.0.1",
      port: 0,
      ...(this.handlers.inspectorPort === null ? {} : { inspectorPort: this.handlers.inspectorPort }),
      cf: false,
      logRequests: false,
      telemetry: { enabled: false },
      // Else it would register the Worker in the user's home folder for other wranglers to find.
      enableDevRegistry: false,
      log: new SupervisingLog(this.handlers.noted, () => void this.#serveAgain()),
      handleStructuredLogs: (entry) => {
        if (!WORKERD_CHATTER.test(entry.message)) this.handlers.logged(entry);
      },
      unsafeHandleRuntimeRestart: this.handlers.restarted,
    };
  }

  /** Miniflare restarts a dead workerd once; if that one dies too while starting, the turn is ours. */
  async #serveAgain() {
    if (this.#isRecovering) return;
    this.#isRecovering = true;
    for (let last = ""; !this.#isStopping; await sleep(RESTART_PAUSE_MS)) {
      try {
        await this.serve(this.#workers);
        this.handlers.restarted();
        break;
      } catch (error) {
        if (reason(error) !== last) this.handlers.noted(`the runtime does not start yet: ${reason(error)}`);
        last = reason(error);
      }
    }
    this.#isRecovering = false;
  }
}

/** @param {unknown} error */
function isAddressInUse(error) {
  return /** @type {{ code?: string } | null} */ (error)?.code === "ERR_ADDRESS_IN_USE" || /in use/.test(reason(error));
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? error.message : String(error);
}
