/** `weir run details`: a run with every node's latest execution, drawn over time. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { detailsLooks, exitCodeOf } from "../run-report.ts";

export const runDetails = new Command("details")
  .description("a run with every node's execution, drawn over time; exit code 1 when it failed or was cancelled")
  .argument("<run_id>")
  .action(async (id, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const run = await weir.runs.details(id, { signal });
    output.answer(run, detailsLooks(run, output));
    process.exitCode = exitCodeOf(run.status);
  });
