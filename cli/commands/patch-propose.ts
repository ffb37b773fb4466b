/** `weir patch propose`: changes the workflow of a run, or proposes to where that is decided on first. */
import { Command } from "@commander-js/extra-typings";
import type { PatchOrder } from "../../client/weir.ts";
import { contextOf } from "../context.ts";
import { readJsonOption } from "../documents.ts";
import { unable } from "../failure.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";
import { drawPatch, operationLine, paintPatch } from "../patch-report.ts";

export const patchPropose = new Command("propose")
  .description(
    "change the workflow of a run, all operations or none; applied at once unless patches are decided on first",
  )
  .argument("<run_id>")
  .argument("<operations>", "JSON Patch (RFC 6902): a file, JSON, or - for standard input")
  .option("-d, --description <text>", "what it is for")
  .option("--dry-run", "show what it would change, and change nothing")
  .option("--if-patch-seq <number>", "only while the run's patch_seq is this one", whole(0, 999_999_999))
  .action(async (id, text, { description, dryRun, ifPatchSeq }, command) => {
    const operations = readJsonOption(text, "operations");
    if (!Array.isArray(operations))
      throw unable('the operations must be a list such as [{"op": "add", "path": "/nodes/-", "value": {…}}]');
    const order: PatchOrder = { operations, ...(description === undefined ? {} : { description }) };
    const { weir, output, signal } = contextOf(command);
    const { paint } = output;
    const options = { signal, ...(ifPatchSeq === undefined ? {} : { ifPatchSeq }) };
    if (dryRun === true) {
      const preview = await weir.runs.patches.preview(id, order, options);
      output.answer(preview, {
        pretty: () => preview.diff.summary.map((sentence) => `  ${sentence}`),
        compact: () => preview.diff.operations.map(operationLine),
      });
      return;
    }
    const made = await weir.runs.patches.propose(id, order, options);
    const drawing =
      output.mode === "pretty"
        ? await drawPatch(weir, id, await weir.runs.patches.get(id, made.seq, { signal }), paint, signal)
        : [];
    output.answer(made, {
      pretty: () => [`${paint("bold", `patch ${made.seq}`)}  ${paintPatch(made.status, paint)}`, "", ...drawing],
      compact: () => [fields(made.seq, made.status)],
    });
  });
