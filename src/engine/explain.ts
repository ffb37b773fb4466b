/** What a run waits for: each unfinished node by itself, and one sentence for all. Reads; never decides. */
import { rfc3339 } from "#kernel/clock.ts";
import type { CompiledGraph, CompiledNode } from "#workflow/graph.ts";
import type { RunError } from "./events.ts";
import { nodeOf, partOf } from "./path.ts";
import { isTerminal, type NodeState, type RunState, type RunStatus } from "./state.ts";
import { dispatchDeadlineMs } from "./task.ts";

/**
 * `turn`: ready, the transition that starts it was cut and goes on in a moment (rule 8); `paused`: ready, and held until
 * the run is resumed.
 */
export const WAIT_KINDS = [
  "queue",
  "execution",
  "retry",
  "timer",
  "event",
  "approval",
  "child",
  "items",
  "turn",
  "paused",
  "predecessors",
] as const;
export type WaitKind = (typeof WAIT_KINDS)[number];

export interface Wait {
  node: string;
  kind: WaitKind;
  since: string;
  /** When it ends at the latest, or goes on at the earliest for a retry; absent when nothing says so. */
  until?: string;
  /** Nodes that must end first; for `predecessors` only. */
  predecessors?: string[];
  detail: string;
}

export interface Explanation {
  summary: string;
  waiting: Wait[];
}

/** An escalation is tried as an HTTP node is. */
const ESCALATION_ATTEMPTS = 3;

/** Names that a sentence lists before it counts the rest. */
export const NAMES_MAX = 5;

export function explainRun(state: RunState, graph: CompiledGraph, nowMs: number): Explanation {
  if (isTerminal(state.status)) {
    const durationMs = state.ended_at === null ? null : state.ended_at - state.submitted_at;
    return explainEnd({ status: state.status, error: state.error, durationMs });
  }
  const active = [...state.active].flatMap((id) => waitOfActive(id, state, graph, nowMs) ?? []);
  if (state.failing !== null) {
    const { code, node } = state.failing;
    const summary = `The run fails because of ${quoted(node)} (${code}) once this has ended: ${sentence(active)}`;
    return { summary, waiting: active };
  }
  const pending = [...graph.nodes.values()].flatMap((node) => waitOfPending(node, state) ?? []);
  const reasons = active.length > 0 ? active : pending;
  const waiting = [...active, ...pending];
  if (state.status !== "paused") return { summary: `The run waits for ${sentence(reasons)}`, waiting };
  const meanwhile = active.length > 0 ? ` Under way: ${sentence(active)}` : "";
  return { summary: `The run is paused: nothing starts until it is resumed.${meanwhile}`, waiting };
}

/** The explanation of a run that has ended, which also an archive can give. */
export function explainEnd(run: { status: RunStatus; error: RunError | null; durationMs: number | null }): Explanation {
  const { status, error, durationMs } = run;
  const after = durationMs === null ? "" : ` after ${duration(durationMs)}`;
  const why = error === null ? "" : ` at ${quoted(error.node)} (${error.code}): ${error.message}`;
  return { summary: `The run ${status === "cancelled" ? "was cancelled" : status}${after}${why}.`, waiting: [] };
}

function waitOfActive(id: string, state: RunState, graph: CompiledGraph, nowMs: number): Wait | null {
  const node = state.nodes.get(id);
  const owner = graph.nodes.get(nodeOf(id));
  if (node === undefined || owner === undefined) return null;
  const { due, attempt } = node;
  const compiled = partOf(id) === null ? owner : owner.item;
  const attempts = compiled?.retry.maxAttempts ?? ESCALATION_ATTEMPTS;
  const ofAttempts = attempts > 1 ? `, attempt ${attempt} of ${attempts}` : "";
  switch (node.status) {
    case "queued": {
      const since = sentAt(node) ?? state.submitted_at;
      const again = node.sends > 1 ? `, sent ${node.sends} times` : "";
      const detail = `queued for ${duration(nowMs - since)} for a worker${ofAttempts}${again}`;
      return wait(id, "queue", since, null, detail);
    }
    case "running": {
      const since = node.started_at ?? state.submitted_at;
      const by = node.worker === null ? "" : ` by ${node.worker}`;
      return wait(
        id,
        "execution",
        since,
        due?.at ?? null,
        `executing for ${duration(nowMs - since)}${by}${ofAttempts}`,
      );
    }
    case "waiting": {
      if (due?.kind !== "retry") return waitOfWaiting(id, node, state, nowMs);
      const since = node.metrics?.end_time ?? node.started_at ?? state.submitted_at;
      const until = due?.at ?? since;
      const because = node.error === null ? "" : ` after ${node.error.code}: ${node.error.message}`;
      const next = `attempt ${attempt + 1} of ${attempts} in ${duration(until - nowMs)}`;
      return wait(id, "retry", since, until, next + because);
    }
    default:
      return null;
  }
}

