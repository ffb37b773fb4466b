/** Begins runs in this shard: once for each id and key, as replays of others, as children. Called inside a commit. */
import type { RunRequest } from "#engine/plan.ts";
import type { PriorResults } from "#engine/prior-results.ts";
import { waitsForChild } from "#engine/waiting/child.ts";
import type { ApiErrorCode } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { Graphs } from "#store/shard/graphs.ts";
import type { IdempotencyKeys } from "#store/shard/idempotency.ts";
import type { ReplayReply, ReplayRequest, StartReply, StartRequest } from "#store/shard/protocol.ts";
import type { LoadedRun } from "#store/shard/run-log.ts";
import type { CompiledGraph } from "#workflow/graph.ts";
import { checkInputs } from "#workflow/inputs.ts";
import type { Commit } from "./commit-group.ts";
import type { RunReader } from "./run-reader.ts";
import type { Transitions } from "./transitions.ts";

export interface StartsParts {
  graphs: Graphs;
  keys: IdempotencyKeys;
  reader: RunReader;
  transitions: Transitions;
}

export class Starts {
  readonly #parts: StartsParts;

  constructor(parts: StartsParts) {
    this.#parts = parts;
  }

  /** The run under an idempotency key, if the shard knows the key. */
  byKey(tenant: string, key: string, bodyHash: string, nowMs: number): StartReply | null {
    const { keys, reader } = this.#parts;
    const known = keys.find(tenant, key, nowMs);
    if (known === null) return null;
    if (known.body_hash !== bodyHash) return { outcome: "key_conflict" };
    const run = reader.find(tenant, known.run_id);
    return run === null ? null : { outcome: "replayed", run: reader.view(run) };
  }

  once(tenant: string, request: StartRequest, commit: Commit): StartReply {
    const { keys, reader, transitions } = this.#parts;
    const { idempotency, definition, wait_ms: _, ...run } = request;
    const nowMs = Date.now();
    if (idempotency !== undefined) {
      const known = this.byKey(tenant, idempotency.key, idempotency.body_hash, nowMs);
      if (known !== null) return known;
    }
    // The caller repeats a call whose answer was lost with the object: then the run is there already.
    const existing = reader.find(tenant, request.run_id);
    if (existing !== null) return { outcome: "started", run: reader.view(existing) };
    const graph = this.#graph(tenant, request.artifact_id, definition, commit);
    if (graph === null) return { outcome: "definition_needed" };
    if (idempotency !== undefined) {
      const record = { run_id: request.run_id, body_hash: idempotency.body_hash };
      keys.remember(tenant, idempotency.key, record, nowMs);
    }
    const started = transitions.start({ ...run, tenant }, graph, commit);
    return { outcome: "started", run: reader.view(started) };
  }

  /** A run that another one asked for; nothing when it is there already, or its parent has gone on without it. */
  child(request: RunRequest, definition: JsonObject, commit: Commit): void {
    const { reader, transitions } = this.#parts;
    if (reader.find(request.tenant, request.run_id) !== null || !this.#isWaitedFor(request)) return;
    const graph = this.#graph(request.tenant, request.artifact_id, definition, commit);
    if (graph !== null) transitions.start(request, graph, commit);
  }

  /** Finding its workflow took time, in which the parent may have been cancelled. */
  #isWaitedFor({ parent, run_id: child }: RunRequest): boolean {
    const run = parent === undefined ? null : this.#parts.transitions.load(parent.run_id);
    return parent !== undefined && run !== null && waitsForChild(run.state, { ...parent, child });
  }

  /** A new run that replays `source`; both know of each other. */
  replay(source: LoadedRun, request: ReplayRequest, commit: Commit): ReplayReply {
    const { reader, transitions } = this.#parts;
    const { state } = source;
    const { run_id, mode, by } = request;
    const existing = reader.find(state.tenant, run_id);
    if (existing !== null) return { outcome: "started", run: reader.view(existing) };
    const own = transitions.graphOf(state);
    const artifactId = request.artifact_id ?? state.artifact_id;
    const graph = this.#graph(state.tenant, artifactId, request.definition, commit);
    if (graph === null) return { outcome: "definition_needed" };
    const fromFailed = mode === "freeze" || request.from_failed === true;
    const from = request.from ?? (fromFailed ? (state.error?.node ?? null) : null);
    const refusal = refusalOf(request, state.status, graph, from);
    if (refusal !== null) return refusal;
    const before = reader.view(source);
    const readStored = transitions.readStored(state.run_id);
    const prior: PriorResults | undefined = from === null ? undefined : { state, graph: own, readStored, from };
    const started = transitions.start(
      {
        run_id,
        tenant: state.tenant,
        workflow: request.workflow === undefined ? state.workflow : request.workflow,
        artifact_id: artifactId,
        inputs: request.inputs ?? before.inputs,
        labels: request.labels ?? state.labels,
        priority: state.priority,
        trigger: "replay",
        replay_of: { run_id: state.run_id, mode, from },
      },
      graph,
      commit,
      prior,
    );
    transitions.change(state.run_id, { type: "replayed_as", run_id, mode, from, by }, commit);
    return { outcome: "started", run: reader.view(started) };
  }

  /** The graph of an artifact, stored with the shard when it comes for the first time; null without its definition. */
  #graph(tenant: string, artifactId: string, definition: JsonObject | undefined, commit: Commit): CompiledGraph | null {
    const { graphs } = this.#parts;
    const known = graphs.get(tenant, artifactId);
    if (known !== null || definition === undefined) return known;
    commit.undo(() => graphs.forget(tenant, artifactId));
    return graphs.add(tenant, artifactId, definition);
  }
}

function refusalOf(
  request: ReplayRequest,
  status: string,
  graph: CompiledGraph,
  from: string | null,
): Extract<ReplayReply, { outcome: "refused" }> | null {
  const refuse = (code: ApiErrorCode, message: string, details?: Json) => ({
    outcome: "refused" as const,
    code,
    message,
    ...(details === undefined ? {} : { details }),
  });
  if (from === null && request.mode === "freeze") {
    return refuse("invalid", "the request has a problem", [
      { pointer: "/from", message: `the run is ${status}: say from which node on it is to run again` },
    ]);
  }
  if (from !== null && !graph.nodes.has(from)) {
    return refuse("invalid", "the request has a problem", [
      { pointer: "/from", message: `the workflow has no node "${from.slice(0, 100)}"` },
    ]);
  }
  if (request.inputs === undefined) return null;
  if (from !== null) {
    const message = "earlier results were found with the inputs of that run: replay it from its start to change them";
    return refuse("invalid", "the request has a problem", [{ pointer: "/inputs", message }]);
  }
  const schema = graph.definition.inputs;
  const problems = schema === undefined ? [] : checkInputs(schema, request.inputs);
  if (problems.length === 0) return null;
  return refuse("invalid", "the inputs do not fit the workflow's schema", problems as unknown as Json);
}
