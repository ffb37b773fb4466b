/** How an event of a node changes its state: visits, attempts, ends, and what a waiting node waits for. */
import { invariant } from "#kernel/errors.ts";
import type { RunEvent, StoredValue } from "./events.ts";
import { OUTPUT_INLINE_BYTES, PAST_APPROVALS_MAX } from "./limits.ts";
import { ESCALATION, nodeOf, type PartOf, partOf } from "./path.ts";
import { type ItemsState, type NodeState, newNodeState, type RunState } from "./state.ts";

type NodeEvent = Extract<RunEvent, { attempt: number }>;

export function nodeStateOf(state: RunState, path: string): NodeState {
  let node = state.nodes.get(path);
  if (node === undefined) {
    node = newNodeState();
    state.nodes.set(path, node);
  }
  return node;
}

export function applyToNode(state: RunState, event: NodeEvent): void {
  const node = nodeStateOf(state, event.node);
  const isNewVisit = event.visit > node.visit;
  if (isNewVisit) {
    keepApproval(state, event.node, node);
    beginVisit(node, event.seq);
  }
  node.visit = event.visit;
  node.iteration = event.iteration;
  node.attempt = event.attempt;
  switch (event.type) {
    case "node.queued":
      node.status = "queued";
      // What is known of an earlier attempt stands in the log.
      node.worker = null;
      node.error = null;
      node.metrics = null;
      node.sends = event.sends;
      node.faults = event.faults;
      node.due = { kind: "dispatch", at: event.due_at };
      node.queued_at ??= event.at;
      node.via = event.via ?? node.via;
      break;
    case "node.started":
      node.status = "running";
      node.worker = event.worker as NodeState["worker"];
      node.due = event.due_at === undefined ? null : { kind: "execution", at: event.due_at };
      node.queued_at ??= event.at;
      node.started_at = event.at;
      node.via = event.via ?? node.via;
      break;
    case "node.waiting":
      node.status = "waiting";
      node.wait = event.wait;
      node.queued_at ??= event.at;
      node.started_at = event.at;
      node.via = event.via ?? node.via;
      if (event.wait.kind === "items") {
        node.items = { started: 0, ended: 0, failed: 0, bytes: 0, results: Array(event.wait.total).fill(null) };
      }
      break;
    case "node.retrying":
      node.status = "waiting";
      node.error = event.error;
      node.metrics = event.metrics ?? null;
      node.due = { kind: "retry", at: event.retry_at };
      if (event.postponed === true) node.postponements += 1;
      break;
    case "node.completed":
      end(node, "completed", event);
      node.output = event.output;
      state.stored_bytes += bytesBeside(event.output);
      node.error = event.error ?? null;
      node.metrics = event.metrics ?? null;
      if (event.signal !== undefined) state.signals = state.signals.filter(({ seq }) => seq !== event.signal);
      break;
    case "node.failed":
      end(node, "failed", event);
      node.error = event.error;
      node.metrics = event.metrics ?? null;
      if (!event.handled) recordUnhandled(state, event);
      break;
    case "node.skipped":
      // What it gave in an earlier pass is not what it gives now.
      if (node.output !== null) node.previous = { output: node.output, visit: node.visit, ended_seq: node.ended_seq };
      node.output = null;
      end(node, "skipped", event);
      break;
    case "node.cancelled":
      end(node, "cancelled", event);
      break;
  }
  const isActive = node.status === "queued" || node.status === "running" || node.status === "waiting";
  if (isActive) state.active.add(event.node);
  else state.active.delete(event.node);
  const part = partOf(event.node);
  if (part !== null) applyToPart(state, part, event, isNewVisit, isActive);
}

