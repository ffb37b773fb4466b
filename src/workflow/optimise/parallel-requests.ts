/**
 * The pass for requests that wait for one another without need. All of them start where the first did, and what
 * followed the last waits for each: directly where its input does not matter, else behind a node that passes the last
 * answer on, since the number of edges gives an input its shape.
 */

import type { EdgeDefinition } from "../definition.ts";
import type { CompiledEdge } from "../graph.ts";
import { NODE_ID_PATTERN, PATCH_OPERATIONS_MAX } from "../limits.ts";
import { weightOf } from "./critical-path.ts";
import type { Inspection } from "./inspection.ts";
import { outputExpression } from "./output-expression.ts";
import { readsInput, readsVia } from "./reading.ts";
import { independentStages, type Stage } from "./request-chains.ts";
import { Revision } from "./revision.ts";
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
  const pass = { inspection, waits };
  return groups.flatMap((group) => spread(group, pass));
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
  const [first] = stages;
  const last = stages.at(-1);
  if (first === undefined || last === undefined) return null;
  const targets = last.last.outgoing;
  const joins = joinOf(targets, inspection);
  // Each further stage takes a copy of every edge into the first, and an edge to what waits for it.
  const operations = (stages.length - 1) * (first.head.incoming.length + (joins === "direct" ? targets.length : 1));
  if (joins === null || operations > PATCH_OPERATIONS_MAX || !areReadInTime(stages, last.last.id, pass)) return null;

  const revision = new Revision(inspection.definition);
  const ends = joins === "direct" ? targets.map((edge) => edge.to) : [addJoin(revision, last, inspection)];
  for (const [position, stage] of stages.entries()) {
    if (position > 0) for (const edge of first.head.incoming) revision.addEdge(copy(edge, stage.head.id, inspection));
    if (stage !== last) leadTo(ends, stage, revision, inspection);
  }
  const patch = revision.operations();
  if (patch === null) return null;

  const weights = stages.map(({ nodes }) => nodes.reduce((sum, { type }) => sum + weightOf(type), 0));
  const saved = weights.reduce((sum, weight) => sum + weight, 0) - Math.max(...weights);
  const heads = stages.map(({ head }) => head.id);
  const suggestion: Suggestion = {
    kind: "parallel_requests",
    message: `${nameNodes(heads)} only read and need nothing of each other, so they can run side by side`,
    nodes: stages.flatMap(({ nodes }) => nodes.map(({ id }) => id)),
    patch,
    note: NOTE,
    saves: { path_weight: saved },
  };
  return { suggestion, after: revision.after };
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
function areReadInTime(stages: readonly Stage[], last: string, { inspection, waits }: Pass): boolean {
  const members = new Set(stages.flatMap(({ nodes }) => nodes.map(({ id }) => id)));
  return [...members].every((id) =>
    (inspection.readers.get(id) ?? []).every((reader) => members.has(reader) || waits.includes(reader, last)),
  );
}

/** Puts a node behind the last stage that waits for all and gives what the last one gave. */
function addJoin(revision: Revision, { last }: Stage, inspection: Inspection): string {
  const id = freeId(`${last.id}_joined`, inspection);
  revision.addNode({ id, type: "transform", config: { expression: outputExpression(last.id) } });
  for (const edge of last.outgoing) replace(edge, { from: id }, revision, inspection);
  revision.addEdge({ from: last.id, to: id });
  return id;
}

/** The edge from a stage to the next leads to the ends instead. */
function leadTo(ends: readonly string[], { last }: Stage, revision: Revision, inspection: Inspection): void {
  const [to, ...others] = ends;
  for (const edge of last.outgoing) if (to !== undefined) replace(edge, { to }, revision, inspection);
  for (const other of others) revision.addEdge({ from: last.id, to: other });
}

function replace(
  edge: CompiledEdge,
  change: Partial<EdgeDefinition>,
  revision: Revision,
  inspection: Inspection,
): void {
  const place = inspection.edgePlace(edge);
  const written = place === null ? undefined : inspection.definition.edges[place];
  if (place !== null && written !== undefined) revision.replaceEdge(place, { ...written, ...change });
}

function copy(edge: CompiledEdge, to: string, inspection: Inspection): EdgeDefinition {
  const place = inspection.edgePlace(edge);
  const written = place === null ? undefined : inspection.definition.edges[place];
  return { ...(written ?? { from: edge.from }), to };
}

function freeId(wanted: string, inspection: Inspection): string {
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? "" : `_${number}`;
    const id = wanted.slice(0, 64 - suffix.length) + suffix;
    if (NODE_ID_PATTERN.test(id) && !inspection.graph.nodes.has(id)) return id;
  }
}
