/** What a worker may see of the run around its task, for tasks whose config does not say it all. Reads; never decides. */
import type { Json, JsonObject } from "#kernel/json.ts";
import { isShadow } from "./shadow.ts";
import type { RunState } from "./state.ts";
import type { TaskAddress } from "./task.ts";
import { type EngineContext, Transition } from "./transition.ts";

export interface TaskScope {
  /** The workflow as it is now. */
  definition: JsonObject;
  inputs: Json;
  /** The node's own input. */
  input: Json;
  /** Outputs of nodes that have completed, as far as they fit. */
  outputs: JsonObject;
  /** Runs above this one. */
  depth: number;
  labels: Record<string, string>;
  priority: number;
  /** What would change something outside is recorded instead of done. */
  shadow: boolean;
}

/** Bytes of all outputs together: they travel in one answer. */
export const SCOPE_OUTPUT_BYTES_MAX = 8 * 1_048_576;

/** Null when nobody waits for the task any more. */
export function taskScope(state: RunState, address: TaskAddress, context: EngineContext): TaskScope | null {
  const node = state.nodes.get(address.path);
  if (node === undefined || node.visit !== address.visit || node.attempt !== address.attempt) return null;
  if (node.status !== "queued" && node.status !== "running") return null;
  const transition = new Transition(state, context);
  const { graph, scope } = transition;
  const outputs: JsonObject = {};
  let bytes = 0;
  for (const id of graph.nodes.keys()) {
    const output = state.nodes.get(id)?.output;
    if (output === null || output === undefined) continue;
    bytes += "stored_bytes" in output ? output.stored_bytes : 0;
    if (bytes > SCOPE_OUTPUT_BYTES_MAX) break;
    outputs[id] = scope.output(id);
  }
  return {
    definition: graph.definition as unknown as JsonObject,
    inputs: scope.inputs,
    input: scope.input(transition.node(address.path)),
    outputs,
    depth: state.depth,
    labels: state.labels,
    priority: state.priority,
    shadow: isShadow(state),
  };
}
