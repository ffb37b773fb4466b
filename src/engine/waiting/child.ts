/** The `workflow` node: until the child run that it starts has ended. A failed child fails the node. */
import { type NodeError, nodeError } from "#kernel/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import { complete, failAttempt } from "../ending.ts";
import type { ParentOf, ReplayOf } from "../events.ts";
import { CHILD_LOOK_MS, CHILD_LOOK_MS_MAX, DEPTH_MAX } from "../limits.ts";
import { seededUlid } from "../random.ts";
import { renderConfig } from "../render-config.ts";
import { isShadow } from "../shadow.ts";
import type { RunState } from "../state.ts";
import type { Transition } from "../transition.ts";
import { beginWait, failAtOnce } from "./begin.ts";

/** A child run as its parent asks for it: the same however often it is asked for. */
export interface ChildRequest {
  run_id: string;
  tenant: string;
  /** A tag or an artifact id. */
  workflow: string;
  inputs: JsonObject;
  labels: Record<string, string>;
  priority: number;
  parent: ParentOf;
  depth: number;
  replay_of?: ReplayOf;
}

export type ChildOutcome = { ok: true; output: Json } | { ok: false; error: NodeError };

export interface ChildEnd {
  path: string;
  visit: number;
  child: string;
  outcome: ChildOutcome;
}

/** A run id is its shard's prefix and a ULID: children live with their parent. */
const SHARD_PREFIX_LENGTH = "run_xx000".length;

export function startChild(transition: Transition, path: string, visit: number, config: JsonObject): void {
  const { state, nowMs } = transition;
  if (state.depth >= DEPTH_MAX) {
    const message = `runs may be started by runs at most ${DEPTH_MAX} deep`;
    failAtOnce(transition, path, visit, nodeError("child_failed", message, { details: { depth: state.depth } }));
    return;
  }
  const ulid = seededUlid(nowMs, `${state.run_id}/${path}/${visit}`);
  const wait = { kind: "child" as const, run_id: state.run_id.slice(0, SHARD_PREFIX_LENGTH) + ulid };
  beginWait(transition, path, visit, wait, { timer: "child_look", due_at: nowMs + CHILD_LOOK_MS });
  transition.effects.push({ type: "child", request: childRequest(transition, path, visit, wait.run_id, config) });
}

function childRequest(
  transition: Transition,
  path: string,
  visit: number,
  childId: string,
  config: JsonObject,
): ChildRequest {
  const { run_id, tenant, labels, priority, depth } = transition.state;
  const input = config.inputs ?? transition.scope.input(transition.node(path));
  return {
    run_id: childId,
    tenant,
    workflow: String(config.workflow),
    inputs: isJsonObject(input) ? input : {},
    labels,
    priority,
    parent: { run_id, path, visit },
    depth: depth + 1,
    ...(isShadow(transition.state) ? { replay_of: { run_id, mode: "shadow" as const, from: null } } : {}),
  };
}

/** Sees to it again that the child is there, in case what asked for it, or told of its end, was lost. */
export function lookAfterChild(transition: Transition, path: string): void {
  const { wait, visit, started_at: since } = transition.nodeState(path);
  if (wait?.kind !== "child") return;
  const config = renderConfig(transition.node(path), transition.scope);
  if (!config.ok) return;
  const waited = transition.nowMs - (since ?? transition.nowMs);
  const due_at = transition.nowMs + Math.min(Math.max(CHILD_LOOK_MS, waited), CHILD_LOOK_MS_MAX);
  transition.emit({ type: "timer.set", node: path, visit, timer: "child_look", due_at });
  const request = childRequest(transition, path, visit, wait.run_id, config.value);
  transition.effects.push({ type: "child", request });
}

/** Whether that visit of the node still waits for this child: only then may it begin, and only then is its end told. */
export function waitsForChild(state: RunState, { path, visit, child }: Omit<ChildEnd, "outcome">): boolean {
  const node = state.nodes.get(path);
  if (node === undefined || node.status !== "waiting" || node.visit !== visit) return false;
  return node.wait?.kind === "child" && node.wait.run_id === child;
}

/** True when the node still waits for this child. */
export function takeChildEnd(transition: Transition, { outcome, ...end }: ChildEnd): boolean {
  const { path } = end;
  if (!waitsForChild(transition.state, end)) return false;
  if (outcome.ok) complete(transition, path, outcome.output);
  else failAttempt(transition, path, outcome.error);
  return true;
}
