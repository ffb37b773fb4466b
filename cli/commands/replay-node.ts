/** `weir replay-node`: executes one node of a failed run again, within the run. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { readObjectOption } from "../documents.ts";
import { acceptedLooks } from "../run-report.ts";

export const replayNode = new Command("replay-node")
  .description("execute one node of a failed run again, with the same input, and go on from there")
  .argument("<run_id>")
  .argument("<node>")
  .option("-c, --config <file|json>", "the node's config for this execution")
  .option("-r, --reason <text>", "why")
  .option("--force", "also of a run that has not failed")
  .action(async (id, node, { config, reason, force }, command) => {
    const order = {
      ...(config === undefined ? {} : { config: readObjectOption(config, "--config") as never }),
      ...(reason === undefined ? {} : { reason }),
      ...(force === true ? { force_replay: true } : {}),
    };
    const { weir, output, signal } = contextOf(command);
    const run = await weir.runs.replayNode(id, node, order, { signal });
    output.answer(run, acceptedLooks(run, output));
  });
