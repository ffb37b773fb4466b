/** Invariant 9: results that a run takes over from the one it replays. Which those are, and that they are the same. */
import { isEqualJson, type Json } from "#kernel/json.ts";
import type { DefinitionModel } from "./definition-model.ts";
import type { Route } from "./routing-model.ts";
import type { EventOf, RunModel } from "./run-model.ts";
import { must } from "./violation.ts";

type EndEvent = EventOf<"node.completed" | "node.failed" | "node.skipped">;

const ENDS: ReadonlySet<string> = new Set(["node.completed", "node.failed", "node.skipped"]);

/**
 * What a replay from a node takes over: nodes with a result that are not after it, the same in both workflows, and led
 * to by such nodes alone. Loops are taken over whole, and begin again as a whole.
 */
export function keptNodes(to: DefinitionModel, source: RunModel, from: string): Set<string> {
  const again = to.downstream(to.around(from).at(-1)?.body ?? [from]);
  const isKept = (id: string) => !again.has(id) && hasResult(source, id) && isSame(to, source.definition, id);
  const kept = new Set([...to.nodes.keys()].filter(isKept));
  const stands = (id: string) =>
    to.incoming(id).every((edge) => kept.has(edge.from)) &&
    [...(to.around(id).at(-1)?.body ?? [])].every((other) => kept.has(other));
  for (let size = -1; size !== kept.size; ) {
    size = kept.size;
    for (const id of [...kept]) if (!stands(id)) kept.delete(id);
  }
  return kept;
}

function hasResult(source: RunModel, id: string): boolean {
  const status = source.nodes.get(id)?.status;
  if (source.unhandled.has(id)) return false;
  return status === "completed" || status === "failed" || status === "skipped";
}

function isSame(to: DefinitionModel, before: DefinitionModel, id: string): boolean {
  const edgesOf = (definition: DefinitionModel) =>
    [...definition.incoming(id), ...definition.outgoing(id)].map(({ leaves: _, ...edge }) => JSON.stringify(edge));
  const [mine, other] = [to.nodes.get(id), before.nodes.get(id)];
  return isEqualJson(asJson(mine), asJson(other)) && edgesOf(to).join() === edgesOf(before).join();
}

/** A result of the replayed run is this run's: byte for byte, with where it led. */
export function takeOver(run: RunModel, event: EndEvent, output: Json): void {
  const { node: id, type } = event;
  const source = run.surroundings.run(run.replayOf?.run_id ?? "");
  const isMeant = run.kept?.delete(id) === true && source !== undefined && event.reused_from === source.runId;
  must(isMeant, "9", () => `${id} is taken over from ${event.reused_from}, and it is not to be`);
  const before = source.log.findLast((other): other is EndEvent => ENDS.has(other.type) && idOf(other) === id);
  const known = source.node(id);
  must(before?.type === type, "9", () => `${id} is taken over as ${type}, and it was ${before?.type}`);
  must(event.attempt === before.attempt, "9", () => `${id} is taken over with attempt ${event.attempt}`);
  const [error, errorBefore] = [event, before].map((each) => asJson("error" in each ? each.error : null));
  must(isEqualJson(error ?? null, errorBefore ?? null), "9", () => `${id} is taken over with another error`);
  if (type === "node.completed") {
    const [given, given1] = [output, known.outputBefore()].map((value) => JSON.stringify(value));
    must(given === given1, "9", () => `${id} is taken over as ${given}, and it gave ${given1}`);
  }
  const node = run.node(id);
  must(node.status === "pending" && node.visit === 0, "9", () => `${id} is taken over though it is ${node.status}`);
  node.visit = event.visit;
  node.attempt = event.attempt;
  run.end(node, known.status, event.seq, type === "node.completed" ? output : undefined);
  if (type === "node.failed") node.error = event.error;
  run.edges.expect(node, ledTo(run, source, id));
}

/** Where the node's end led in the replayed run. */
function ledTo(run: RunModel, source: RunModel, id: string): Route {
  const route: Route = { taken: [], dead: [] };
  for (const edge of run.definition.outgoing(id)) {
    const same = source.definition.outgoing(id).find(({ name }) => name === edge.name);
    const target = source.node(edge.to);
    if (same === undefined || !target.resolved.has(same)) continue;
    if (target.taken.includes(same)) route.taken.push(edge);
    else route.dead.push(edge);
  }
  return route;
}

function idOf(event: object): unknown {
  return (event as { node?: unknown }).node;
}

function asJson(value: object | undefined | null): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}
