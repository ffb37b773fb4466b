/** The pass for branches that no run takes: says which and why, and offers to remove what can go without a trace. */
import type { Problem } from "#kernel/errors.ts";
import { jsonPointer } from "#kernel/json.ts";
import type { CompiledEdge } from "../graph.ts";
import type { Inspection } from "./inspection.ts";
import { SUGGESTIONS_PER_KIND_MAX } from "./limits.ts";
import { findRemovable, type Removable } from "./removable.ts";
import { type PatchOperation, Revision } from "./revision.ts";
import { nameNodes, type Suggestion } from "./suggestion.ts";

interface Branch {
  nodes: string[];
  edges: CompiledEdge[];
}

/** A warning for each branch, at its first node or else its edge, and the suggestion to remove it. */
export function deadBranches(inspection: Inspection): { warnings: Problem[]; suggestions: Suggestion[] } {
  if (inspection.never.edges.size === 0) return { warnings: [], suggestions: [] };
  const removable = findRemovable(inspection);
  const branches = branchesOf(inspection).slice(0, SUGGESTIONS_PER_KIND_MAX);
  return {
    warnings: branches.map((branch) => ({
      pointer: placeOf(branch, inspection),
      message: describe(branch, inspection),
    })),
    suggestions: branches.map((branch) => suggest(branch, removable, inspection)),
  };
}

/** What hangs together is one branch. */
function branchesOf({ never, order }: Inspection): Branch[] {
  const leaders = new Map<string, string>();
  const leaderOf = (id: string): string => {
    let leader = id;
    for (let next = leaders.get(leader); next !== undefined && next !== leader; next = leaders.get(leader)) {
      leaders.set(leader, leaders.get(next) ?? next);
      leader = next;
    }
    return leader;
  };
  for (const { from, to } of never.edges.keys()) {
    if (never.nodes.has(from) && never.nodes.has(to)) leaders.set(leaderOf(to), leaderOf(from));
  }
  const branches = new Map<string, Branch>();
  const branch = (key: string): Branch => {
    const known = branches.get(key) ?? { nodes: [], edges: [] };
    branches.set(key, known);
    return known;
  };
  for (const id of order) if (never.nodes.has(id)) branch(leaderOf(id)).nodes.push(id);
  for (const edge of never.edges.keys()) {
    const end = [edge.to, edge.from].find((id) => never.nodes.has(id));
    branch(end === undefined ? `${edge.key} alone` : leaderOf(end)).edges.push(edge);
  }
  return [...branches.values()];
}

function suggest(branch: Branch, removable: Removable, inspection: Inspection): Suggestion {
  const patch = removalOf(branch, removable, inspection);
  const leftEdges = branch.edges.filter((edge) => !removable.edges.has(edge)).length;
  const leftNodes = branch.nodes.filter((id) => !removable.nodes.has(id)).length;
  const note =
    patch.length === 0
      ? "Nothing of it can be removed without changing what the run does."
      : leftEdges + leftNodes > 0
        ? "What other nodes wait for, read or take their shape from is left in place."
        : null;
  return {
    kind: "dead_branch",
    message: describe(branch, inspection),
    nodes: branch.nodes.length > 0 ? branch.nodes : [...new Set(branch.edges.flatMap(({ from, to }) => [from, to]))],
    patch,
    ...(note === null ? {} : { note }),
  };
}

function removalOf(branch: Branch, removable: Removable, inspection: Inspection): PatchOperation[] {
  const revision = new Revision(inspection.definition);
  for (const id of branch.nodes) if (removable.nodes.has(id)) revision.removeNode(inspection.nodePlace(id));
  for (const edge of branch.edges) {
    const place = inspection.edgePlace(edge);
    if (removable.edges.has(edge) && place !== null) revision.removeEdge(place);
  }
  return revision.operations() ?? revision.operationsByList();
}

function describe({ nodes, edges }: Branch, { never }: Inspection): string {
  const reasons = [...new Set(edges.flatMap((edge) => never.edges.get(edge) ?? []))];
  const more = reasons.length > 1 ? `, for ${reasons.length} reasons, one of them:` : ":";
  if (nodes.length > 0) return `${nameNodes(nodes)} can never run${more} ${reasons[0]}`;
  const [edge] = edges;
  return `the edge from "${edge?.from}" to "${edge?.to}" is never taken: ${reasons[0]}`;
}

function placeOf({ nodes, edges }: Branch, inspection: Inspection): string {
  const [node] = nodes;
  if (node !== undefined) return jsonPointer(["nodes", inspection.nodePlace(node)]);
  const place = edges[0] === undefined ? null : inspection.edgePlace(edges[0]);
  return jsonPointer(place === null ? ["edges"] : ["edges", place]);
}
