/** A patch of the run's own workflow, by a person or program: tried, applied, kept for a decision, or taken back. */
import { ok, type Problem } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { diffWorkflows, type WorkflowDiff } from "#workflow/diff.ts";
import { type CompiledGraph, compileGraph } from "#workflow/graph.ts";
import { frozenProblems, hasStarted } from "../frozen.ts";
import { PATCHES_PER_RUN_MAX, RUN_STORED_BYTES_MAX } from "../limits.ts";
import { patchViews } from "../patch-view.ts";
import { definitionOf, goOnWith, judgeNewEdges, patchedGraph } from "../patches.ts";
import { PATCH_PATH } from "../scope.ts";
import { isTerminal, type PatchState } from "../state.ts";
import type { Transition } from "../transition.ts";
import { type Decided, type RunCommand, refuse } from "./command.ts";
import { hasEnded } from "./flow.ts";

export function patch(transition: Transition, command: Extract<RunCommand, { type: "patch" }>): Decided {
  const { operations, description, by, dry_run: isDryRun, if_match: ifMatch } = command;
  const refusal = cannotPatch(transition, ifMatch);
  if (refusal !== null) return refusal;
  const { state, graph } = transition;
  const to = patchedGraph(transition, operations);
  if (!to.ok) return invalid(to.error);
  const judged = judgeNewEdges(transition, to.value);
  if (!judged.ok) return invalid(judged.error);
  const diff = diffWorkflows(graph.definition, to.value.definition);
  if (isDryRun) return ok({ diff: asJson(diff) });
  if (state.patches.length >= PATCHES_PER_RUN_MAX) {
    return refuse("conflict", `a run takes at most ${PATCHES_PER_RUN_MAX} patches`);
  }
  const number = (state.patches.at(-1)?.patch ?? 0) + 1;
  if (!propose(transition, { patch: number, source: "api", by, description }, operations, diff)) {
    return refuse("conflict", "the run keeps too many large values to keep this patch too");
  }
  const isGated = graph.definition.metadata?.patch_policy === "gated";
  if (!isGated) {
    transition.emit({ type: "patch.applied", patch: number, by });
    goOnWith(transition, to.value, judged.value);
  }
  return ok({ seq: number, status: isGated ? "proposed" : "applied", diff: asJson(diff) });
}

/** Records a proposal; false when its operations are too large to keep. */
export function propose(
  transition: Transition,
  proposal: Pick<PatchState, "patch" | "source" | "by" | "description"> & { node?: string },
  operations: Json,
  diff: WorkflowDiff,
): boolean {
  const kept = transition.keep(PATCH_PATH, proposal.patch, operations);
  const beside = kept.ok && "stored_bytes" in kept.value.stored ? kept.value.stored.stored_bytes : 0;
  if (!kept.ok || transition.state.stored_bytes + beside > RUN_STORED_BYTES_MAX) return false;
  transition.store(kept.value);
  const summary = diff.summary.slice(0, SUMMARY_LINES_MAX);
  transition.emit({ type: "patch.proposed", ...proposal, operations: kept.value.stored, summary });
  return true;
}

/** Sentences that the event of a patch keeps of what it changes. */
export const SUMMARY_LINES_MAX = 50;

export function revertPatch(transition: Transition, command: Extract<RunCommand, { type: "revert_patch" }>): Decided {
  const { seq, by, if_match: ifMatch } = command;
  const { state, graph, base } = transition;
  const known = state.patches.find((each) => each.patch === seq);
  if (known === undefined) return refuse("not_found", `the run has no patch ${seq}`);
  const refusal = cannotPatch(transition, ifMatch);
  if (refusal !== null) return refusal;
  if (known.status !== "applied") return refuse("conflict", `the patch is ${known.status}, not applied`);
  if (state.patch_seq !== seq) return refuse("conflict", `only the last patch can be taken back: ${state.patch_seq}`);
  const to = compileGraph(definitionOf(state, base, (path, visit) => transition.values.read(path, visit), seq));
  const unresolved = edgesGoneWith(transition, to);
  const problems = frozenProblems(state, graph, to, new Set(unresolved));
  if (problems.length > 0) {
    return refuse("conflict", `it cannot be taken back: ${problems[0]?.message}`, asJson(problems));
  }
  const judged = judgeNewEdges(transition, to);
  if (!judged.ok) return invalid(judged.error);
  transition.emit({ type: "patch.reverted", patch: seq, by, unresolved });
  goOnWith(transition, to, judged.value);
  return ok(null);
}

/** Resolved edges that only this patch has brought, into nodes that have not started. */
function edgesGoneWith(transition: Transition, to: CompiledGraph): string[] {
  const kept = new Set([...to.nodes.values()].flatMap((node) => node.outgoing).map((edge) => edge.key));
  const edges = [...transition.graph.nodes.values()].flatMap((node) => node.outgoing);
  return edges
    .filter((edge) => transition.state.edges.has(edge.key) && !kept.has(edge.key))
    .filter((edge) => !hasStarted(transition.state, edge.to))
    .map((edge) => edge.key);
}

export function decidePatch(transition: Transition, command: Extract<RunCommand, { type: "decide_patch" }>): Decided {
  const { seq, decision, comments, by } = command;
  const { state } = transition;
  const known = state.patches.find((each) => each.patch === seq);
  if (known === undefined) return refuse("not_found", `the run has no patch ${seq}`);
  if (isTerminal(state.status)) return hasEnded(transition);
  if (known.status !== "proposed") return refuse("conflict", `the patch is ${known.status} already`);
  if (decision === "reject") {
    transition.emit({ type: "patch.rejected", patch: seq, by, reason: comments ?? "rejected" });
    return ok(viewOf(transition, seq));
  }
  const refusal = cannotPatch(transition, null);
  if (refusal !== null) return refusal;
  const operations = "value" in known.operations ? known.operations.value : transition.values.read(PATCH_PATH, seq);
  // The run has gone on since it was proposed.
  const to = patchedGraph(transition, operations);
  if (!to.ok) return invalid(to.error);
  const judged = judgeNewEdges(transition, to.value);
  if (!judged.ok) return invalid(judged.error);
  transition.emit({ type: "patch.applied", patch: seq, by, ...(comments === null ? {} : { comments }) });
  goOnWith(transition, to.value, judged.value);
  return ok(viewOf(transition, seq));
}

function viewOf(transition: Transition, seq: number): Json {
  const views = patchViews(transition.state, (path, visit) => transition.values.read(path, visit));
  return asJson(views.find((view) => view.seq === seq) ?? null);
}

function cannotPatch(transition: Transition, ifMatch: number | null) {
  const { state } = transition;
  if (isTerminal(state.status)) return hasEnded(transition);
  if (state.failing !== null) return refuse("conflict", "the run is about to fail: nothing starts in it any more");
  if (ifMatch !== null && ifMatch !== state.patch_seq) {
    return refuse("precondition_failed", `the run's last patch is ${state.patch_seq}, not ${ifMatch}`);
  }
  return null;
}

function invalid(problems: readonly Problem[]): Decided {
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return refuse("invalid", `the patch has ${count}; nothing has changed`, asJson(problems));
}

function asJson(value: unknown): Json {
  return value as Json;
}
