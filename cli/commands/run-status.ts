/** `weir run status`: a run as it stands now. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { exitCodeOf, runLooks } from "../run-report.ts";

export const runStatus = new Command("status")
  .description("a run as it stands now; exit code 1 when it failed or was cancelled")
  .argument("<run_id>")
  .action(async (id, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const run = await weir.runs.get(id, { signal });
    output.answer(run, runLooks(run, output));
    process.exitCode = exitCodeOf(run.status);
  });
