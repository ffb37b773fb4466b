/** What is told of a failing seed: the check, a script that repeats it, and what happened. */
import { CHECKS } from "./model/violation.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { simulate } from "./simulation.ts";

/** Lines of what happened that are shown, the last ones. */
const LINES_MAX = 120;
const LINE_LENGTH_MAX = 240;

export async function reportOf(scenario: Scenario): Promise<string> {
  const { violation, trace, lastedMs } = await simulate(scenario, true);
  const lines = trace.slice(-LINES_MAX).map((line) => line.slice(0, LINE_LENGTH_MAX));
  const left = trace.length - lines.length;
  return [
    `What happened${left > 0 ? ` (${left} earlier lines left out)` : ""}, in seconds of virtual time:`,
    ...lines,
    "",
    violation === null
      ? `Nothing was broken in ${(lastedMs / 1000).toFixed(3)} s.`
      : `Check ${violation.check}: ${CHECKS[violation.check]}\n  ${violation.message}`,
    "",
    `Script (npm run simulate -- --script FILE repeats it):`,
    scriptOf(scenario),
  ].join("\n");
}

/** A scenario as JSON that a person can read: one line a node, an edge, a run, a command, a crash. */
export function scriptOf(scenario: Scenario): string {
  const { workflows, runs, commands, crashes, ...rest } = scenario;
  const list = (items: readonly unknown[], indent: string) =>
    items.length === 0
      ? "[]"
      : `[\n${items.map((item) => `${indent}  ${JSON.stringify(item)}`).join(",\n")}\n${indent}]`;
  const flows = workflows
    .map(
      ({ nodes, edges }) =>
        `    {\n      "nodes": ${list(nodes, "      ")},\n      "edges": ${list(edges, "      ")}\n    }`,
    )
    .join(",\n");
  const head = JSON.stringify(rest).slice(0, -1);
  return `${head},\n  "workflows": [\n${flows}\n  ],\n  "runs": ${list(runs, "  ")},\n  "commands": ${list(commands, "  ")},\n  "crashes": ${list(crashes, "  ")}\n}`;
}
