/** `weir run signal`: tells a run of an event that it waits for. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { readJsonOption } from "../documents.ts";
import { acceptedLooks } from "../run-report.ts";

export const runSignal = new Command("signal")
  .description("tell a run of an event; kept for a node that waits for it later")
  .argument("<run_id>")
  .argument("<event>")
  .option("-p, --payload <file|json>", "what goes along with it")
  .action(async (id, event, options, command) => {
    const payload = options.payload === undefined ? null : readJsonOption(options.payload, "--payload");
    const { weir, output, signal } = contextOf(command);
    const run = await weir.runs.signal(id, event, payload, { signal });
    output.answer(run, acceptedLooks(run, output));
  });
