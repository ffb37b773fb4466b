/** `weir patch show`: what a patch changes in the graph. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { whole } from "../options.ts";
import { drawPatch, patchLooks } from "../patch-report.ts";

export const patchShow = new Command("show")
  .description("what a patch changes in the graph")
  .argument("<run_id>")
  .argument("<seq>", "number of the patch", whole(1, 999_999_999))
  .action(async (id, seq, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const patch = await weir.runs.patches.get(id, seq, { signal });
    const drawing = output.mode === "pretty" ? await drawPatch(weir, id, patch, output.paint, signal) : [];
    output.answer(patch, patchLooks(patch, output, drawing));
  });
