/** `weir patch list`: every patch of a run, in order. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { fields } from "../output.ts";
import { paintPatch } from "../patch-report.ts";
import { table } from "../table.ts";
import { ago, count } from "../wording.ts";

export const patchList = new Command("list")
  .alias("ls")
  .description("every patch of a run, also proposed, rejected and reverted ones")
  .argument("<run_id>")
  .action(async (id, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const { paint } = output;
    const patches = await weir.runs.patches.list(id, { signal });
    output.answer(patches, {
      pretty: () =>
        patches.items.length === 0
          ? ["no patches"]
          : table(
              [
                { title: "seq", align: "right" },
                { title: "status" },
                { title: "changes" },
                { title: "by", mayShrink: true },
                { title: "proposed", align: "right" },
                { title: "description", mayShrink: true },
              ],
              patches.items.map((each) => [
                { text: String(each.seq), paint: (text: string) => paint("bold", text) },
                { text: each.status, paint: (text: string) => paintPatch(each.status, (style) => paint(style, text)) },
                count(each.operations.length, "operation"),
                each.node ?? each.by,
                ago(each.proposed_at, Date.now()),
                each.description ?? "",
              ]),
              output.width,
              (text) => paint("dim", text),
            ),
      compact: () =>
        patches.items.map((each) => fields(each.seq, each.status, each.by, each.proposed_at, each.description)),
    });
  });
