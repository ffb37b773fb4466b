/** Patches that come with an agent's result: each is judged, recorded, and applied before the agent's own edges are. */
import { fail, ok, type Problem, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { diffWorkflows, type WorkflowDiff } from "#workflow/diff.ts";
import type { CompiledGraph } from "#workflow/graph.ts";
import { agentPatchBound, agentProblems, operationProblems } from "./agent-policy.ts";
import { propose } from "./commands/patch.ts";
import { goOnWith, judgeNewEdges, patchedGraph } from "./patches.ts";
import { parseState, type RunState, serialiseState } from "./state.ts";
import type { AgentPatch, TaskAddress } from "./task.ts";
import { type EngineContext, Transition } from "./transition.ts";

interface Accepted {
  to: CompiledGraph;
  judged: Parameters<typeof goOnWith>[2];
  diff: WorkflowDiff;
}

/** Takes up the patches of an accepted result, in order. A refused one is an event and changes nothing. */
export function takeAgentPatches(transition: Transition, agent: string, patches: readonly AgentPatch[]): void {
  for (const patch of patches) {
    const { state, graph } = transition;
    const number = (state.patches.at(-1)?.patch ?? 0) + 1;
    const judged = patch.rejected === undefined ? judge(transition, agent, patch.operations) : fail([]);
    const diff = judged.ok ? judged.value.diff : { operations: [], summary: [] };
    const proposal = {
      patch: number,
      source: "agent" as const,
      by: agent,
      node: agent,
      description: patch.description,
    };
    if (!propose(transition, proposal, patch.operations, diff)) continue;
    if (!judged.ok) {
      const reason = patch.rejected ?? messageOf(judged.error);
      transition.emit({ type: "patch.rejected", patch: number, by: agent, reason });
    } else if (graph.definition.metadata?.patch_policy !== "gated") {
      transition.emit({ type: "patch.applied", patch: number, by: agent });
      goOnWith(transition, judged.value.to, judged.value.judged);
    }
  }
}

function judge(transition: Transition, agent: string, operations: Json[]): Result<Accepted, Problem[]> {
  const { state, graph } = transition;
  const bound = agentPatchBound(state);
  if (bound !== null) return fail([{ pointer: "", message: bound }]);
  const problems = operationProblems(graph, agent, operations);
  if (problems.length > 0) return fail(problems);
  const to = patchedGraph(transition, operations);
  if (!to.ok) return to;
  const refused = agentProblems(state, transition.base, graph, to.value, agent);
  if (refused.length > 0) return fail(refused);
  const judged = judgeNewEdges(transition, to.value);
  if (!judged.ok) return judged;
  return ok({ to: to.value, judged: judged.value, diff: diffWorkflows(graph.definition, to.value.definition) });
}

/** Characters of a reason that the event of a refused patch keeps. */
export const REASON_LENGTH_MAX = 2_000;

function messageOf(problems: readonly Problem[]): string {
  const text = problems.map(({ pointer, message }) => (pointer === "" ? message : `${pointer}: ${message}`)).join("; ");
  return text.slice(0, REASON_LENGTH_MAX);
}

/**
 * What would become of one more patch after those that the attempt has got through already: for the agent's runner,
 * which tells the model. Changes nothing; null when nobody waits for the attempt any more.
 */
export function tryAgentPatch(
  state: RunState,
  address: TaskAddress,
  earlier: readonly Json[][],
  operations: Json[],
  context: EngineContext,
): Result<{ summary: string[] }, Problem[]> | null {
  const node = state.nodes.get(address.path);
  if (node === undefined || node.visit !== address.visit || node.attempt !== address.attempt) return null;
  if (node.status !== "queued" && node.status !== "running") return null;
  const transition = new Transition(parseState(serialiseState(state)), context);
  takeAgentPatches(
    transition,
    address.path,
    earlier.map((each) => ({ operations: each, description: null })),
  );
  const judged = judge(transition, address.path, operations);
  return judged.ok ? ok({ summary: judged.value.diff.summary }) : judged;
}
