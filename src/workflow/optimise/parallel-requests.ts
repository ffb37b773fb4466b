/**
 * The pass for requests that wait for one another without need. All of them start where the first did, and what
 * followed the last waits for each: directly where its input does not matter, else behind a node that passes the last
 * answer on, since the number of edges gives an input its shape.
 */

import { invariant } from "#kernel/errors.ts";
import type { EdgeDefinition } from "../definition.ts";
import type { CompiledEdge, CompiledNode } from "../graph.ts";
import { NODE_ID_PATTERN, PATCH_OPERATIONS_MAX } from "../limits.ts";
import { weightOf } from "./critical-path.ts";
import type { Inspection } from "./inspection.ts";
import { SUGGESTIONS_PER_KIND_MAX } from "./limits.ts";
import { outputExpression } from "./output-expression.ts";
import { readsInput, readsVia } from "./reading.ts";
import { independentStages, type Stage } from "./request-chains.ts";
import { GUARDED, Revision } from "./revision.ts";
import { nameNodes, type Suggestion } from "./suggestion.ts";
import { Waits } from "./waits.ts";

const NOTE =
  "Should one of them fail, the others may have been asked already, and the run names the one that failed first.";

/** A suggestion with the definition as its patch makes it. */
export interface ParallelSuggestion {
  suggestion: Suggestion;
  after: Revision["after"];
}

export function parallelRequests(inspection: Inspection): ParallelSuggestion[] {
  const groups = independentStages(inspection);
  if (groups.length === 0) return [];
  const waits = new Waits(inspection);
  const found: ParallelSuggestion[] = [];
  for (const group of groups) {
    if (found.length >= SUGGESTIONS_PER_KIND_MAX) break;
    found.push(...spread(group, { inspection, waits }));
  }
  return found.slice(0, SUGGESTIONS_PER_KIND_MAX);
}

interface Pass {
  inspection: Inspection;
  waits: Waits;
}

/** As many stages side by side as one patch can put there, then the rest. */
function spread(group: readonly Stage[], pass: Pass): ParallelSuggestion[] {
  for (let size = Math.min(group.length, PATCH_OPERATIONS_MAX); size > 1; size--) {
    const found = sideBySide(group.slice(0, size), pass);
    if (found !== null) return [found, ...spread(group.slice(size), pass)];
  }
  return group.length > 2 ? spread(group.slice(1), pass) : [];
}

function sideBySide(stages: readonly Stage[], pass: Pass): ParallelSuggestion | null {
  const { inspection } = pass;
  const first = stages[0]?.head;
  const end = endOf(stages.at(-1), inspection);
  if (first === undefined || end === null) return null;
  const { last, targets, joins } = end;
  if (operationsFor(stages.length - 1, first, end) > PATCH_OPERATIONS_MAX) return null;
  const others = stages.slice(0, -1);
  const members = [...others.flatMap(({ nodes }) => nodes), ...end.nodes];
  if (!areReadInTime(members, last.id, pass)) return null;

  const revision = new Revision(inspection.definition);
  const ends = joins === "direct" ? targets.map(({ to }) => to) : [addJoin(revision, last, inspection)];
  for (const { head } of stages.slice(1)) {
    for (const edge of first.incoming) revision.addEdge({ ...written(edge, inspection).edge, to: head.id });
  }
  for (const { nodes } of others) leadTo(ends, nodes.at(-1)?.outgoing ?? [], revision, inspection);
  const patch = revision.operations();
  if (patch === null) return null;

  const weights = [...others, end].map(({ nodes }) => nodes.reduce((sum, { type }) => sum + weightOf(type), 0));
  const saved = weights.reduce((sum, weight) => sum + weight, 0) - Math.max(...weights);
  const suggestion: Suggestion = {
    kind: "parallel_requests",
    message: `${nameNodes(stages.map(({ head }) => head.id))} only read and need nothing of each other, so they can run side by side`,
    nodes: members.map(({ id }) => id),
    patch,
    note: NOTE,
    saves: { path_weight: saved },
  };
  return { suggestion, after: revision.after };
}

