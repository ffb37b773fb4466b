/** Who asks for runs: starts them until they are taken, cancels, reads, waits, repeats; and holds Weir to its answers. */
import { encodeTime } from "ulid";
import type { RunCommand } from "#engine/commands/command.ts";
import type { RunEvent } from "#engine/events.ts";
import type { RunView } from "#engine/view.ts";
import { runId } from "#kernel/ids.ts";
import { isEqualJson, type Json, type JsonObject } from "#kernel/json.ts";
import type { CommandReply, CoordinatorRpc, StartRequest } from "#store/shard/protocol.ts";
import type { Shards } from "#store/shards.ts";
import type { RunModel } from "../model/run-model.ts";
import { must } from "../model/violation.ts";
import type { Choices } from "../platform/choices.ts";
import { Owner, type Timeline } from "../platform/timeline.ts";
import type { Command, RunScript, Scenario } from "../scenario/scenario.ts";
import { operationsOf } from "./patches.ts";

export const TENANT = "default";
/** Pause before a call that failed is made again. */
const AGAIN_MS = 1_500;

type Ask<Value> = (shard: CoordinatorRpc) => Promise<Value>;

export interface ClientParts {
  scenario: Scenario;
  timeline: Timeline;
  choices: Choices;
  shards: Shards;
  runs: ReadonlyMap<string, RunModel>;
  /** Something that was promised does not hold. */
  onViolation(error: unknown): void;
}

const ENDS: ReadonlySet<string> = new Set(["run.completed", "run.failed", "run.cancelled"]);

