/** `weir approve`: decides on an approval. */
import { Argument, Command } from "@commander-js/extra-typings";
import { DECISIONS } from "#engine/events.ts";
import { approvalLooks } from "../approval-report.ts";
import { contextOf } from "../context.ts";

export const approve = new Command("approve")
  .description("decide on an approval; each key votes once")
  .argument("<approval_id>", 'as "weir approvals" shows it')
  .addArgument(new Argument("[decision]").choices(DECISIONS).default("approve" as const))
  .option("-r, --reason <text>", "why; a rejection needs one")
  .action(async (id, decision, { reason }, command) => {
    const { weir, output, signal } = contextOf(command);
    const decided = await weir.approvals.decide(id, decision, {
      signal,
      ...(reason === undefined ? {} : { comments: reason }),
    });
    output.answer(decided, approvalLooks(decided, output));
  });
