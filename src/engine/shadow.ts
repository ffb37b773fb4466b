/** Shadow runs: what would change something outside is recorded instead of sent. */
import type { Json } from "#kernel/json.ts";
import type { RunState } from "./state.ts";
import type { Task } from "./task.ts";

/** Methods that only read (RFC 9110, 9.2.1). */
const SAFE_METHODS: ReadonlySet<unknown> = new Set(["GET", "HEAD"]);

export function isShadow(state: RunState): boolean {
  return state.replay_of?.mode === "shadow";
}

/** What stands for the answer of a request that a shadow run does not make; null when it makes it. */
export function shadowOf(state: RunState, task: Task): Json | null {
  if (!isShadow(state) || task.queue !== "http" || SAFE_METHODS.has(task.config.method)) return null;
  const { url, method, payload = null, query = null } = task.config;
  return {
    status_code: 200,
    headers: {},
    body: null,
    url: url ?? "",
    method: method ?? "",
    duration_ms: 0,
    shadow: true,
    request: { query, payload },
  };
}
