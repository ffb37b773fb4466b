/** Reads events, details and ends of runs, and remembers what it saw: it must still stand there later (invariant 6). */
import type { RunEvent } from "#engine/events.ts";
import type { Json } from "#kernel/json.ts";
import { must } from "../model/violation.ts";
import { type Connection, type Target, TENANT } from "./connection.ts";

export class Reader {
  readonly #connection: Connection;
  readonly #seen = new Map<string, string[]>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async wait(target: Target, waitMs: number): Promise<void> {
    this.#connection.judge(
      await this.#connection.insist(target, (shard) => shard.waitForEnd(TENANT, target.id, waitMs)),
    );
  }

  async details(target: Target): Promise<void> {
    const { id } = target;
    const details = await this.#connection.insist(target, (shard) => shard.details(TENANT, id));
    this.#connection.judge(details);
    const model = this.#connection.model(target);
    for (const [node, execution] of Object.entries(details.node_executions)) {
      const known = model?.nodes.get(node);
      const isRight = execution.status === (known?.status ?? "pending") && execution.visit === (known?.visit ?? 0);
      must(isRight, "views", () => `${node} of ${id} is shown as ${execution.status}, visit ${execution.visit}`);
    }
    await this.#connection.insist(target, (shard) => shard.explain(TENANT, id));
  }

  /** All events, in pages of this size. */
  async read(target: Target, limit: number): Promise<void> {
    const { id } = target;
    const seen = this.#seen.get(id) ?? [];
    for (let after = 0; ; ) {
      const from = after;
      const page = await this.#connection.insist(target, (shard) => shard.events(TENANT, id, from, limit));
      for (const event of page.items) {
        must(event.seq === after + 1, "6", () => `a reader of ${id} sees ${event.seq} after ${after}`);
        after = event.seq;
        const name = `${event.seq} ${event.type} ${(event as { node?: Json }).node ?? ""}`;
        const before = seen[event.seq - 1];
        must(before === undefined || before === name, "6", () => `readers of ${id} see ${before} and ${name}`);
        seen[event.seq - 1] = name;
      }
      this.#seen.set(id, seen);
      if (page.items.length < limit) return;
    }
  }

  /** What was seen must still stand in the log. */
  judge(): void {
    for (const [id, seen] of this.#seen) {
      const log = this.#connection.parts.runs.get(id)?.log ?? [];
      const isPrefix = seen.every((event, index) => event === nameOf(log[index]));
      must(isPrefix, "6", () => `a reader saw of ${id} what its log does not hold: ${seen.slice(0, 50)}`);
    }
  }
}

function nameOf(event: RunEvent | undefined): string {
  return event === undefined ? "" : `${event.seq} ${event.type} ${"node" in event ? (event.node ?? "") : ""}`;
}