/** What runs on a node's behalf is kept at its owner once it has ended. */
function applyToPart(state: RunState, part: PartOf, event: NodeEvent, isNew: boolean, isActive: boolean): void {
  const owner = nodeStateOf(state, part.owner);
  if (part.key === ESCALATION) {
    if (owner.approval !== null && event.type === "node.completed") owner.approval.escalation = "sent";
    if (owner.approval !== null && event.type === "node.failed") owner.approval.escalation = "failed";
  } else if (owner.items !== null && owner.visit === event.visit) {
    if (isNew) owner.items.started += 1;
    if (event.type === "node.completed") keepResult(owner.items, Number(part.key), event.output);
    if (event.type === "node.failed") {
      owner.items.failed += 1;
      keepResult(owner.items, Number(part.key), { error: event.error });
    }
  }
  if (!isActive) state.nodes.delete(event.node);
}

function keepResult(items: ItemsState, index: number, result: ItemsState["results"][number]): void {
  items.ended += 1;
  items.results[index] = result;
  items.bytes += result !== null && "stored_bytes" in result ? result.stored_bytes : roughBytes(result);
}

function roughBytes(result: ItemsState["results"][number]): number {
  if (result === null || !("value" in result)) return 0;
  const { value } = result;
  return typeof value === "object" || typeof value === "string" ? Math.min(OUTPUT_INLINE_BYTES, jsonLength(value)) : 8;
}

function jsonLength(value: unknown): number {
  return JSON.stringify(value).length;
}

function recordUnhandled(state: RunState, event: Extract<NodeEvent, { type: "node.failed" }>): void {
  const failure = { code: event.error.code, message: event.error.message, node: event.node };
  state.failing ??= failure;
  state.unhandled.set(nodeOf(event.node), failure);
}

export function applyToTimer(state: RunState, event: Extract<RunEvent, { timer: unknown }>): void {
  const node = nodeStateOf(state, event.node);
  node.due = event.type === "timer.set" ? { kind: event.timer, at: event.due_at } : null;
}

export function applyToApproval(state: RunState, event: Extract<RunEvent, { approval_id: string }>): void {
  const node = nodeStateOf(state, event.node);
  if (event.type === "approval.requested") {
    node.approval = {
      approval_id: event.approval_id,
      message: event.message,
      approvers: event.approvers,
      quorum: event.quorum,
      on_timeout: event.on_timeout,
      requested_at: event.at,
      expires_at: event.expires_at,
      escalate_to: event.escalate_to ?? null,
      escalation: event.escalate_to === undefined ? null : "pending",
      votes: [],
      decision: null,
      expired: false,
      decided_at: null,
    };
    return;
  }
  const { approval } = node;
  invariant(approval !== null, `an approval of ${event.node} was requested`);
  switch (event.type) {
    case "approval.voted":
      approval.votes.push({
        key: event.key,
        decision: event.decision,
        comments: event.comments,
        ...(event.link === undefined ? {} : { link: event.link }),
        at: event.at,
      });
      break;
    case "approval.decided":
      approval.decision = event.decision;
      approval.decided_at = event.at;
      break;
    case "approval.expired":
      approval.expired = true;
      approval.decided_at = event.at;
      if (event.on_timeout !== "fail") approval.decision = event.on_timeout;
      break;
  }
}

/** What a value takes beside the log of its own; one that was passed through is counted where it was stored. */
export function bytesBeside(value: StoredValue): number {
  return "value" in value || value.at !== undefined ? 0 : value.stored_bytes;
}

/** What was asked in an earlier visit can still be read for a while. */
function keepApproval(state: RunState, path: string, { approval }: NodeState): void {
  if (approval === null) return;
  state.past_approvals.push({ node: path, approval });
  if (state.past_approvals.length > PAST_APPROVALS_MAX) state.past_approvals.shift();
}

/** A new visit starts from nothing but its edges, which were resolved before it began, and the output before it. */
function beginVisit(node: NodeState, seq: number): void {
  const { resolved, taken, via, again, override, output, visit, ended_seq } = node;
  const previous = output === null ? null : { output, visit, ended_seq };
  Object.assign(node, newNodeState(), { resolved, taken, via, again, override, previous, began_seq: seq });
}

function end(node: NodeState, status: NodeState["status"], event: { at: number; seq: number }): void {
  node.status = status;
  node.ended_at = event.at;
  node.ended_seq = event.seq;
  node.due = null;
}
