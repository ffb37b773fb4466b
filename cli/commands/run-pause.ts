/** `weir run pause`: nothing new starts in the run. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { acceptedLooks } from "../run-report.ts";

export const runPause = new Command("pause")
  .description("pause a run: nothing new starts, what executes ends")
  .argument("<run_id>")
  .option("-r, --reason <text>", "why")
  .action(async (id, options, command) => {
    const { weir, output, signal } = contextOf(command);
    const run = await weir.runs.pause(id, options.reason, { signal });
    output.answer(run, acceptedLooks(run, output));
  });
