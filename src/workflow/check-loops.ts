/** What can be wrong with loops: where they lead, how their bodies lie to each other, and what leaves a body (rule 5). */
import type { Problem } from "#kernel/errors.ts";
import { jsonPointer } from "#kernel/json.ts";
import type { WorkflowDefinition } from "./definition.ts";
import { LOOP_NESTING_MAX } from "./limits.ts";
import { bodyOf, type Flow, type Loop } from "./loops.ts";
import type { Topology } from "./topology.ts";

/** `forward` must be free of cycles. */
export function checkLoops(definition: WorkflowDefinition, flow: Flow, forward: Topology): Problem[] {
  const problems = flow.loops.flatMap((loop) => checkEnds(loop, definition, forward));
  if (problems.length > 0) return problems;
  const bodies = new Map(flow.loops.map((loop) => [loop, bodyOf(loop, forward)]));
  for (const [loop, body] of bodies) {
    if (body.size === 0) {
      problems.push(problem(loop, "loop_back_to", `no path of edges leads from "${loop.head}" to "${loop.id}"`));
    }
  }
  problems.push(...checkNesting(bodies, forward.ids), ...checkLeaving(bodies, flow));
  return problems;
}

function problem(loop: Loop, member: string, message: string): Problem {
  return { pointer: jsonPointer(["nodes", loop.index, "config", member]), message };
}

function checkEnds(loop: Loop, definition: WorkflowDefinition, forward: Topology): Problem[] {
  const problems: Problem[] = [];
  const places = [
    ["loop_back_to", [loop.head]],
    ["break_path", loop.breakPath],
    ["timeout_path", loop.timeoutPath],
  ] as const;
  for (const [member, ids] of places) {
    for (const id of ids) {
      if (!forward.successors.has(id)) problems.push(problem(loop, member, `there is no node "${id}"`));
      if (member !== "loop_back_to" && (id === loop.head || id === loop.id)) {
        problems.push(problem(loop, member, `"${id}" lies in the body: a path out of the loop leads elsewhere`));
      }
    }
  }
  const implied = new Set([loop.head, ...loop.breakPath, ...loop.timeoutPath]);
  definition.edges.forEach((edge, index) => {
    if (edge.from !== loop.id || !implied.has(edge.to) || edge.on === "failure" || edge.condition === undefined) return;
    const message = `"${loop.id}" leads to "${edge.to}" by its config already; remove the condition or the edge`;
    problems.push({ pointer: jsonPointer(["edges", index, "condition"]), message });
  });
  return problems;
}

/** Bodies nest or are disjoint. */
function checkNesting(bodies: ReadonlyMap<Loop, ReadonlySet<string>>, ids: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  const judged = new Set<string>();
  const bySize = [...bodies].sort(([, left], [, right]) => left.size - right.size);
  for (const id of ids) {
    const around = bySize.filter(([, body]) => body.has(id));
    if (around.length > LOOP_NESTING_MAX) {
      const [[outermost] = []] = around.slice(-1);
      if (outermost === undefined || judged.has(outermost.id)) continue;
      judged.add(outermost.id);
      problems.push(
        problem(outermost, "loop_back_to", `loops nest at most ${LOOP_NESTING_MAX} deep, around "${id}" more`),
      );
      continue;
    }
    for (let i = 1; i < around.length; i++) {
      const [[inner, small] = [], [outer, large] = []] = [around[i - 1], around[i]];
      if (inner === undefined || outer === undefined || small === undefined || large === undefined) continue;
      const pair = `${inner.id}>${outer.id}`;
      if (judged.has(pair)) continue;
      judged.add(pair);
      if ([...small].every((node) => large.has(node)) && inner.head !== outer.id && !small.has(outer.id)) continue;
      const message = `the bodies of "${inner.id}" and "${outer.id}" overlap; loops must nest or be apart`;
      problems.push(problem(outer, "loop_back_to", message));
    }
  }
  return problems;
}

/** Edges out of a body start at its loop node or are failure edges. */
function checkLeaving(bodies: ReadonlyMap<Loop, ReadonlySet<string>>, flow: Flow): Problem[] {
  const problems: Problem[] = [];
  for (const [loop, body] of bodies) {
    for (const edge of flow.forward) {
      if (!body.has(edge.from) || body.has(edge.to)) continue;
      if (edge.from === loop.id || edge.on === "failure") continue;
      const message = `leads out of the loop "${loop.id}": only the loop node and failure edges may leave its body`;
      const place = edge.index === null ? [] : ["edges", edge.index];
      problems.push({ pointer: jsonPointer(place), message });
    }
  }
  return problems;
}
