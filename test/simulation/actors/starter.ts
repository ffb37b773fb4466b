/** Starts runs until they are taken, starts them again, and has them replayed as new ones. */
import { encodeTime } from "ulid";
import { runId } from "#kernel/ids.ts";
import type { JsonObject } from "#kernel/json.ts";
import type { ReplayReply, ReplayRequest, StartReply, StartRequest } from "#store/shard/protocol.ts";
import { must } from "../model/violation.ts";
import { artifactId, tagOf } from "../scenario/artifacts.ts";
import type { Command, RunScript } from "../scenario/scenario.ts";
import { type Connection, GoneError, TENANT } from "./connection.ts";

/** Numbers of attempts: those of starts that are repeated, and of replays, are told apart from those of starts. */
const AGAIN_FROM = 100;
const REPLAY_FROM = 500;

export class Starter {
  readonly #connection: Connection;
  #replays = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async start(run: RunScript): Promise<void> {
    const reply = await this.#insist(run, 0, "h");
    must("run" in reply, "3", () => `the start of ${run.name} is answered with ${reply.outcome}`);
    this.#connection.accept(run.name, reply.run, run.shard);
  }

  async startAgain(run: RunScript, otherBody: boolean): Promise<void> {
    if (!this.#connection.accepted.has(run.name)) return;
    const reply = await this.#insist(run, AGAIN_FROM, otherBody ? "other" : "h");
    if (otherBody) {
      must(reply.outcome === "key_conflict", "3", () => `another body under ${run.key} is ${reply.outcome}`);
      return;
    }
    must("run" in reply, "3", () => `the same start of ${run.name} is answered with ${reply.outcome}`);
    this.#connection.accept(run.name, reply.run, run.shard);
  }

  async #insist(run: RunScript, from: number, bodyHash: string): Promise<StartReply> {
    for (let attempt = from; ; attempt++) {
      try {
        return await this.#tryStart(run, attempt, bodyHash);
      } catch {
        if (this.#isWrecked(run)) throw new GoneError();
        await this.#connection.pause();
      }
    }
  }

  /** A run of this script is there and cannot be read any more. */
  #isWrecked(run: RunScript): boolean {
    const { runs, scenario } = this.#connection.parts;
    const number = scenario.runs.indexOf(run);
    return [...runs.values()].some(
      ({ runId: id, isWrecked }) => isWrecked && Math.floor(Number(id.slice(-16)) / 1_000) === number,
    );
  }

  /** One call, or two when the shard has never seen the definition. */
  async #tryStart(run: RunScript, attempt: number, bodyHash: string): Promise<StartReply> {
    const { choices } = this.#connection.parts;
    const definition = this.#definition(run.workflow);
    const request: StartRequest = {
      run_id: this.#idOf(run, run.key === undefined ? 0 : attempt),
      workflow: tagOf(run.workflow),
      artifact_id: artifactId(run.workflow),
      inputs: run.inputs,
      labels: {},
      priority: 3,
      trigger: "api",
      wait_ms: choices.chance(`waits/${run.name}`, 0.2) ? 2_000 : 0,
      ...(run.key === undefined ? {} : { idempotency: { key: run.key, body_hash: bodyHash } }),
    };
    const first = choices.chance(`brings/${run.name}`, 0.5) ? { ...request, definition } : request;
    const reply = await this.#connection.call(run.shard, (shard) => shard.start(TENANT, first));
    if (reply.outcome !== "definition_needed") return reply;
    return this.#connection.call(run.shard, (shard) => shard.start(TENANT, { ...request, definition }));
  }

  /** A new run in the place of one that is there, of all of it or from a node on. */
  async replay(run: RunScript, command: Extract<Command, { type: "replay_run" }>): Promise<void> {
    const target = this.#connection.target(run, command.of);
    const model = target === null ? undefined : this.#connection.model(target);
    if (target === null || model === undefined) return;
    const { mode, which, version } = command;
    const ids = [...model.definition.nodes.keys()];
    const from = command.fromNode ? ids[which % ids.length] : undefined;
    const request: ReplayRequest = {
      run_id: this.#idOf(run, REPLAY_FROM + this.#replays++),
      mode,
      by: "me",
      ...(from === undefined ? {} : { from }),
      ...(version === null ? {} : { artifact_id: artifactId(version), workflow: tagOf(version) }),
      ...(command.inputs ? { inputs: { n: which % 10 } } : {}),
    };
    const reply = await this.#connection.insist(target, (shard) => shard.replayRun(TENANT, target.id, request));
    const definition = version === null ? undefined : this.#definition(version);
    const isNeeded = reply.outcome === "definition_needed" && definition !== undefined;
    const whole = { ...request, ...(isNeeded ? { definition } : {}) };
    const answer = isNeeded
      ? await this.#connection.insist(target, (shard) => shard.replayRun(TENANT, target.id, whole))
      : reply;
    this.#judgeReplay(run, target.id, request, answer);
  }

  #judgeReplay(run: RunScript, of: string, request: ReplayRequest, reply: ReplayReply): void {
    const { run_id: id, from, mode, inputs } = request;
    const source = this.#connection.parts.runs.get(of);
    if (reply.outcome !== "started") {
      const isOpen = from !== undefined || mode === "freeze";
      const mayBe = (mode === "freeze" && from === undefined) || (inputs !== undefined && isOpen);
      const isAbsent = from !== undefined && this.#isAbsent(of, from, request.artifact_id);
      const isRight = reply.outcome === "refused" && (mayBe || isAbsent);
      must(isRight, "9", () => `a replay of ${of} is answered with ${JSON.stringify(reply)}`);
      return;
    }
    this.#connection.accept(`${run.name}/${id}`, reply.run, run.shard);
    const isTold = source?.log.some((event) => event.type === "replay.requested" && event.run_id === id) === true;
    must(isTold, "9", () => `${of} is replayed as ${id} and does not say so`);
  }

  /** A patch may have brought the node: the replay is of the workflow as it was saved. */
  #isAbsent(of: string, from: string, artifact: string | undefined): boolean {
    if (artifact === undefined) return this.#connection.parts.runs.get(of)?.base.nodes.has(from) === false;
    const { workflows } = this.#connection.parts.scenario;
    const workflow = workflows.find((_, index) => artifactId(index) === artifact);
    return workflow?.nodes.some(({ id }) => id === from) === false;
  }

  #definition(workflow: number): JsonObject {
    const { workflows } = this.#connection.parts.scenario;
    return (workflows[workflow] ?? { nodes: [], edges: [] }) as unknown as JsonObject;
  }

  #idOf(run: RunScript, attempt: number): string {
    const number = this.#connection.parts.scenario.runs.indexOf(run) * 1_000 + attempt;
    const ulid = `${encodeTime(run.atMs + 1)}${String(number).padStart(16, "0")}`;
    return runId({ region: "xx", shard: run.shard }, ulid);
  }
}
