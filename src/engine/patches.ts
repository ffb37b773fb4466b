/**
 * Patches of a run's own workflow: what a run's definition amounts to, what a change may not touch, and how a run goes
 * on with a changed graph. A patch is all or nothing and never rewrites history (invariant 8).
 */
import { fail, invariant, type NodeError, ok, type Problem, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import { type WorkflowDefinition, workflowSchema } from "#workflow/definition.ts";
import { type CompiledEdge, type CompiledGraph, compileGraph } from "#workflow/graph.ts";
import { applyPatch } from "#workflow/patch.ts";
import { frozenProblems } from "./frozen.ts";
import { judgeEdge } from "./routing.ts";
import { errorObject, PATCH_PATH, type ReadStored } from "./scope.ts";
import type { RunState } from "./state.ts";
import type { Transition } from "./transition.ts";

/** The definition of a run: its artifact's, changed by the patches that hold. */
export function definitionOf(
  state: RunState,
  base: WorkflowDefinition,
  readStored: ReadStored,
  except?: number,
): WorkflowDefinition {
  let document = base as unknown as Json;
  for (const patch of state.applied) {
    if (patch === except) continue;
    const stored = state.patches.find((each) => each.patch === patch)?.operations;
    invariant(stored !== undefined, `patch ${patch} is known`);
    const list = "value" in stored ? stored.value : readStored(PATCH_PATH, patch);
    const patched = applyPatch(document, list);
    // It was applied to the same document before.
    invariant(patched.ok, `patch ${patch} can be applied again`);
    document = patched.value;
  }
  return workflowSchema.parse(document);
}

/** The graph that operations make of the run's own, if the run can go on with it. */
export function patchedGraph(transition: Transition, operations: Json): Result<CompiledGraph, Problem[]> {
  const { graph, state } = transition;
  const patched = applyPatch(graph.definition as unknown as Json, operations);
  if (!patched.ok) return fail(patched.error.map((problem) => at("/operations", problem)));
  const { definition, errors } = checkWorkflow(patched.value);
  if (definition === null || errors.length > 0) return fail(errors.map((problem) => at("/result", problem)));
  const to = compileGraph(definition);
  const problems = frozenProblems(state, graph, to);
  return problems.length === 0 ? ok(to) : fail(problems.map((problem) => at("/result", problem)));
}

function at(base: string, { pointer, message }: Problem): Problem {
  return { pointer: base + pointer, message };
}

interface Judged {
  node: string;
  taken: string[];
  dead: string[];
}

/**
 * Edges of the changed graph that leave nodes which have ended: each is judged alone, by its condition, so that new
 * work starts at once. The error is that of a condition which cannot be evaluated.
 */
export function judgeNewEdges(transition: Transition, to: CompiledGraph): Result<Judged[], Problem[]> {
  const from = transition.graph;
  const judged: Judged[] = [];
  // Conditions may read nodes that only the changed graph has.
  transition.adopt(to);
  try {
    for (const node of to.nodes.values()) {
      const result: Judged = { node: node.id, taken: [], dead: [] };
      for (const edge of node.outgoing) {
        if (transition.state.edges.has(edge.key)) continue;
        const holds = holdsNow(transition, edge);
        if (holds === null) continue;
        if (!holds.ok) return fail([{ pointer: "/result/edges", message: `${edge.key}: ${holds.error.message}` }]);
        const list = holds.value ? result.taken : result.dead;
        list.push(edge.key.slice(node.id.length + 1));
      }
      if (result.taken.length + result.dead.length > 0) judged.push(result);
    }
  } finally {
    transition.adopt(from);
  }
  return ok(judged);
}

/** Whether a new edge is taken; null when it is not its time: its node has not ended, or its loop goes on. */
function holdsNow(transition: Transition, edge: CompiledEdge): Result<boolean, NodeError> | null {
  const node = transition.node(edge.from);
  const { status, error } = transition.nodeState(edge.from);
  // A loop that goes on may take it yet; one that has ended resolves nothing any more.
  const mayBeTaken = edge.leaves !== null && !hasEnded(transition, edge.leaves);
  if (status === "skipped" && !isPassedOver(transition, edge.from)) return mayBeTaken ? null : ok(false);
  if (status === "skipped") return held(judgeEdge(node, edge, "success", null, transition.scope));
  if (status !== "completed" && status !== "failed") return null;
  const isFailure = status === "failed" && error !== null;
  const output = isFailure ? errorObject(error, edge.from) : transition.scope.output(edge.from);
  const holds = judgeEdge(node, edge, isFailure ? "failure" : "success", output, transition.scope);
  return held(holds);

  function held(judged: Result<boolean, NodeError>): Result<boolean, NodeError> | null {
    return judged.ok && !judged.value && mayBeTaken ? null : judged;
  }
}

/** Skipped because its type is not offered, though its edges led to it: then it leads on as if it had given null. */
function isPassedOver(transition: Transition, id: string): boolean {
  const { type, incoming } = transition.node(id);
  const { taken, again } = transition.nodeState(id);
  return type.status !== "available" && (incoming.length === 0 || again || taken > 0);
}

function hasEnded(transition: Transition, loop: string): boolean {
  const { status } = transition.nodeState(loop);
  return status === "completed" || status === "failed" || status === "skipped";
}

/** The run goes on with a changed graph. */
export function goOnWith(transition: Transition, to: CompiledGraph, judged: readonly Judged[]): void {
  transition.adopt(to);
  for (const { node, taken, dead } of judged) {
    const { visit } = transition.nodeState(node);
    transition.emit({ type: "edge.resolved", node, visit, taken, dead });
  }
  // A join may have lost the edge that it waited for.
  transition.visitAll();
}
