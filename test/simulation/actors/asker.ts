/** What is asked of runs while they go on, and after: and what must stand in the log once it was answered. */
import type { RunCommand } from "#engine/commands/command.ts";
import type { CommandReply } from "#store/shard/protocol.ts";
import { must } from "../model/violation.ts";
import type { Command } from "../scenario/scenario.ts";
import { type Connection, type Target, TENANT } from "./connection.ts";
import { operationsOf } from "./patches.ts";

const ENDS: ReadonlySet<string> = new Set(["run.completed", "run.failed", "run.cancelled"]);

/** Runs that a forged result names besides its own, and a visit that none of their nodes has. */
const NEIGHBOURS_MAX = 4;
const NEVER = 99;

type CommandOf<Type extends Command["type"]> = Extract<Command, { type: Type }>;

export class Asker {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Anything that a run may refuse when it is too late for it; a repetition of a lost call is refused too. */
  async ask(target: Target, command: RunCommand): Promise<CommandReply> {
    const reply = await this.#connection.insist(target, (shard) => shard.command(TENANT, target.id, command));
    if (reply.outcome === "done") this.#connection.judge(reply.run);
    return reply;
  }

  async cancel(target: Target): Promise<void> {
    await this.ask(target, { type: "cancel", reason: "enough" });
    const run = this.#connection.model(target);
    // It may have been replayed since.
    const hasEnded = run?.log.some((event) => ENDS.has(event.type)) === true;
    must(hasEnded, "2", () => `${target.id} was cancelled and is ${run?.status}`);
  }

  async decide(target: Target, { voter, decision, which }: CommandOf<"decide">): Promise<void> {
    const approvals = await this.#connection.insist(target, (shard) => shard.approvals(TENANT, target.id));
    const { approval_id } = approvals[which % Math.max(1, approvals.length)] ?? {};
    if (approval_id === undefined) return;
    const reply = await this.ask(target, { type: "decide", approval_id, voter, decision, comments: null });
    if (reply.outcome !== "done") return;
    const log = this.#connection.model(target)?.log ?? [];
    const isKept = log.some(
      (event) => event.type === "approval.voted" && event.approval_id === approval_id && event.key === voter,
    );
    must(isKept, "7", () => `the vote of ${voter} on ${approval_id} was taken and is not in the log`);
  }

  async patch(target: Target, { how, which, atMs }: CommandOf<"patch">): Promise<void> {
    const model = this.#connection.model(target);
    if (model === undefined) return;
    const by = `patch-${atMs}-${which}`;
    const operations = operationsOf(model, how, which, `p${atMs}`);
    const common = { operations, description: null, by, if_match: null };
    if (which % 4 === 0) await this.ask(target, { type: "patch", ...common, by: `dry-${by}`, dry_run: true });
    const reply = await this.ask(target, { type: "patch", ...common, dry_run: false });
    const log = this.#connection.model(target)?.log ?? [];
    const proposed = log.filter((event) => event.type === "patch.proposed").map((event) => event.by);
    must(!proposed.includes(`dry-${by}`), "8", () => `a patch of ${model.runId} that was only tried is in its log`);
    const isKept = proposed.includes(by);
    must(reply.outcome !== "done" || isKept, "8", () => `a patch of ${model.runId} was taken and is not in its log`);
    must(how !== "wrong" || !isKept, "8", () => `a patch of ${model.runId} is wrong and was taken`);
  }

  async judgePatch(target: Target, command: CommandOf<"revert_patch" | "decide_patch">): Promise<void> {
    const isMeant = command.type === "revert_patch" ? "applied" : "proposed";
    const patches = this.#connection.model(target)?.patches ?? [];
    const seq = 1 + patches.findLastIndex(({ status }) => status === isMeant);
    if (seq === 0) return;
    if (command.type === "revert_patch")
      await this.ask(target, { type: "revert_patch", seq, by: "me", if_match: null });
    else await this.ask(target, { type: "decide_patch", seq, decision: command.decision, comments: null, by: "me" });
  }

  async replayNode(target: Target, { which, force, override }: CommandOf<"replay_node">): Promise<void> {
    const model = this.#connection.model(target);
    if (model === undefined) return;
    const ran = [...model.nodes.values()].filter(({ id, visit }) => visit > 0 && !id.includes("["));
    const node = ran[which % Math.max(1, ran.length)]?.id ?? "nobody";
    const isHttp = model.definition.nodes.get(node)?.type === "http";
    const config = override && isHttp ? { config: { payload: { again: true } } } : {};
    await this.ask(target, { type: "replay_node", node, reason: null, force, by: "me", ...config });
  }

  /** Results that nobody was asked for, of this run and its neighbours in one call: one that is wrong harms no other. */
  async forge(target: Target, { node, visit, attempt }: CommandOf<"forge">): Promise<void> {
    const { runs } = this.#connection.parts;
    const own = runs.get(target.id);
    const others = [...runs.values()].filter((run) => run !== own && run.shard === own?.shard).slice(0, NEIGHBOURS_MAX);
    const times = { sent_at: 0, start_time: 0, end_time: 0 };
    const metrics = { worker: "http-worker" as const, ...times, bytes_in: 0, bytes_out: 0, system: {} };
    const result = (runId: string, ofVisit: number) => ({
      tenant: TENANT,
      ...{ run_id: runId, path: node, visit: ofVisit, attempt },
      ...{ outcome: { ok: true as const, output: { v: 5 } }, metrics },
    });
    const results = [result(target.id, visit), ...others.map(({ runId }) => result(runId, NEVER))];
    await this.#connection.insist(target, (shard) => shard.tasksEnded(results));
  }
}
