/** `weir replay`: runs a run again, as a new one. */
import { Command, Option } from "@commander-js/extra-typings";
import { REPLAY_MODES } from "#engine/events.ts";
import { contextOf } from "../context.ts";
import { readObjectOption } from "../documents.ts";
import { acceptedLooks, exitCodeOf, runLooks } from "../run-report.ts";
import { waitFor } from "../waiting.ts";

export const replay = new Command("replay")
  .description("run a run again, as a new one")
  .argument("<run_id>")
  .option("--from <node>", "begin at this node; what ended before it is taken over")
  .addOption(
    new Option(
      "--mode <mode>",
      "freeze: reuse earlier results byte for byte; shadow: send nothing that could change anything; live: as a run of its own",
    ).choices(REPLAY_MODES),
  )
  .option("--workflow <tag>", "with another version: a tag or an artifact id")
  .option("-i, --inputs <file|json>", "instead of those of the run")
  .option("-w, --wait", "show how it goes until it has ended")
  .action(async (id, { from, mode, workflow, inputs, wait }, command) => {
    const order = {
      ...(from === undefined ? {} : { from }),
      ...(mode === undefined ? {} : { mode }),
      ...(workflow === undefined ? {} : { workflow }),
      ...(inputs === undefined ? {} : { inputs: readObjectOption(inputs, "--inputs") as never }),
    };
    const context = contextOf(command);
    const { weir, output, signal } = context;
    const replayed = await weir.runs.replay(id, order, { signal });
    if (wait !== true) {
      output.answer(replayed, acceptedLooks(replayed, output));
      return;
    }
    output.note(`started ${replayed.run_id}`);
    const run = await waitFor(replayed.run_id, context, { follow: false });
    output.answer(run, runLooks(run, output));
    process.exitCode = exitCodeOf(run.status);
  });
