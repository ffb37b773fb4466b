/** A thread that runs scenarios by seed, as many as it is told, and shrinks those that fail. */
import { parentPort, workerData } from "node:worker_threads";
import { installModuleHooks } from "./module-hooks.ts";
import type { PlantedBug } from "./planted-bugs.ts";

export interface ThreadData {
  bug: PlantedBug | null;
}

export type Order = { do: "run"; from: number; seeds: number } | { do: "tell"; seed: number; shrinks: boolean };

export interface SeedFailure {
  seed: number;
  check: string;
  message: string;
}

export type Answer =
  | { done: "run"; seeds: number; steps: number; events: number; failures: SeedFailure[] }
  | { done: "tell"; report: string };

installModuleHooks((workerData as ThreadData).bug);
const { simulate } = await import("./simulation.ts");
const { scenarioOf } = await import("./scenario/generate.ts");

parentPort?.on("message", (order: Order) => {
  void (order.do === "run" ? run(order.from, order.seeds) : tell(order.seed, order.shrinks)).then((answer) =>
    parentPort?.postMessage(answer),
  );
});

async function run(from: number, seeds: number): Promise<Answer> {
  const answer = { done: "run" as const, seeds, steps: 0, events: 0, failures: [] as SeedFailure[] };
  for (let seed = from; seed < from + seeds; seed++) {
    const { violation, steps, logs } = await simulate(scenarioOf(seed));
    answer.steps += steps;
    for (const log of logs.values()) answer.events += log.length;
    if (violation !== null) answer.failures.push({ seed, check: violation.check, message: violation.message });
  }
  return answer;
}

async function tell(seed: number, shrinks: boolean): Promise<Answer> {
  const { shrink } = await import("./shrink.ts");
  const { reportOf } = await import("./report.ts");
  const scenario = scenarioOf(seed);
  return { done: "tell", report: await reportOf(shrinks ? await shrink(scenario) : scenario) };
}
