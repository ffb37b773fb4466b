/** Waits until the Worker itself answers: a socket that accepts is not yet a Worker that serves. */
import { setTimeout as sleep } from "node:timers/promises";

const WAIT_MS = 15_000;
const POLL_MS = 20;

/** @param {string} origin */
export async function waitForHealth(origin) {
  const until = Date.now() + WAIT_MS;
  for (let last = "no answer"; ; await sleep(POLL_MS)) {
    try {
      const response = await fetch(`${origin}/health`, { signal: AbortSignal.timeout(WAIT_MS) });
      const text = await response.text();
      if (response.ok) return;
      last = `HTTP ${response.status} ${text.slice(0, 200)}`;
    } catch (error) {
      const { cause } = /** @type {Error} */ (error);
      last = cause instanceof Error ? cause.message : String(error);
    }
    if (Date.now() > until) throw new Error(`${origin}/health does not answer: ${last}`);
  }
}