/** Each further stage takes a copy of every edge into the first and leads to what waits; a node to join them is wired up. */
function operationsFor(others: number, first: CompiledNode, { targets, joins }: End): number {
  const ways = joins === "direct" ? targets.length : 1;
  const join = joins === "direct" ? 0 : 2 + GUARDED * targets.length;
  return others * (first.incoming.length + GUARDED + ways - 1) + join;
}

/** Where the last stage ends, and how what follows waits for all of them. */
interface End {
  nodes: readonly CompiledNode[];
  last: CompiledNode;
  targets: readonly CompiledEdge[];
  joins: "direct" | "node";
}

/** Where nothing must be put in between, if there is such a place; null when whatever follows would notice. */
function endOf(stage: Stage | undefined, inspection: Inspection): End | null {
  let found: End | null = null;
  for (const [position, last] of (stage?.nodes ?? []).entries()) {
    const joins = joinOf(last.outgoing, inspection);
    if (joins === null || (joins === "node" && found !== null)) continue;
    found = { nodes: stage?.nodes.slice(0, position + 1) ?? [], last, targets: last.outgoing, joins };
    if (joins === "direct") break;
  }
  return found;
}

/** How what follows can wait for all of them; null when it would notice. */
function joinOf(targets: readonly CompiledEdge[], inspection: Inspection): "direct" | "node" | null {
  if (targets.length === 0) return null;
  const nodes = targets.map((edge) => inspection.node(edge.to));
  if (nodes.some((node) => node.join === "any" || readsVia(node) || inspection.isFixed(node.id))) return null;
  if (nodes.every((node) => !readsInput(node))) return "direct";
  return nodes.every((node) => node.incoming.length === 1 || !readsInput(node)) ? "node" : null;
}

/** Beside an `any` join a reader may come early: it must not meet a later answer without the earlier ones. */
function areReadInTime(members: readonly CompiledNode[], last: string, { inspection, waits }: Pass): boolean {
  const ids = new Set(members.map(({ id }) => id));
  return members.every(({ id }) =>
    (inspection.readers.get(id) ?? []).every((reader) => ids.has(reader) || waits.includes(reader, last)),
  );
}

/** Puts a node behind the last stage that waits for all and gives what the last one gave. */
function addJoin(revision: Revision, last: CompiledNode, inspection: Inspection): string {
  const id = freeId(`${last.id}_joined`, inspection);
  revision.addNode({ id, type: "transform", config: { expression: outputExpression(last.id) } });
  for (const way of last.outgoing) {
    const { place, edge } = written(way, inspection);
    revision.replaceEdge(place, { ...edge, from: id });
  }
  revision.addEdge({ from: last.id, to: id });
  return id;
}

/** The edge from a stage to the next leads to the ends instead. */
function leadTo(
  [to, ...others]: readonly string[],
  ways: readonly CompiledEdge[],
  revision: Revision,
  inspection: Inspection,
): void {
  for (const way of ways) {
    const { place, edge } = written(way, inspection);
    if (to !== undefined) revision.replaceEdge(place, { ...edge, to });
    for (const other of others) revision.addEdge({ ...edge, to: other });
  }
}

/** The edge as it was posted; around loops, where edges are implied, nothing is moved. */
function written(way: CompiledEdge, inspection: Inspection): { place: number; edge: EdgeDefinition } {
  const place = inspection.edgePlace(way);
  const edge = place === null ? undefined : inspection.definition.edges[place];
  invariant(place !== null && edge !== undefined, `the edge ${way.key} was posted`);
  return { place, edge };
}

function freeId(wanted: string, inspection: Inspection): string {
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? "" : `_${number}`;
    const id = wanted.slice(0, 64 - suffix.length) + suffix;
    if (NODE_ID_PATTERN.test(id) && !inspection.graph.nodes.has(id)) return id;
  }
}
