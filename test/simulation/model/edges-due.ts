/** Edges that the next events of a run must resolve: where ended nodes lead, and the next pass of a loop that goes on. */
import type { RunEvent } from "#engine/events.ts";
import type { ModelEdge, ModelLoop } from "./definition-model.ts";
import type { NodeModel } from "./node-model.ts";
import type { Route } from "./routing-model.ts";
import type { EventOf, RunModel } from "./run-model.ts";
import { must, Violation } from "./violation.ts";

export class EdgesDue {
  readonly #run: RunModel;
  /** How the end of a node must be routed by the very next event. */
  readonly #routes: { node: NodeModel; route: Route }[] = [];
  /** A loop that goes on: its next pass must be begun before anything else happens. */
  #pass: ModelLoop | null = null;

  constructor(run: RunModel) {
    this.#run = run;
  }

  /** Whether the event may stand here. */
  mustAllow(event: RunEvent): void {
    const [due] = this.#routes;
    if (due !== undefined && event.type !== "edge.resolved") {
      throw new Violation("5", `${event.type} stands where the edges of ${due.node.id} must be resolved`);
    }
    const isOfPass = event.type === "edge.resolved" || event.type === "node.cancelled";
    must(this.#pass === null || isOfPass, "5", () => `${event.type} stands where ${this.#pass?.id} goes on`);
  }

  mustBeNone(): void {
    must(this.#routes.length === 0, "5", () => `the edges of ${this.#routes[0]?.node.id} were not resolved`);
    must(this.#pass === null, "5", () => `${this.#pass?.id} goes on and no pass was begun`);
  }

  /** The next events must resolve the node's edges like this, and what a loop that ends has held back. */
  expectRoute(node: NodeModel, route: Route): void {
    const isOpen = (edge: ModelEdge) => !this.#run.node(edge.to).resolved.has(edge);
    const isNotHeld = (edge: ModelEdge) => edge.leaves === null;
    this.expect(node, { taken: route.taken.filter(isOpen), dead: route.dead.filter(isNotHeld).filter(isOpen) });
    for (const id of this.#run.definition.loops.get(node.id)?.body ?? []) {
      const held = this.#run.definition.outgoing(id).filter((edge) => edge.leaves === node.id && isOpen(edge));
      this.expect(this.#run.node(id), { taken: [], dead: held });
    }
  }

  expect(node: NodeModel, route: Route): void {
    if (route.taken.length + route.dead.length > 0) this.#routes.push({ node, route });
  }

  /** The loop's next pass must be begun. */
  expectPass(node: NodeModel): void {
    this.#pass = this.#run.definition.loops.get(node.id) ?? null;
  }

  /** The next pass of a loop begins, and what its body still does is given up. */
  isLeftBehind(node: NodeModel): boolean {
    return this.#pass?.body.has(node.id) === true;
  }

  resolve(event: EventOf<"edge.resolved">): void {
    if (event.reset !== undefined) {
      this.#beginPass(event);
      return;
    }
    must(this.#pass === null, "5", () => `${this.#pass?.id} goes on, and edges of ${event.node} are resolved`);
    const at = this.#routes.findIndex(({ node }) => node.id === event.node);
    const due = this.#routes[at];
    must(due !== undefined, "5", () => `edges of ${event.node} are resolved out of turn`);
    this.#routes.splice(at, 1);
    const { node, route } = due;
    const names = (edges: readonly { name: string }[]) => edges.map((edge) => edge.name).sort();
    for (const side of ["taken", "dead"] as const) {
      const given = [...event[side]].sort();
      const expected = names(route[side]);
      const isRight = given.join(" ") === expected.join(" ");
      must(isRight, "rules", () => `${node.id}: edges ${side} are [${given}], and they should be [${expected}]`);
    }
    this.#take(event, route);
  }

  /** In the order of the event: it decides which one an `any` join was started by. */
  #take(event: EventOf<"edge.resolved">, route: Route): void {
    const byName = new Map([...route.taken, ...route.dead].map((edge) => [edge.name, edge]));
    for (const name of [...event.taken, ...event.dead]) {
      const edge = byName.get(name);
      if (edge === undefined) continue;
      const target = this.#run.node(edge.to);
      must(!target.resolved.has(edge), "5", () => `the edge ${edge.from} → ${edge.name} is resolved twice`);
      target.resolved.add(edge);
      if (route.taken.includes(edge)) target.taken.push(edge);
      if (this.#run.readiness(target) !== "not_yet") target.decidedAtMs ??= event.at;
    }
  }

  #beginPass(event: EventOf<"edge.resolved">): void {
    const loop = this.#pass;
    const run = this.#run;
    must(loop !== null && loop.id === event.node, "5", () => `${event.node} begins a pass out of turn`);
    this.#pass = null;
    const pass = (run.passes.get(loop.id) ?? 0) + 1;
    must(event.pass === pass && pass < loop.passes, "13", () => `pass ${event.pass} of ${loop.id} follows ${pass - 1}`);
    const isIt = event.taken.join() === loop.head && event.dead.length === 0;
    must(isIt, "rules", () => `${loop.id} leads back to ${event.taken}`);
    const reset = [...(event.reset ?? [])].sort().join();
    must(reset === [...loop.body].sort().join(), "5", () => `pass ${pass} of ${loop.id} begins with ${reset}`);
    for (const id of loop.body) {
      const node = run.node(id);
      must(!node.isActive, "5", () => `${id} is ${node.status} though ${loop.id} has begun another pass`);
      node.reset();
      node.unresolve((edge) => loop.body.has(edge.from));
      node.again = id === loop.head ? loop.id : null;
      run.passes.delete(id);
      if (run.readiness(node) !== "not_yet") node.decidedAtMs = event.at;
    }
    run.passes.set(loop.id, pass);
  }
}
