/** What is run: the three graphs that every system in the comparison runs, with their inputs and their right outputs. */
import { isDeepStrictEqual } from "node:util";

export const WORKLOAD_NAMES = ["chain5", "fanout10", "http3"] as const;
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

export interface Workload {
  name: WorkloadName;
  definition: object;
  inputs(n: number): object;
  /** Whether a completed run's outputs are those of `inputs(n)`. */
  isRight(outputs: unknown, n: number): boolean;
}

/** `server`: host:port that the http nodes call. */
export function workloadOf(name: WorkloadName, server: string): Workload {
  switch (name) {
    case "chain5":
      return chain5();
    case "fanout10":
      return fanout10();
    case "http3":
      return http3(server);
  }
}

/** A step that does nothing but whose result is kept. */
function step(id: string): object {
  return { id, type: "function", config: { function_name: "identity" } };
}

function chain(ids: readonly string[]): object[] {
  return ids.slice(1).map((id, index) => ({ from: ids[index], to: id }));
}

function chain5(): Workload {
  const ids = ["a", "b", "c", "d", "e"];
  return {
    name: "chain5",
    definition: { nodes: ids.map(step), edges: chain(ids) },
    inputs: (n) => ({ n }),
    isRight: (outputs, n) => isDeepStrictEqual(outputs, { e: { n } }),
  };
}

function fanout10(): Workload {
  const branches = Array.from({ length: 10 }, (_, index) => `b${index}`);
  const edges = branches.flatMap((id) => [
    { from: "first", to: id },
    { from: id, to: "join" },
  ]);
  return {
    name: "fanout10",
    definition: { nodes: [{ id: "first", type: "parallel" }, ...branches.map(step), step("join")], edges },
    inputs: (n) => ({ n }),
    isRight: (outputs, n) =>
      isDeepStrictEqual(outputs, { join: Object.fromEntries(branches.map((id) => [id, { n }])) }),
  };
}

function http3(server: string): Workload {
  const ids = ["a", "b", "c"];
  const nodes = ids.map((id) => ({ id, type: "http", config: { url: `http://${server}/${id}/\${$inputs.n}` } }));
  return {
    name: "http3",
    definition: { nodes, edges: chain(ids) },
    inputs: (n) => ({ n }),
    isRight: (outputs, n) => {
      const last = (outputs as { c?: { status_code?: number; body?: { path?: string } } } | undefined)?.c;
      return last?.status_code === 200 && last.body?.path === `/c/${n}`;
    },
  };
}
