/** `weir trace`: where the time of a run went, span by span. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { compactWaterfall, renderWaterfall } from "../waterfall.ts";

export const trace = new Command("trace")
  .description("a run as a waterfall: its nodes' attempts, and what these did outside; json is OTLP")
  .argument("<run_id>")
  .action(async (id, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const found = await weir.runs.trace(id, { signal });
    output.answer(found, {
      pretty: () => renderWaterfall(found, output.width, output.paint),
      compact: () => compactWaterfall(found),
    });
  });