/** What a node that parks in the coordinator waits for. */
function waitOfWaiting(id: string, node: NodeState, state: RunState, nowMs: number): Wait | null {
  const { approval, due, items, wait: reason } = node;
  const since = node.started_at ?? state.submitted_at;
  const until = due === null || due.kind === "child_look" ? null : due.at;
  const within = until === null ? "" : `, at most ${duration(until - nowMs)} more`;
  switch (reason?.kind) {
    case "timer":
      return wait(
        id,
        "timer",
        since,
        until,
        `waits until ${rfc3339(until ?? since)}, ${duration((until ?? nowMs) - nowMs)} more`,
      );
    case "event":
      return wait(id, "event", since, until, `waits for the event "${reason.event}"${within}`);
    case "approval": {
      if (approval === null) return null;
      const approved = approval.votes.filter((vote) => vote.decision === "approve").length;
      const whom = approval.approvers.length === 0 ? "anybody who may approve" : names(approval.approvers);
      const detail = `waits for approval ${approval.approval_id} by ${whom}: ${approved} of ${approval.quorum} have approved`;
      const left = `, ${duration(approval.expires_at - nowMs)} left, then ${approval.on_timeout}`;
      return wait(id, "approval", since, approval.expires_at, detail + left);
    }
    case "child":
      return wait(id, "child", since, null, `waits for the run ${reason.run_id} to end`);
    case "items": {
      const { ended = 0, failed = 0, started = 0 } = items ?? {};
      const failures = failed > 0 ? `, ${failed} failed` : "";
      const detail = `${ended} of ${reason.total} items have ended${failures}, ${started - ended} under way`;
      return wait(id, "items", since, null, detail);
    }
    default:
      return null;
  }
}

/** Only the last handing over tells when: the time it was first queued is that of the first attempt. */
function sentAt(node: NodeState): number | null {
  return node.due?.kind === "dispatch" ? node.due.at - dispatchDeadlineMs(node.sends) : node.queued_at;
}

function waitOfPending(node: CompiledNode, state: RunState): Wait | null {
  const known = state.nodes.get(node.id);
  if (known !== undefined && known.status !== "pending") return null;
  const since = state.started_at ?? state.submitted_at;
  const unresolved = node.incoming.filter((edge) => !state.edges.has(edge.key)).map((edge) => edge.from);
  const predecessors = [...new Set(unresolved)];
  const canStart =
    predecessors.length === 0 || known?.again === true || (node.join === "any" && (known?.taken ?? 0) > 0);
  if (canStart && state.status === "paused") return wait(node.id, "paused", since, null, "ready: starts on resume");
  if (canStart) return wait(node.id, "turn", since, null, "ready: its turn comes in a moment");
  const which = node.join === "any" && predecessors.length > 1 ? "the first of " : "";
  const detail = `waits for ${which}${names(predecessors)} to end`;
  return { ...wait(node.id, "predecessors", since, null, detail), predecessors };
}

function wait(node: string, kind: WaitKind, since: number, until: number | null, detail: string): Wait {
  return { node, kind, since: rfc3339(since), ...(until === null ? {} : { until: rfc3339(until) }), detail };
}

function sentence(waits: readonly Wait[]): string {
  const shown = waits.slice(0, NAMES_MAX).map(({ node, detail }) => `${quoted(node)} (${detail})`);
  if (shown.length === 0) return "its next turn.";
  const more = waits.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`;
}

function names(ids: readonly string[]): string {
  const shown = ids.slice(0, NAMES_MAX).map(quoted).join(", ");
  return ids.length > NAMES_MAX ? `${shown} and ${ids.length - NAMES_MAX} more` : shown;
}

function quoted(id: string): string {
  return `"${id}"`;
}

function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
