/**
 * The walk over the graph: looks at the nodes on a transition's list, starts those that are ready (rule 4), skips those
 * that never will be, lets maps go on, and ends the run when nothing can run any more (rule 7).
 */
import { nodeOf } from "./path.ts";
import { skip, start } from "./starting.ts";
import { isTerminal } from "./state.ts";
import type { Transition } from "./transition.ts";
import { advanceItems, canAdvance } from "./waiting/items.ts";

/** `advance`: a map that can go on. */
type Readiness = "ready" | "advance" | "dead" | "not_yet";

/** Works the list off and ends the run when nothing can run any more. */
export function settle(transition: Transition): void {
  const { state } = transition;
  if (!workOff(transition)) return;
  if (state.active.size === 0 && state.failing === null) {
    // An earlier transition may have been cut, and its list with it: only the graph says that nothing is left.
    transition.visitAll();
    if (!workOff(transition)) return;
  }
  if (isTerminal(state.status) || state.active.size > 0) return;
  if (state.status === "paused" && state.failing === null) return;
  const error = state.failing ?? state.unhandled.values().next().value;
  if (error === undefined) transition.emit({ type: "run.completed" });
  else transition.emit({ type: "run.failed", error });
}

/** False when a bound cut the work (rule 8). */
function workOff(transition: Transition): boolean {
  for (let path = transition.next(); path !== undefined; path = transition.next()) {
    const { status, failing } = transition.state;
    if (failing !== null || status === "paused" || isTerminal(status)) {
      transition.forgetList();
      break;
    }
    const readiness = readinessOf(transition, path);
    if (readiness === "not_yet") continue;
    if (transition.isFull) {
      transition.effects.push({ type: "continue" });
      return false;
    }
    transition.countVisit();
    if (readiness === "ready") start(transition, path);
    else if (readiness === "advance") advanceItems(transition, path);
    else skip(transition, path);
  }
  return true;
}

/** Rule 4: ready, never to run, or still undecided. Only a node that has not started can be either (invariant 5). */
function readinessOf(transition: Transition, path: string): Readiness {
  const node = transition.graph.nodes.get(nodeOf(path));
  if (node === undefined) return "not_yet";
  const state = transition.nodeState(path);
  if (canAdvance(state)) return "advance";
  if (state.status !== "pending") return "not_yet";
  if (node.incoming.length === 0 || state.again) return "ready";
  if (node.join === "any" && state.taken > 0) return "ready";
  if (state.resolved < node.incoming.length) return "not_yet";
  return state.taken > 0 ? "ready" : "dead";
}
