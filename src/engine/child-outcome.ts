/** What a run that another one started tells it at its end. */
import { nodeError } from "#kernel/errors.ts";
import type { JsonObject } from "#kernel/json.ts";
import type { CompiledGraph } from "#workflow/graph.ts";
import type { Scope } from "./scope.ts";
import type { RunState } from "./state.ts";
import type { ChildOutcome } from "./waiting/child.ts";

/** A child's message carries that of its own child, and so on. */
const MESSAGE_LENGTH_MAX = 500;

export function childOutcome(state: RunState, graph: CompiledGraph, scope: Scope): ChildOutcome {
  if (state.status !== "completed") {
    const because =
      state.error === null ? "" : ` at "${state.error.node}" (${state.error.code}): ${state.error.message}`;
    const details = { run_id: state.run_id, status: state.status, code: state.error?.code ?? null };
    const message = `the run ${state.status}${because}`.slice(0, MESSAGE_LENGTH_MAX);
    return { ok: false, error: nodeError("child_failed", message, { details }) };
  }
  const output: JsonObject = {};
  for (const id of graph.terminals) if (state.nodes.get(id)?.status === "completed") output[id] = scope.output(id);
  return { ok: true, output };
}
