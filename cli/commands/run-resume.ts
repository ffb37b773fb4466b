/** `weir run resume`: what was held starts. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { acceptedLooks } from "../run-report.ts";

export const runResume = new Command("resume")
  .description("resume a paused run: what was held starts")
  .argument("<run_id>")
  .action(async (id, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const run = await weir.runs.resume(id, { signal });
    output.answer(run, acceptedLooks(run, output));
  });
