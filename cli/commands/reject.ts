/** `weir reject`: rejects an approval. */
import { Command } from "@commander-js/extra-typings";
import { approvalLooks } from "../approval-report.ts";
import { contextOf } from "../context.ts";

export const reject = new Command("reject")
  .description("reject an approval; one rejection decides")
  .argument("<approval_id>", 'as "weir approvals" shows it')
  .requiredOption("-r, --reason <text>", "why: whoever reads the run must learn what to do about it")
  .action(async (id, { reason }, command) => {
    const { weir, output, signal } = contextOf(command);
    const decided = await weir.approvals.decide(id, "reject", { signal, comments: reason });
    output.answer(decided, approvalLooks(decided, output));
  });