export class Client {
  readonly #parts: ClientParts;
  readonly #owner = new Owner("client");
  /** The run that each script's start was answered with. */
  readonly #accepted = new Map<string, string>();
  readonly #seen = new Map<string, string[]>();
  #open = 0;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    const { scenario, timeline } = parts;
    const beginMs = timeline.nowMs;
    for (const run of scenario.runs) this.#doAt(beginMs + run.atMs, () => this.#start(run));
    for (const command of scenario.commands) {
      const run = scenario.runs.find((each) => each.name === command.run);
      if (run !== undefined) this.#doAt(beginMs + command.atMs, () => this.#do(command, run));
    }
  }

  /** Nothing is left to do or to wait for. */
  get isDone(): boolean {
    return this.#open === 0;
  }

  get accepted(): ReadonlyMap<string, string> {
    return this.#accepted;
  }

  /** Reads everything once more, when all is over. */
  readAll(): void {
    for (const run of this.#parts.scenario.runs) {
      this.#doAt(0, () => this.#read(run, 100));
      this.#doAt(0, () => this.#details(run));
    }
  }

  /** What readers saw must still stand in the log (invariant 6). */
  judgeReadings(): void {
    for (const [id, seen] of this.#seen) {
      const log = this.#parts.runs.get(id)?.log ?? [];
      const isPrefix = seen.every((event, index) => event === nameOf(log[index]));
      must(isPrefix, "6", () => `a reader saw of ${id} what its log does not hold: ${seen.slice(0, 50)}`);
    }
  }

  #doAt(atMs: number, work: () => Promise<void>): void {
    this.#open += 1;
    this.#parts.timeline.at(atMs, this.#owner, () => {
      work()
        .catch(this.#parts.onViolation)
        .finally(() => {
          this.#open -= 1;
        });
    });
  }

  async #do(command: Command, run: RunScript): Promise<void> {
    switch (command.type) {
      case "cancel":
        return this.#cancel(run);
      case "pause":
      case "resume":
        return void (await this.#ask(run, { type: command.type }));
      case "signal":
        return void (await this.#ask(run, { type: "signal", name: command.name, payload: command.payload }));
      case "decide":
        return this.#decide(run, command);
      case "patch":
        return this.#patch(run, command);
      case "revert_patch":
      case "decide_patch":
        return this.#judgePatch(run, command);
      case "replay_node":
        return this.#replayNode(run, command);
      case "read":
        return this.#read(run, command.limit);
      case "wait":
        return this.#wait(run, command.waitMs);
      case "start_again":
        return this.#startAgain(run, command.otherBody);
      case "forge":
        return this.#forge(run, command);
    }
  }

  async #start(run: RunScript): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const reply = await this.#tryStart(run, attempt, "h");
      if (reply === null) continue;
      must("run" in reply, "3", () => `the start of ${run.name} is answered with ${reply.outcome}`);
      this.#accept(run, reply.run);
      return;
    }
  }

  /** One call, or two when the shard has never seen the definition; null when the answer did not come. */
  async #tryStart(run: RunScript, attempt: number, bodyHash: string) {
    const { scenario, choices } = this.#parts;
    const definition = (scenario.workflows[run.workflow] ?? { nodes: [], edges: [] }) as unknown as JsonObject;
    const request: StartRequest = {
      run_id: this.#idOf(run, run.key === undefined ? 0 : attempt),
      workflow: "simulated",
      artifact_id: `sha256:${run.workflow}`,
      inputs: run.inputs,
      labels: {},
      priority: 3,
      trigger: "api",
      wait_ms: choices.chance(`waits/${run.name}`, 0.2) ? 2_000 : 0,
      ...(run.key === undefined ? {} : { idempotency: { key: run.key, body_hash: bodyHash } }),
    };
    try {
      const first = choices.chance(`brings/${run.name}`, 0.5) ? { ...request, definition } : request;
      const reply = await this.#call(run, (shard) => shard.start(TENANT, first));
      if (reply.outcome !== "definition_needed") return reply;
      return await this.#call(run, (shard) => shard.start(TENANT, { ...request, definition }));
    } catch {
      await this.#pause();
      return null;
    }
  }

  async #startAgain(run: RunScript, otherBody: boolean): Promise<void> {
    if (!this.#accepted.has(run.name)) return;
    for (let attempt = 100; ; attempt++) {
      const reply = await this.#tryStart(run, attempt, otherBody ? "other" : "h");
      if (reply === null) continue;
      if (otherBody)
        must(reply.outcome === "key_conflict", "3", () => `another body under ${run.key} is ${reply.outcome}`);
      else {
        must("run" in reply, "3", () => `the same start of ${run.name} is answered with ${reply.outcome}`);
        this.#accept(run, reply.run);
      }
      return;
    }
  }

  #accept(run: RunScript, view: RunView): void {
    const known = this.#accepted.get(run.name);
    must(known === undefined || known === view.run_id, "3", () => `${run.name} is ${known} and ${view.run_id}`);
    this.#accepted.set(run.name, view.run_id);
    this.#judge(view);
  }

  /** What a client is shown must be what the log says, and an end is the end. */
  #judge(view: RunView): void {
    const run = this.#parts.runs.get(view.run_id);
    must(run !== undefined, "1", () => `${view.run_id} was shown, and no log holds it`);
    must(
      run.statuses.includes(view.status),
      "views",
      () => `${view.run_id} is shown as ${view.status}, which it never was`,
    );
    if (view.ended_at === null || run.generation > 1) return;
    must(run.status === view.status, "2", () => `${view.run_id} is shown as ${view.status}, and it is ${run.status}`);
    if (view.outputs === undefined) return;
    const isRight = isEqualJson(view.outputs, run.outputs());
    must(isRight, "views", () => `${view.run_id} shows the outputs ${JSON.stringify(view.outputs).slice(0, 300)}`);
  }

  async #cancel(run: RunScript): Promise<void> {
    const id = this.#accepted.get(run.name);
    if (id === undefined) return;
    const reply = await this.#insist(run, (shard) => shard.command(TENANT, id, { type: "cancel", reason: "enough" }));
    must(reply !== null, "1", () => `${id} was accepted and is not there to be cancelled`);
    const status = this.#parts.runs.get(id)?.status;
    // It may have been replayed since.
    const hasEnded = this.#parts.runs.get(id)?.log.some((event) => ENDS.has(event.type)) === true;
    must(hasEnded, "2", () => `${id} was cancelled and is ${status}`);
    if (reply.outcome === "done") this.#judge(reply.run);
  }

  /** Anything that a run may refuse when it is too late for it; a repetition of a lost call is refused too. */
  async #ask(run: RunScript, command: RunCommand): Promise<CommandReply | null> {
    const id = this.#accepted.get(run.name);
    if (id === undefined) return null;
    const reply = await this.#insist(run, (shard) => shard.command(TENANT, id, command));
    must(reply !== null, "1", () => `${id} was accepted and is not there to be asked`);
    if (reply.outcome === "done") this.#judge(reply.run);
    return reply;
  }

  async #decide(run: RunScript, command: Extract<Command, { type: "decide" }>): Promise<void> {
    const id = this.#accepted.get(run.name);
    if (id === undefined) return;
    const approvals = (await this.#insist(run, (shard) => shard.approvals(TENANT, id))) ?? [];
    const { approval_id } = approvals[command.which % Math.max(1, approvals.length)] ?? {};
    if (approval_id === undefined) return;
    const { voter, decision } = command;
    const reply = await this.#ask(run, { type: "decide", approval_id, voter, decision, comments: null });
    if (reply?.outcome !== "done") return;
    const log = this.#parts.runs.get(id)?.log ?? [];
    const isKept = log.some(
      (event) => event.type === "approval.voted" && event.approval_id === approval_id && event.key === voter,
    );
    must(isKept, "7", () => `the vote of ${voter} on ${approval_id} was taken and is not in the log`);
  }

  async #patch(run: RunScript, { how, which, atMs }: Extract<Command, { type: "patch" }>): Promise<void> {
    const model = this.#parts.runs.get(this.#accepted.get(run.name) ?? "");
    if (model === undefined) return;
    const by = `patch-${atMs}-${which}`;
    const operations = operationsOf(model, how, which, `p${atMs}`);
    const common = { operations, description: null, by, if_match: null };
    if (which % 4 === 0) await this.#ask(run, { type: "patch", ...common, by: `dry-${by}`, dry_run: true });
    const reply = await this.#ask(run, { type: "patch", ...common, dry_run: false });
    const log = this.#parts.runs.get(model.runId)?.log ?? [];
    const proposed = log.filter((event) => event.type === "patch.proposed").map((event) => event.by);
    must(!proposed.includes(`dry-${by}`), "8", () => `a patch of ${model.runId} that was only tried is in its log`);
    const isKept = proposed.includes(by);
    must(reply?.outcome !== "done" || isKept, "8", () => `a patch of ${model.runId} was taken and is not in its log`);
    must(how !== "wrong" || !isKept, "8", () => `a patch of ${model.runId} is wrong and was taken`);
  }

  async #judgePatch(
    run: RunScript,
    command: Extract<Command, { type: "revert_patch" | "decide_patch" }>,
  ): Promise<void> {
    const model = this.#parts.runs.get(this.#accepted.get(run.name) ?? "");
    const isMeant = command.type === "revert_patch" ? "applied" : "proposed";
    const seq = 1 + (model?.patches.findLastIndex(({ status }) => status === isMeant) ?? -1);
    if (seq === 0) return;
    if (command.type === "revert_patch") await this.#ask(run, { type: "revert_patch", seq, by: "me", if_match: null });
    else await this.#ask(run, { type: "decide_patch", seq, decision: command.decision, comments: null, by: "me" });
  }

  async #replayNode(run: RunScript, command: Extract<Command, { type: "replay_node" }>): Promise<void> {
    const model = this.#parts.runs.get(this.#accepted.get(run.name) ?? "");
    if (model === undefined) return;
    const ran = [...model.nodes.values()].filter(({ id, visit }) => visit > 0 && !id.includes("["));
    const node = ran[command.which % Math.max(1, ran.length)]?.id ?? "nobody";
    const isHttp = model.definition.nodes.get(node)?.type === "http";
    const config = command.override && isHttp ? { config: { payload: { again: true } } } : {};
    await this.#ask(run, { type: "replay_node", node, reason: null, force: command.force, by: "me", ...config });
  }

  async #wait(run: RunScript, waitMs: number): Promise<void> {
    const id = this.#accepted.get(run.name);
    if (id === undefined) return;
    const view = await this.#insist(run, (shard) => shard.waitForEnd(TENANT, id, waitMs));
    must(view !== null, "1", () => `${id} was accepted and is not there to be waited for`);
    this.#judge(view);
  }

  async #details(run: RunScript): Promise<void> {
    const id = this.#accepted.get(run.name);
    if (id === undefined) return;
    const details = await this.#insist(run, (shard) => shard.details(TENANT, id));
    must(details !== null, "1", () => `${id} was accepted and has no details`);
    this.#judge(details);
    const model = this.#parts.runs.get(id);
    for (const [node, execution] of Object.entries(details.node_executions)) {
      const known = model?.nodes.get(node);
      const isRight = execution.status === (known?.status ?? "pending") && execution.visit === (known?.visit ?? 0);
      must(isRight, "views", () => `${node} of ${id} is shown as ${execution.status}, visit ${execution.visit}`);
    }
    await this.#insist(run, (shard) => shard.explain(TENANT, id));
  }

  async #read(run: RunScript, limit: number): Promise<void> {
    const id = this.#accepted.get(run.name);
    if (id === undefined) return;
    const seen = this.#seen.get(id) ?? [];
    for (let after = 0; ; ) {
      const from = after;
      const page = await this.#insist(run, (shard) => shard.events(TENANT, id, from, limit));
      must(page !== null, "1", () => `${id} was accepted and has no events`);
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

  async #forge(run: RunScript, about: { node: string; visit: number; attempt: number }): Promise<void> {
    const id = this.#accepted.get(run.name);
    if (id === undefined) return;
    const times = { sent_at: 0, start_time: 0, end_time: 0 };
    const metrics = { worker: "http-worker" as const, ...times, bytes_in: 0, bytes_out: 0, system: {} };
    const address = { run_id: id, path: about.node, visit: about.visit, attempt: about.attempt };
    const result = { tenant: TENANT, ...address, outcome: { ok: true as const, output: { v: 5 } }, metrics };
    await this.#insist(run, (shard) => shard.tasksEnded([result]));
  }

  #idOf(run: RunScript, attempt: number): string {
    const { scenario } = this.#parts;
    const number = scenario.runs.indexOf(run) * 1_000 + attempt;
    const ulid = `${encodeTime(run.atMs + 1)}${String(number).padStart(16, "0")}`;
    return runId({ region: "xx", shard: run.shard }, ulid);
  }

  #call<Value>(run: RunScript, ask: Ask<Value>): Promise<Value> {
    return this.#parts.shards.call({ region: "xx", shard: run.shard }, ask);
  }

  /** Asks until there is an answer. */
  async #insist<Value>(run: RunScript, ask: Ask<Value>): Promise<Value> {
    for (;;) {
      try {
        return await this.#call(run, ask);
      } catch {
        await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, AGAIN_MS);
    });
  }
}

function nameOf(event: RunEvent | undefined): string {
  return event === undefined ? "" : `${event.seq} ${event.type} ${"node" in event ? (event.node ?? "") : ""}`;
}
