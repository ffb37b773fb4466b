/**
 * Runs that an attempt of an agent has others do: started beside the agent's own run, waited for, and cancelled when the
 * attempt ends before they do. The same request of another attempt finds the same run.
 */
import { DELEGATIONS_MAX } from "#agent/limits.ts";
import type { ReplayOf } from "#engine/events.ts";
import { DEPTH_MAX } from "#engine/limits.ts";
import type { TaskAddress } from "#engine/task.ts";
import type { TaskScope } from "#engine/task-scope.ts";
import type { RunView } from "#engine/view.ts";
import { fail, ok, type Result } from "#kernel/errors.ts";
import { runId, runIdTime, type ShardAddress, ulidFrom } from "#kernel/ids.ts";
import { canonicalJson, type Json, type JsonObject } from "#kernel/json.ts";
import { checkInputs } from "#workflow/inputs.ts";
import { sha256 } from "./content-address.ts";
import type { StartRequest } from "./shard/protocol.ts";
import type { Shards } from "./shards.ts";
import type { Workflows } from "./workflows.ts";

/** A shard is asked this long at a time, not more often than this, and whether the agent is still wanted as often. */
const WAIT_MS = 5_000;
const PAUSE_MS = 500;

export interface DelegationsParts {
  tenant: string;
  /** The agent's attempt, and its run's shard, where its children live too. */
  task: TaskAddress;
  shard: ShardAddress;
  scope: Pick<TaskScope, "depth" | "labels" | "priority" | "shadow">;
  shards: Shards;
  workflows: Workflows;
  signal: AbortSignal;
  /** Whether the run still waits for the attempt. */
  isWanted(): Promise<boolean>;
}

export class Delegations {
  readonly #parts: DelegationsParts;
  /** Runs of this attempt that have not ended as far as it knows. */
  readonly #open = new Set<string>();
  #count = 0;

  constructor(parts: DelegationsParts) {
    this.#parts = parts;
  }

  /** The outputs of the workflow's run; the error is for the model. */
  async delegate(workflow: string, inputs: JsonObject): Promise<Result<Json, string>> {
    const { scope, tenant, workflows } = this.#parts;
    if (scope.depth >= DEPTH_MAX) return fail(`runs may be started by runs at most ${DEPTH_MAX} deep`);
    if (this.#count >= DELEGATIONS_MAX) return fail(`an agent hands on work at most ${DELEGATIONS_MAX} times`);
    this.#count += 1;
    const found = await workflows.find(tenant, workflow);
    if (found === null) return fail(`there is no workflow "${workflow}"; search_tools finds those that there are`);
    const problems = found.definition.inputs === undefined ? [] : checkInputs(found.definition.inputs, inputs);
    if (problems.length > 0) {
      const details = problems.slice(0, 10).map(({ pointer, message }) => `${pointer}: ${message}`);
      return fail(`the inputs do not fit the schema of "${workflow}": ${details.join("; ")}`);
    }
    const run = await this.#start(found.artifactId, found.tag, found.definition as unknown as JsonObject, inputs);
    if (run === null) return fail("too many runs are under way; try again later, or do without");
    return outcomeOf(await this.#end(run));
  }

  /** To be called when the attempt has ended: nobody waits for its children any more. */
  async close(): Promise<void> {
    const { shard, shards, tenant } = this.#parts;
    const command = { type: "cancel" as const, reason: "the agent that asked for it does not wait for it any more" };
    await Promise.allSettled(
      [...this.#open].map((id) => shards.call(shard, (stub) => stub.command(tenant, id, command))),
    );
    this.#open.clear();
  }

  /**
   * The run of this very request. One that an earlier attempt left unfinished or completed is taken up; one that failed,
   * or was cancelled with its attempt, is followed by another.
   */
  async #start(
    artifactId: string,
    tag: string | null,
    definition: JsonObject,
    inputs: JsonObject,
  ): Promise<RunView | null> {
    const { shard, shards, tenant, scope, task } = this.#parts;
    const { run_id, path, visit } = task;
    const replay: { replay_of?: ReplayOf } = scope.shadow ? { replay_of: { run_id, mode: "shadow", from: null } } : {};
    const request: Omit<StartRequest, "run_id"> = {
      workflow: tag,
      artifact_id: artifactId,
      definition,
      inputs,
      labels: scope.labels,
      priority: scope.priority,
      trigger: "agent",
      wait_ms: 0,
      parent: { run_id, path, visit },
      depth: scope.depth + 1,
      ...replay,
    };
    for (let number = 1; ; number++) {
      const id = await childId(shard, task, [tag ?? artifactId, inputs], number);
      const known = await shards.call(shard, (stub) => stub.run(tenant, id));
      if (known !== null) {
        const isOver = known.ended_at !== null && known.status !== "completed";
        if (isOver && number < DELEGATIONS_MAX) continue;
        return known;
      }
      this.#open.add(id);
      const reply = await shards.call(shard, (stub) => stub.start(tenant, { ...request, run_id: id }));
      return "run" in reply ? reply.run : null;
    }
  }

  async #end(started: RunView): Promise<RunView> {
    const { shard, shards, signal, tenant, isWanted } = this.#parts;
    let run = started;
    this.#open.add(run.run_id);
    while (run.ended_at === null) {
      signal.throwIfAborted();
      const askedAt = Date.now();
      run = (await shards.call(shard, (stub) => stub.waitForEnd(tenant, run.run_id, WAIT_MS))) ?? run;
      if (run.ended_at !== null) break;
      if (!(await isWanted())) throw new Error("the run does not want the agent any more");
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, askedAt + PAUSE_MS - Date.now())));
    }
    this.#open.delete(run.run_id);
    return run;
  }
}

/** The same for the same request of every attempt of a visit. */
async function childId(shard: ShardAddress, task: TaskAddress, request: Json, number: number): Promise<string> {
  const { run_id, path, visit } = task;
  const digest = await sha256(canonicalJson([run_id, path, visit, request, number]));
  return runId(shard, ulidFrom(runIdTime(run_id), digest));
}

function outcomeOf(run: RunView): Result<Json, string> {
  if (run.status === "completed") return ok((run.outputs ?? {}) as Json);
  const because = run.error === undefined ? "" : ` at "${run.error.node}" (${run.error.code}): ${run.error.message}`;
  return fail(`the run ${run.run_id} ${run.status}${because}`.slice(0, 1_000));
}
