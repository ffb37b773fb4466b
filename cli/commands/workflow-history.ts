/** `weir workflow history`: what a tag has pointed to. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";
import { table } from "../table.ts";
import { ago } from "../wording.ts";

export const workflowHistory = new Command("history")
  .description("the versions of a workflow, newest first")
  .argument("<tag>")
  .option("-n, --limit <number>", "at most so many", whole(1, 200), 50)
  .option("--cursor <cursor>", "the page after this one, as the page before named it")
  .action(async (tag, { limit, cursor }, command) => {
    const { weir, output, signal } = contextOf(command);
    const { paint } = output;
    const query = { limit, ...(cursor === undefined ? {} : { cursor }) };
    const page = await weir.workflows.versions(tag, query, { signal });
    output.answer(page, {
      pretty: () => [
        ...table(
          [
            { title: "version", align: "right" },
            { title: "made", align: "right" },
            { title: "artifact" },
            { title: "description", mayShrink: true },
          ],
          page.items.map((version) => [
            { text: String(version.version), paint: (text: string) => paint("bold", text) },
            ago(version.created_at, Date.now()),
            version.artifact_id.slice(0, 19),
            version.description ?? "",
          ]),
          output.width,
          (text) => paint("dim", text),
        ),
        ...(page.next_cursor === null ? [] : [paint("dim", `more: --cursor ${page.next_cursor}`)]),
      ],
      compact: () =>
        page.items.map((each) => fields(each.version, each.artifact_id, each.created_at, each.description)),
    });
  });
