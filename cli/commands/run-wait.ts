/** `weir run wait`: waits until a run has ended. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { span } from "../options.ts";
import { exitCodeOf, runLooks } from "../run-report.ts";
import { waitFor } from "../waiting.ts";

export const runWait = new Command("wait")
  .description("show how a run goes until it has ended; exit code 1 when it failed or was cancelled")
  .argument("<run_id>")
  .option("-f, --follow", "print its log meanwhile")
  .option("--timeout <time>", "wait at most so long; the run goes on", span)
  .action(async (id, options, command) => {
    const context = contextOf(command);
    const follow = options.follow === true;
    const run = await waitFor(id, context, { follow, giveUpAfterMs: options.timeout });
    if (!follow || context.output.mode === "pretty") context.output.answer(run, runLooks(run, context.output));
    process.exitCode = exitCodeOf(run.status);
  });
