/** `weir patch revert`: takes the last patch of a run back. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";

export const patchRevert = new Command("revert")
  .description("take the last applied patch back, if nothing that it added has started")
  .argument("<run_id>")
  .argument("<seq>", "number of the patch", whole(1, 999_999_999))
  .action(async (id, seq, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const reverted = await weir.runs.patches.revert(id, seq, { signal });
    output.answer(reverted, {
      pretty: () => [
        `${output.paint("bold", `patch ${reverted.seq}`)}  reverted; the run is at patch ${reverted.patch_seq}`,
      ],
      compact: () => [fields(reverted.seq, reverted.status, reverted.patch_seq)],
    });
  });
