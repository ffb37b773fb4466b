/** Results that pipelines of one attempt of an agent node kept under a name, for later calls of the same attempt. */
import { fail, ok, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { SESSIONS_BYTES_MAX, SESSIONS_MAX } from "./limits.ts";

export class PipelineSessions {
  readonly #kept = new Map<string, { value: Json; bytes: number }>();
  #bytes = 0;

  get(id: string): Json | undefined {
    return this.#kept.get(id)?.value;
  }

  get ids(): string[] {
    return [...this.#kept.keys()];
  }

  /** Keeps a value in place of what the session had; the error says which bound is reached, and then nothing changes. */
  keep(id: string, value: Json, bytes: number): Result<null, string> {
    const old = this.#kept.get(id);
    if (old === undefined && this.#kept.size === SESSIONS_MAX) {
      return fail(`at most ${SESSIONS_MAX} sessions are kept: use one of ${this.ids.join(", ")} again`);
    }
    const total = this.#bytes - (old?.bytes ?? 0) + bytes;
    if (total > SESSIONS_BYTES_MAX) {
      return fail(`sessions keep at most ${SESSIONS_BYTES_MAX} bytes together: keep fewer rows or columns`);
    }
    this.#bytes = total;
    this.#kept.set(id, { value, bytes });
    return ok(null);
  }
}
