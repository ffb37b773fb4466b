/** Does what a scenario scripts, each thing at its time: starts, commands, reading. Holds Weir to its answers. */
import { parseRunId } from "#kernel/ids.ts";
import { must } from "../model/violation.ts";
import { Owner } from "../platform/timeline.ts";
import type { Command, RunScript } from "../scenario/scenario.ts";
import { Asker } from "./asker.ts";
import { Connection, type ConnectionParts, GoneError } from "./connection.ts";
import { Reader } from "./reader.ts";
import { Starter } from "./starter.ts";

export interface ClientParts extends ConnectionParts {
  /** Something that was promised does not hold. */
  onViolation(error: unknown): void;
}

export class Client {
  readonly #parts: ClientParts;
  readonly #owner = new Owner("client");
  readonly #connection: Connection;
  readonly #starter: Starter;
  readonly #asker: Asker;
  readonly #reader: Reader;
  #open = 0;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#connection = new Connection(parts);
    this.#starter = new Starter(this.#connection);
    this.#asker = new Asker(this.#connection);
    this.#reader = new Reader(this.#connection);
    const { scenario, timeline } = parts;
    const beginMs = timeline.nowMs;
    for (const run of scenario.runs) this.#doAt(beginMs + run.atMs, () => this.#starter.start(run));
    for (const command of scenario.commands) {
      const run = scenario.runs.find((each) => each.name === command.run);
      if (run !== undefined) this.#doAt(beginMs + command.atMs, () => this.#do(command, run));
    }
  }

  /** Nothing is left to do or to wait for. */
  get isDone(): boolean {
    return this.#open === 0;
  }

  /** Reads everything once more, when all is over. */
  readAll(): void {
    for (const id of this.#parts.runs.keys()) {
      const target = { id, shard: parseRunId(id, this.#parts.scenario.shards)?.shard ?? 0 };
      this.#doAt(0, () => this.#reader.read(target, 100));
      this.#doAt(0, () => this.#reader.details(target));
    }
  }

  /** When all is over: what was accepted is there, and what readers saw still stands. */
  judge(): void {
    for (const { id } of this.#connection.accepted.values()) {
      must(this.#parts.runs.has(id), "1", () => `${id} was accepted, and no log holds it`);
    }
    this.#reader.judge();
  }

  #doAt(atMs: number, work: () => Promise<unknown>): void {
    this.#open += 1;
    this.#parts.timeline.at(atMs, this.#owner, () => {
      work()
        .catch((error) => {
          if (!(error instanceof GoneError)) this.#parts.onViolation(error);
        })
        .finally(() => {
          this.#open -= 1;
        });
    });
  }

  async #do(command: Command, run: RunScript): Promise<unknown> {
    if (command.type === "start_again") return this.#starter.startAgain(run, command.otherBody);
    if (command.type === "replay_run") return this.#starter.replay(run, command);
    const target = this.#connection.target(run, command.of);
    if (target === null) return;
    switch (command.type) {
      case "cancel":
        return this.#asker.cancel(target);
      case "pause":
      case "resume":
        return this.#asker.ask(target, { type: command.type });
      case "signal":
        return this.#asker.ask(target, { type: "signal", name: command.name, payload: command.payload });
      case "decide":
        return this.#asker.decide(target, command);
      case "patch":
        return this.#asker.patch(target, command);
      case "revert_patch":
      case "decide_patch":
        return this.#asker.judgePatch(target, command);
      case "replay_node":
        return this.#asker.replayNode(target, command);
      case "read":
        return this.#reader.read(target, command.limit);
      case "wait":
        return this.#reader.wait(target, command.waitMs);
      case "forge":
        return this.#asker.forge(target, command);
    }
  }
}
