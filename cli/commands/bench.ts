/** `weir bench`: how fast this deployment runs a small workflow, as this machine sees it. */
import { Command, Option } from "@commander-js/extra-typings";
import { duration } from "#kernel/duration.ts";
import { drive, type Timing } from "../../bench/load.ts";
import { workloadOf } from "../../bench/workloads.ts";
import { contextOf } from "../context.ts";
import { EXIT, Failure } from "../failure.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";

/** Those that need no server of their own. */
const WORKLOADS = ["chain5", "fanout10"] as const;
const TAG_PREFIX = "weir-bench-";

export const bench = new Command("bench")
  .description("how fast this deployment runs a small workflow, waiting for the end of each run")
  .addOption(
    new Option("--workload <name>", "five nodes in a row, or ten side by side")
      .choices(WORKLOADS)
      .default("chain5" as const),
  )
  .option("--runs <number>", "so many runs", whole(1, 100_000), 200)
  .option("--in-flight <number>", "so many of them at once", whole(1, 1_000), 10)
  .action(async (options, command) => {
    const { weir, output, signal } = contextOf(command);
    const workload = workloadOf(options.workload, "");
    const tag = `${TAG_PREFIX}${options.workload}`;
    await weir.workflows.push(tag, workload.definition, { signal, description: "of weir bench" });
    output.note(`${options.runs} runs of ${options.workload}, ${options.inFlight} at once`);
    let timing: Timing;
    try {
      timing = await drive({ count: options.runs, inFlight: options.inFlight }, async (n) => {
        const order = { workflow: tag, inputs: workload.inputs(n) as never, labels: { bench: options.workload } };
        const run = await weir.runs.startAndWait(order, { signal });
        if (!workload.isRight(run.outputs, n)) {
          throw new Failure(EXIT.failed, `${run.run_id} ${run.status} with other outputs than it should have`);
        }
      });
    } finally {
      // Without the signal: it is tidied up after Ctrl+C too.
      await weir.workflows.delete(tag).catch(() => {});
    }
    output.answer(
      { workload: options.workload, runs: options.runs, in_flight: options.inFlight, ...timing },
      {
        pretty: () => [
          `${timing.per_second.toFixed(1)} runs/s`,
          ...(["p50", "p95", "p99", "max"] as const).map(
            (name) => `  ${name.padEnd(4)} ${duration(timing[`${name}_ms`])}`,
          ),
        ],
        compact: () => Object.entries(timing).map(([name, value]) => fields(name, value)),
      },
    );
  });
