/** What becomes of a node whose edges are resolved: it starts by its kind, or is passed over. */
import { startInline, startTask } from "./attempts.ts";
import { emitStarted } from "./beginning.ts";
import { failNode, resolve, routeOf } from "./ending.ts";
import type { Transition } from "./transition.ts";
import { startWaiting } from "./waiting/start.ts";

/** Starts a node that rule 4 says is ready. */
export function start(transition: Transition, path: string): void {
  const { type } = transition.node(path);
  const visit = transition.nodeState(path).visit + 1;
  if (type.status !== "available") passOver(transition, path);
  else if (type.kind === "task") startTask(transition, path, visit);
  else if (type.kind === "waiting") startWaiting(transition, path, visit);
  else startInline(transition, path, visit);
}

/** A node that none of its edges leads to (dead-path elimination). */
export function skip(transition: Transition, path: string): void {
  transition.emit({ type: "node.skipped", ...skippedIdentity(transition, path), reason: "dead_path" });
  resolve(transition, path, { taken: [], dead: transition.node(path).outgoing });
}

/** A node whose type this installation does not offer: skipped with a warning, and the run goes on. */
function passOver(transition: Transition, path: string): void {
  const { type } = transition.node(path);
  const message = `node type "${type.type}" is not available here; the node was skipped`;
  transition.emit({ type: "warning", code: "node_type_unavailable", message, node: path });
  const route = routeOf(transition, path, "success", null);
  if (!route.ok) {
    emitStarted(transition, path, transition.nodeState(path).visit + 1, 1);
    failNode(transition, path, route.error);
    return;
  }
  transition.emit({ type: "node.skipped", ...skippedIdentity(transition, path), reason: "unavailable" });
  resolve(transition, path, route.value);
}

function skippedIdentity(transition: Transition, path: string) {
  return transition.newIdentity(path, transition.nodeState(path).visit, 0);
}
