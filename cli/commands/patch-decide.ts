/** `weir patch decide`: approves or rejects a proposed patch. */
import { Argument, Command } from "@commander-js/extra-typings";
import { DECISIONS } from "#engine/events.ts";
import { contextOf } from "../context.ts";
import { whole } from "../options.ts";
import { patchLooks } from "../patch-report.ts";

export const patchDecide = new Command("decide")
  .description("decide on a proposed patch; an approved one is applied at once")
  .argument("<run_id>")
  .argument("<seq>", "number of the patch", whole(1, 999_999_999))
  .addArgument(new Argument("<decision>").choices(DECISIONS))
  .option("-r, --reason <text>", "why")
  .action(async (id, seq, decision, { reason }, command) => {
    const { weir, output, signal } = contextOf(command);
    const comments = reason === undefined ? {} : { comments: reason };
    const decided = await weir.runs.patches.decide(id, seq, decision, { signal, ...comments });
    output.answer(decided, patchLooks(decided, output));
  });
