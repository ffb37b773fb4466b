/** `weir run cancel`: no node of the run starts any more. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { acceptedLooks } from "../run-report.ts";

export const runCancel = new Command("cancel")
  .description("cancel a run: no node starts any more")
  .argument("<run_id>")
  .option("-r, --reason <text>", "why")
  .action(async (id, options, command) => {
    const { weir, output, signal } = contextOf(command);
    const run = await weir.runs.cancel(id, options.reason, { signal });
    output.answer(run, acceptedLooks(run, output));
  });
