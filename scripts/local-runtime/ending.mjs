/** The end of the process: what was begun is undone in reverse order, within the time that a stop may take. */

/** The contract gives a stop 5 s; what takes longer is cut off, since nothing that was answered can be lost. */
const STOP_WAIT_MS = 4_000;

export class Ending {
  /** @type {(() => Promise<void> | void)[]} */
  #steps = [];
  hasBegun = false;

  /** @param {(line: string) => void} complain */
  constructor(complain) {
    this.complain = complain;
    this.takeSignals();
  }

  /** Again after Miniflare was made, which takes the signals for itself. */
  takeSignals() {
    for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT", "SIGHUP"])) {
      process.removeAllListeners(signal);
      process.on(signal, () => void this.begin(0));
    }
  }

  /** @param {() => Promise<void> | void} step */
  add(step) {
    this.#steps.push(step);
  }

  /** @param {number} exitCode */
  async begin(exitCode) {
    if (this.hasBegun) return;
    this.hasBegun = true;
    setTimeout(() => process.exit(exitCode), STOP_WAIT_MS).unref();
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        this.complain(`weir: while stopping: ${error instanceof Error ? error.message : error}`);
      }
    }
    process.exit(exitCode);
  }
}
