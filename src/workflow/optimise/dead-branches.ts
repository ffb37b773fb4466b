/** The pass for branches that no run takes: says which and why, and offers to remove what can go without a trace. */
import type { Problem } from "#kernel/errors.ts";
import { jsonPointer } from "#kernel/json.ts";
import type { CompiledEdge } from "../graph.ts";
import type { Inspection } from "./inspection.ts";
import { SUGGESTIONS_PER_KIND_MAX } from "./limits.ts";
import { namesRead, namesReadBy } from "./reading.ts";
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

/** What hangs together is one branch: by edges, or because one part reads another by name. */
function branchesOf(inspection: Inspection): Branch[] {
  const { never, order } = inspection;
  const groups = new Groups();
  const isDead = (id: string) => never.nodes.has(id);
  for (const id of never.nodes)
    for (const read of namesRead(inspection.node(id))) if (isDead(read)) groups.join(id, read);
  for (const edge of never.edges.keys()) {
    for (const id of [edge.from, edge.to, ...namesReadBy(edge)]) if (isDead(id)) groups.join(edge.key, id);
  }
  const branches = new Map<string, Branch>();
  const branchAround = (member: string): Branch => {
    const leader = groups.leaderOf(member);
    const known = branches.get(leader) ?? { nodes: [], edges: [] };
    branches.set(leader, known);
    return known;
  };
  for (const id of order) if (isDead(id)) branchAround(id).nodes.push(id);
  for (const edge of never.edges.keys()) branchAround(edge.key).edges.push(edge);
  return [...branches.values()];
}

/** Disjoint sets of names (union-find with path halving). */
class Groups {
  readonly #parents = new Map<string, string>();

  leaderOf(name: string): string {
    let member = name;
    for (let parent = this.#parents.get(member); parent !== undefined; parent = this.#parents.get(member)) {
      const above = this.#parents.get(parent);
      if (above !== undefined) this.#parents.set(member, above);
      member = parent;
    }
    return member;
  }

  join(one: string, other: string): void {
    const [left, right] = [this.leaderOf(one), this.leaderOf(other)];
    if (left !== right) this.#parents.set(left, right);
  }
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
