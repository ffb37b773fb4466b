/** Events of patches: what they may change, and how a run goes on with what they have made of its workflow. */
import { isEqualJson, type Json } from "#kernel/json.ts";
import type { EdgeDefinition, NodeDefinition } from "#workflow/definition.ts";
import { DefinitionModel, type ModelEdge } from "./definition-model.ts";
import type { NodeModel } from "./node-model.ts";
import { carried, readingAt } from "./reading.ts";
import { judgedAlone, type Route } from "./routing-model.ts";
import type { Rules } from "./rules.ts";
import type { EventOf, RunModel } from "./run-model.ts";
import { must } from "./violation.ts";

const PATCHES_MAX = 100;
const AGENT_PATCHES_MAX = 20;

const ENDED: ReadonlySet<string> = new Set(["completed", "failed", "skipped"]);

export const PATCH_RULES: Rules = {
  "patch.proposed": (run, event) => {
    must(!run.isTerminal, "2", () => "a patch is proposed after the end");
    must(event.patch === run.patches.length + 1, "8", () => `patch ${event.patch} follows ${run.patches.length}`);
    must(event.patch <= PATCHES_MAX, "13", () => `${event.patch} patches`);
    const operations = run.valueOf(event.operations, ">patch", event.patch);
    const verdict = event.source === "agent" ? judgeAgent(run, event, operations) : undefined;
    run.patches.push({ operations: operations as unknown as Operation[], status: "proposed", verdict });
  },
  "patch.applied": (run, event) => {
    const patch = run.patches[event.patch - 1];
    must(!run.isTerminal && run.failing === null, "2", () => `patch ${event.patch} is applied after the end`);
    must(patch?.status === "proposed", "8", () => `patch ${event.patch} is applied and is ${patch?.status}`);
    must(patch.verdict !== "refused", "8", () => `patch ${event.patch} is not an agent's to make, and is applied`);
    must(madeByAgents(run) <= AGENT_PATCHES_MAX, "13", () => `agents change ${run.runId} ${madeByAgents(run)} times`);
    patch.status = "applied";
    goOnWith(run, patched(run.definition, patch.operations), new Set());
  },
  "patch.rejected": (run, event) => {
    const patch = run.patches[event.patch - 1];
    must(patch?.status === "proposed", "8", () => `patch ${event.patch} is rejected and is ${patch?.status}`);
    const isRight = patch.verdict !== "taken" || event.by !== run.patchedBy;
    must(isRight, "8", () => `patch ${event.patch} of an agent is right and is rejected: ${event.reason}`);
    patch.status = "rejected";
  },
  "patch.reverted": (run, event) => {
    const patch = run.patches[event.patch - 1];
    const isLast = run.patches.findLastIndex(({ status }) => status === "applied") === event.patch - 1;
    must(isLast && patch?.status === "applied", "8", () => `patch ${event.patch} is taken back and is not the last`);
    patch.status = "reverted";
    const applied = run.patches.filter(({ status }) => status === "applied");
    let definition = run.base;
    for (const { operations } of applied) definition = patched(definition, operations);
    goOnWith(run, definition, new Set(event.unresolved));
  },
};

export interface Operation {
  op: string;
  path: string;
  value?: Json;
}

/** An agent's patch is part of its result, which is being taken up: the next that it brought, and it may make it or not. */
function judgeAgent(run: RunModel, event: EventOf<"patch.proposed">, operations: Json): "taken" | "refused" | null {
  const node = run.node(event.node ?? "");
  must(node.status === "running", "8", () => `${node.id}, which is ${node.status}, changes the run`);
  run.patchedBy = node.id;
  const brought = run.reported(node).flatMap((outcome) => (outcome.ok ? (outcome.patches ?? []) : []));
  const same = brought.filter((each) => isEqualJson(each.operations, operations));
  must(same.length > 0, "8", () => `patch ${event.patch} is none that ${node.id} asked for`);
  const refused = same.filter(({ rejected, description }) => rejected !== undefined || description === "wrong");
  if (refused.length === same.length) return "refused";
  // A task that was delivered twice may have brought it twice, once refused: either result may be the one that is taken up.
  if (refused.length > 0) return null;
  // What has begun of a loop is as it is, nothing starts in a run that fails, and there is a bound.
  const isLate = run.definition.around(node.id).length > 0 || run.failing !== null;
  return isLate || madeByAgents(run) >= AGENT_PATCHES_MAX ? null : "taken";
}

function madeByAgents(run: RunModel): number {
  return run.patches.filter(({ verdict, status }) => verdict !== undefined && status !== "rejected").length;
}

