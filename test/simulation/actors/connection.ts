/** How the client calls shards: again and again until there is an answer; and what it holds of every answer. */
import type { RunView } from "#engine/view.ts";
import { isEqualJson } from "#kernel/json.ts";
import type { CoordinatorRpc } from "#store/shard/protocol.ts";
import type { Shards } from "#store/shards.ts";
import { outputsOf } from "../model/reading.ts";
import type { RunModel } from "../model/run-model.ts";
import { must } from "../model/violation.ts";
import type { Choices } from "../platform/choices.ts";
import type { Timeline } from "../platform/timeline.ts";
import type { RunScript, Scenario } from "../scenario/scenario.ts";

export const TENANT = "default";
/** Pause before a call that failed is made again. */
const AGAIN_MS = 1_500;

export type Ask<Value> = (shard: CoordinatorRpc) => Promise<Value>;

/** The run that something is asked of. */
export interface Target {
  id: string;
  shard: number;
}

/** Nothing can be asked of the run any more, or it is gone before anybody was told of it; whoever tries gives up. */
export class GoneError extends Error {}

export interface ConnectionParts {
  scenario: Scenario;
  timeline: Timeline;
  choices: Choices;
  shards: Shards;
  runs: ReadonlyMap<string, RunModel>;
}

export class Connection {
  readonly parts: ConnectionParts;
  /** The runs that starts and replays were answered with, by name. */
  readonly accepted = new Map<string, Target>();

  constructor(parts: ConnectionParts) {
    this.parts = parts;
  }

  /** The run of a script, or one of those that came of it; null before it was accepted. */
  target(run: RunScript, of = 0): Target | null {
    const root = this.accepted.get(run.name);
    if (root === undefined || of === 0) return root ?? null;
    const ids = [...this.parts.runs.keys()].filter((id) => this.#comesOf(id, root.id)).sort();
    return { id: ids[of % Math.max(1, ids.length)] ?? root.id, shard: root.shard };
  }

  #comesOf(id: string, root: string): boolean {
    for (let at: string | undefined = id; at !== undefined; ) {
      if (at === root) return true;
      const run = this.parts.runs.get(at);
      at = run?.parent?.run_id ?? run?.replayOf?.run_id;
    }
    return false;
  }

  model(target: Target): RunModel | undefined {
    return this.parts.runs.get(target.id);
  }

  call<Value>(shard: number, ask: Ask<Value>): Promise<Value> {
    return this.parts.shards.call({ region: "xx", shard }, ask);
  }

  /** Asks until there is an answer; a run that was accepted is there. */
  async insist<Value>(target: Target, ask: Ask<Value | null>): Promise<Value> {
    for (;;) {
      let value: Value | null;
      try {
        value = await this.call(target.shard, ask);
      } catch {
        if (this.model(target)?.isWrecked === true) throw new GoneError();
        await this.pause();
        continue;
      }
      if (value !== null) return value;
      must(!this.#isAccepted(target), "1", () => `${target.id} was accepted and is not there to be asked`);
      throw new GoneError();
    }
  }

  #isAccepted({ id }: Target): boolean {
    return [...this.accepted.values()].some((target) => target.id === id);
  }

  accept(name: string, view: RunView, shard: number): void {
    const known = this.accepted.get(name)?.id;
    must(known === undefined || known === view.run_id, "3", () => `${name} is ${known} and ${view.run_id}`);
    this.accepted.set(name, { id: view.run_id, shard });
    this.judge(view);
  }

  /** What a client is shown must be what the log says, and an end is the end. */
  judge(view: RunView): void {
    const run = this.parts.runs.get(view.run_id);
    must(run !== undefined, "1", () => `${view.run_id} was shown, and no log holds it`);
    const wasIt = run.statuses.includes(view.status);
    must(wasIt, "views", () => `${view.run_id} is shown as ${view.status}, which it never was`);
    if (view.ended_at === null || run.generation > 1) return;
    must(run.status === view.status, "2", () => `${view.run_id} is shown as ${view.status}, and it is ${run.status}`);
    if (view.outputs === undefined) return;
    const isRight = isEqualJson(view.outputs, outputsOf(run));
    must(isRight, "views", () => `${view.run_id} shows the outputs ${JSON.stringify(view.outputs).slice(0, 300)}`);
  }

  pause(): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, AGAIN_MS);
    });
  }
}
