/** Routing on random workflows without loops, in random orders of events: against a model of rules 1, 2, 4 and 7. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RunEvent } from "#engine/events.ts";
import type { Json } from "#kernel/json.ts";
import { definitionOf, type Flow, flows } from "../support/arbitrary-flow.ts";
import { holds } from "../support/property.ts";
import { RunDriver } from "../support/run-driver.ts";
import { modelRun } from "./routing-model.ts";

/** Drives the run to its end; `order` says which of the open tasks is answered next, `look` sees each step. */
function run(flow: Flow, order: readonly number[], look: (driver: RunDriver) => void = () => {}): RunDriver {
  const driver = new RunDriver(definitionOf(flow), flow.inputs);
  look(driver);
  for (let step = 0; driver.tasks.length > 0; step++) {
    const path = driver.tasks[(order[step] ?? 0) % driver.tasks.length]?.path ?? "";
    const fails = flow.nodes.find(({ id }) => id === path)?.fails;
    const error = { code: "http_status" as const, message: "503" };
    driver.answer(path, fails ? { ok: false, error } : { id: path });
    look(driver);
  }
  return driver;
}

/** Without the texts of errors, which the model does not write. */
function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const { code, message, node } = value;
  if (typeof message === "string" && code !== undefined && node !== undefined) return { code, node };
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

const cases = fc.tuple(flows(), fc.array(fc.nat({ max: 9 }), { maxLength: 9 }));

const firstOf = (events: readonly RunEvent[], id: string, ...types: string[]) =>
  events.findIndex((event) => types.includes(event.type) && "node" in event && event.node === id);

describe("routing: against a model", () => {
  test("nodes, edges, outputs and the run's end are those of the rules", () => {
    holds(
      fc.property(cases, ([flow, order]) => {
        const driver = run(flow, order);
        const model = modelRun(flow, (id) => driver.state.nodes.get(id)?.via ?? null);
        const unhandled = [...model.nodes].filter(([, node]) => node.isUnhandled).map(([id]) => id);
        if (unhandled.length === 0) {
          expect(driver.view.status).toBe("completed");
          expect(plain(driver.outputs ?? null)).toEqual(model.outputs);
        } else {
          expect(driver.view.status).toBe("failed");
          expect(unhandled).toContain(driver.view.error?.node);
        }
        const keys = edgeKeysOf(flow);
        for (const [id, node] of model.nodes) {
          const status = driver.status(id);
          const hasEnded = ["completed", "failed", "skipped"].includes(status);
          // After an unhandled failure some nodes never start; what has ended has ended by the rules all the same.
          if (unhandled.length === 0 || hasEnded) expect({ id, status }).toEqual({ id, status: node.status });
          else expect(["pending", "cancelled"]).toContain(status);
          if (!hasEnded || node.isUnhandled) continue;
          for (const edge of flow.edges.filter(({ from }) => from === id)) {
            const state = driver.state.edges.get(keys.get(edge) ?? "");
            expect({ edge, state }).toEqual({ edge, state: node.taken.has(edge) ? "taken" : "dead" });
          }
          const warnings = driver.events.filter(
            (event) => event.type === "warning" && event.code === "missing_field" && event.node === id,
          );
          expect(warnings).toHaveLength(node.warnings);
        }
      }),
      500,
    );
  });

  test("a node starts once, by rule 4, and a join of any with what came first", () => {
    holds(
      fc.property(cases, ([flow, order]) => {
        const { events } = run(flow, order);
        const isFailing = (event: RunEvent) => event.type === "node.failed" && !event.handled;
        const failure = events.findIndex(isFailing);
        for (const node of flow.nodes) {
          const start = firstOf(events, node.id, "node.started", "node.queued");
          const starts = events.filter((event) => event.type === "node.started" && event.node === node.id);
          expect(starts.length).toBeLessThanOrEqual(1);
          if (start === -1) continue;
          if (failure !== -1) expect(start).toBeLessThan(failure);
          const incoming = flow.edges.filter(({ to }) => to === node.id);
          const resolved = events.slice(0, start).flatMap((event) => resolutionsOf(event, node.id));
          const taken = resolved.filter(({ isTaken }) => isTaken);
          if (incoming.length === 0) continue;
          expect(taken.length).toBeGreaterThan(0);
          if (node.join === "all") expect(resolved).toHaveLength(incoming.length);
          else {
            const event = events[start];
            expect(event !== undefined && "via" in event && event.via).toBe(taken[0]?.from);
          }
        }
      }),
      300,
    );
  });

  test("nothing that could start or be skipped is left waiting, and an unhandled failure ends the run at once", () => {
    holds(
      fc.property(cases, ([flow, order]) => {
        const keys = edgeKeysOf(flow);
        run(flow, order, ({ state, view }) => {
          if (state.failing !== null) {
            // No task was announced as running, so none may end by itself.
            expect([view.status, state.active.size]).toEqual(["failed", 0]);
            return;
          }
          for (const { id, join } of flow.nodes) {
            if (state.nodes.get(id)?.status !== "pending") continue;
            const incoming = flow.edges
              .filter(({ to }) => to === id)
              .map((edge) => state.edges.get(keys.get(edge) ?? ""));
            expect(incoming).toContain(undefined);
            if (join === "any") expect(incoming).not.toContain("taken");
          }
        });
      }),
      300,
    );
  });

  test("without joins of any, the order in which tasks end changes nothing", () => {
    holds(
      fc.property(cases, fc.array(fc.nat({ max: 9 }), { maxLength: 9 }), ([flow, order], other) => {
        const ordered = { ...flow, nodes: flow.nodes.map((node) => ({ ...node, join: "all" as const })) };
        const [first, second] = [run(ordered, order), run(ordered, other)];
        expect(second.view.status).toBe(first.view.status);
        if (first.view.status === "completed") {
          expect(second.outputs).toEqual(first.outputs);
          expect(second.view.node_counts).toEqual(first.view.node_counts);
        }
      }),
      200,
    );
  });
});

/** The edges into `id` that an event resolves. */
function resolutionsOf(event: RunEvent, id: string): { from: string; isTaken: boolean }[] {
  if (event.type !== "edge.resolved") return [];
  const into = (targets: readonly string[]) => targets.filter((target) => target.split("#")[0] === id);
  return [
    ...into(event.taken).map(() => ({ from: event.node, isTaken: true })),
    ...into(event.dead).map(() => ({ from: event.node, isTaken: false })),
  ];
}

/** Edges by the key that the state knows them under: numbered where several join the same two nodes. */
function edgeKeysOf(flow: Flow) {
  const counts = new Map<string, number>();
  return new Map(
    flow.edges.map((edge) => {
      const pair = `${edge.from}>${edge.to}`;
      const count = (counts.get(pair) ?? 0) + 1;
      counts.set(pair, count);
      return [edge, count === 1 ? pair : `${pair}#${count}`];
    }),
  );
}
