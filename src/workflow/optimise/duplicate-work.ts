/**
 * The pass for nodes that do the same work on the same input at the same place: one of them is enough. The others go,
 * and what they led to hangs on the first; a request that is read by name or ends the workflow stays as a node that
 * passes the first one's answer on.
 */
import { canonicalJson, type Json } from "#kernel/json.ts";
import type { CompiledNode } from "../graph.ts";
import { PATCH_OPERATIONS_MAX } from "../limits.ts";
import type { Inspection } from "./inspection.ts";
import { SUGGESTIONS_PER_KIND_MAX } from "./limits.ts";
import { outputExpression } from "./output-expression.ts";
import { isPure, isReadingRequest, readsInput, readsVia } from "./reading.ts";
import { GUARDED, Revision } from "./revision.ts";
import { nameNodes, type Suggestion } from "./suggestion.ts";

const NOTE = "They then always get the same answer; before, the server could have given each its own.";

export function duplicateWork(inspection: Inspection): Suggestion[] {
  const found: Suggestion[] = [];
  for (const group of alike(inspection).values()) {
    if (found.length >= SUGGESTIONS_PER_KIND_MAX) break;
    found.push(...merge(group, inspection));
  }
  return found;
}

/** Nodes that could be one, by what they do and where. */
function alike(inspection: Inspection): Map<string, CompiledNode[]> {
  const groups = new Map<string, CompiledNode[]>();
  for (const { id } of inspection.definition.nodes) {
    const node = inspection.node(id);
    if (!isMergeable(node, inspection)) continue;
    const key = signatureOf(node);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [node]);
    else group.push(node);
  }
  return groups;
}

/** Not where a failure leads on: it would carry the other node's name. */
function isMergeable(node: CompiledNode, inspection: Inspection): boolean {
  return (
    (isReadingRequest(node) || isPure(node)) &&
    !node.continuesOnError &&
    (node.join === "all" || node.incoming.length < 2) &&
    node.outgoing.every((edge) => edge.on === "success") &&
    !inspection.never.nodes.has(node.id) &&
    !inspection.isFixed(node.id)
  );
}

/** Equal for nodes that get the same input in the same cases and make the same of it. */
function signatureOf(node: CompiledNode): string {
  const config = node.type.config.safeParse(node.definition.config ?? {});
  const ways = node.incoming.map(({ from, on, branch, condition }) => [from, on, branch ?? null, condition ?? null]);
  const { maxAttempts, backoffMs, multiplier, jitter } = node.retry;
  return canonicalJson([
    node.type.type,
    (config.success ? config.data : node.definition.config) as Json,
    ways,
    [maxAttempts, backoffMs, multiplier, jitter],
    node.timeoutMs,
  ]);
}

function merge(group: readonly CompiledNode[], inspection: Inspection): Suggestion[] {
  const [kept, ...others] = [...group].sort((left, right) => placeOf(left, inspection) - placeOf(right, inspection));
  if (kept === undefined || others.length === 0 || !leadsOnPlainly(kept)) return [];
  const merging = new Merging(kept, inspection);
  const merged = others.filter((other) => comesAfter(other, kept, inspection) && merging.take(other));
  const patch = merging.revision.operations();
  if (merged.length === 0 || patch === null) return [];
  const isRequest = isReadingRequest(kept);
  return [
    {
      kind: "duplicate_work",
      message: `${nameNodes([kept, ...merged].map(({ id }) => id))} do the same work on the same input, so one of them is enough`,
      nodes: [kept, ...merged].map(({ id }) => id),
      patch,
      ...(isRequest ? { note: NOTE } : {}),
      saves: isRequest ? { requests: merged.length } : { node_runs: merged.length },
    },
  ];
}

function placeOf(node: CompiledNode, inspection: Inspection): number {
  const [edge] = node.incoming;
  return (edge === undefined ? null : inspection.edgePlace(edge)) ?? inspection.nodePlace(node.id);
}

/** The first node must be first everywhere: conditions are tried in the order of edges, inline nodes start in it. */
function comesAfter(other: CompiledNode, kept: CompiledNode, inspection: Inspection): boolean {
  const isLater = other.incoming.every((edge, index) => {
    const [place, first] = [edge, kept.incoming[index]].map((each) => each && inspection.edgePlace(each));
    return typeof place === "number" && typeof first === "number" && place > first;
  });
  const startsLater = kept.type.kind === "task" || inspection.nodePlace(other.id) > inspection.nodePlace(kept.id);
  return isLater && startsLater;
}

/** Takes every edge on when it ends well, and has one: another edge changes nothing. */
function leadsOnPlainly(node: CompiledNode): boolean {
  return node.outgoing.length > 0 && node.outgoing.every((edge) => edge.condition === undefined);
}

class Merging {
  readonly revision: Revision;
  readonly #kept: CompiledNode;
  readonly #inspection: Inspection;
  /** Nodes that the kept one leads to, also by now. */
  readonly #reached: Set<string>;

  constructor(kept: CompiledNode, inspection: Inspection) {
    this.#kept = kept;
    this.#inspection = inspection;
    this.revision = new Revision(inspection.definition);
    this.#reached = new Set(kept.outgoing.map((edge) => edge.to));
  }

  /** Merges the node into the kept one; false when it cannot be, or when the patch has no room left. */
  take(other: CompiledNode): boolean {
    const changes = 1 + other.incoming.length + other.outgoing.length;
    if (this.revision.size + GUARDED * changes > PATCH_OPERATIONS_MAX) return false;
    if (this.#canGo(other)) this.#remove(other);
    else if (isReadingRequest(other) && !other.outgoing.some((edge) => edge.program?.references.variables.has("run"))) {
      this.#passOn(other);
    } else return false;
    return true;
  }

  /** Nothing notices that the output comes from another node: not by name, not by the shape of an input. */
  #canGo(other: CompiledNode): boolean {
    return (
      leadsOnPlainly(other) &&
      !this.#inspection.readers.has(other.id) &&
      other.outgoing.every((edge) => {
        const target = this.#inspection.node(edge.to);
        if (readsVia(target) || this.#inspection.isFixed(target.id)) return false;
        return target.incoming.length === 1 || (target.join === "all" && !readsInput(target));
      })
    );
  }

  #remove(other: CompiledNode): void {
    for (const edge of other.outgoing) {
      const place = this.#inspection.edgePlace(edge) ?? -1;
      const written = this.#inspection.definition.edges[place];
      if (written === undefined) continue;
      if (this.#reached.has(edge.to)) this.revision.removeEdge(place);
      else this.revision.replaceEdge(place, { ...written, from: this.#kept.id });
      this.#reached.add(edge.to);
    }
    this.#cutOff(other, 0);
    this.revision.removeNode(this.#inspection.nodePlace(other.id));
  }

  /** The node stays, with its name and its ways on, and gives what the kept one gave. */
  #passOn(other: CompiledNode): void {
    const edge = { from: this.#kept.id, to: other.id };
    const place = other.incoming[0] === undefined ? null : this.#inspection.edgePlace(other.incoming[0]);
    if (place === null) this.revision.addEdge(edge);
    else this.revision.replaceEdge(place, edge);
    this.#cutOff(other, 1);
    const config = { expression: outputExpression(this.#kept.id) };
    this.revision.replaceNode(this.#inspection.nodePlace(other.id), { id: other.id, type: "transform", config });
  }

  #cutOff(other: CompiledNode, from: number): void {
    for (const edge of other.incoming.slice(from)) {
      const place = this.#inspection.edgePlace(edge);
      if (place !== null) this.revision.removeEdge(place);
    }
  }
}
