/** The first events of a visit, and the warnings that come with judging conditions. */
import type { CompiledNode } from "#workflow/graph.ts";
import { nodeOf } from "./path.ts";
import type { Transition } from "./transition.ts";

/** The coordinator itself executes the attempt. */
export function emitStarted(transition: Transition, path: string, visit: number, attempt: number): void {
  const identity = transition.newIdentity(path, visit, attempt);
  const via = viaOf(transition, transition.node(path));
  transition.emit({ type: "node.started", ...identity, worker: "coordinator", ...via });
}

/** Which edge led to an `any` join. */
export function viaOf(transition: Transition, node: CompiledNode): { via?: string } {
  const { via } = transition.nodeState(nodeOf(node.id));
  return node.join === "any" && via !== null ? { via } : {};
}

export function warnOfMissing(transition: Transition, path: string, condition: string): void {
  const message = `condition "${condition.slice(0, 100)}" reads a field that is not there; it does not hold`;
  transition.emit({ type: "warning", code: "missing_field", message, node: path });
}