/** The few operations that scenarios make, done a second time. */
function patched(definition: DefinitionModel, operations: readonly Operation[]): DefinitionModel {
  const lists = { nodes: [...definition.nodes.values()] as unknown[], edges: [...definition.edges] as unknown[] };
  for (const { op, path, value } of operations) {
    const [, list, at] = path.split("/") as [string, "nodes" | "edges", string];
    const items = lists[list];
    if (op === "add") items.splice(at === "-" ? items.length : Number(at), 0, value);
    else if (op === "remove") items.splice(Number(at), 1);
    else throw new Error(`the model cannot do ${op}`);
  }
  return new DefinitionModel(lists.nodes as NodeDefinition[], lists.edges as EdgeDefinition[]);
}

/** Invariant 8: what has started or is resolved stays as it was; new edges out of what has ended are judged at once. */
function goOnWith(run: RunModel, to: DefinitionModel, unresolved: ReadonlySet<string>): void {
  const before = run.definition;
  const nameOf = (edge: { from: string; name: string }) => `${edge.from}>${edge.name}`;
  // What an edge leaves follows from the bodies of loops, which a patch may make smaller; the edge itself is as it was.
  const shape = (edges: readonly ModelEdge[]) =>
    JSON.stringify([...edges].map((edge) => JSON.stringify({ ...edge, leaves: undefined })).sort());
  for (const node of run.nodes.values()) {
    if (node.visit === 0 && node.status === "pending") continue;
    if (node.id.includes("[")) continue;
    const after = to.nodes.get(node.id);
    const isSame = after !== undefined && isEqualJson(after as never, before.node(node.id) as never);
    must(isSame, "8", () => `${node.id} has started and is changed by a patch`);
    const isLedTo = shape(before.incoming(node.id)) === shape(to.incoming(node.id));
    must(isLedTo, "8", () => `edges into ${node.id}, which has started, are changed by a patch`);
  }
  for (const node of run.nodes.values()) {
    for (const edge of [...node.resolved]) {
      if (unresolved.has(nameOf(edge))) {
        must(node.visit === 0 && node.status === "pending", "8", () => `${nameOf(edge)} led to what has started`);
        continue;
      }
      const same = to.outgoing(edge.from).find((other) => nameOf(other) === nameOf(edge));
      must(same !== undefined && shape([same]) === shape([edge]), "8", () => `${nameOf(edge)} is resolved and changed`);
    }
  }
  adopt(run, to, unresolved);
}

/** Goes on with a patched definition; edges keep what is known of them under their names. */
function adopt(run: RunModel, to: DefinitionModel, unresolved: ReadonlySet<string>): void {
  run.definition = to;
  for (const node of run.nodes.values()) {
    const same = (edge: ModelEdge) =>
      unresolved.has(`${edge.from}>${edge.name}`)
        ? []
        : to.outgoing(edge.from).filter((other) => other.name === edge.name);
    const [resolved, taken] = [[...node.resolved].flatMap(same), node.taken.flatMap(same)];
    node.resolved.clear();
    for (const edge of resolved) node.resolved.add(edge);
    node.taken.splice(0, node.taken.length, ...taken);
  }
  for (const { id } of to.nodes.values()) {
    const node = run.node(id);
    run.edges.expect(node, routeOfNew(run, node));
    if (node.status !== "pending") continue;
    node.decidedAtMs = run.readiness(node) === "not_yet" ? null : (run.log.at(-1)?.at ?? null);
  }
}

/** New edges out of what has ended, each judged alone. */
function routeOfNew(run: RunModel, node: NodeModel): Route {
  const route: Route = { taken: [], dead: [] };
  const { status, id } = node;
  if (!ENDED.has(status)) return route;
  for (const edge of run.definition.outgoing(id)) {
    if (run.node(edge.to).resolved.has(edge)) continue;
    const isLed = status !== "skipped" || run.readiness(node) === "ready";
    const isTaken = isLed ? holds(run, node, edge) : false;
    must(isTaken !== null, "8", () => `a patch is applied though ${edge.from} → ${edge.name} cannot be evaluated`);
    if (isTaken) route.taken.push(edge);
    else if (edge.leaves === null || ENDED.has(run.node(edge.leaves).status)) route.dead.push(edge);
  }
  return route;
}

function holds(run: RunModel, node: NodeModel, edge: ModelEdge): boolean | null {
  const outcome = node.status === "failed" ? "failure" : "success";
  const reading = readingAt(run, node.id, carried(run, node.id));
  return judgedAlone(run.definitionOf(node.id), edge, run.definition.outgoing(node.id), outcome, reading);
}
