/** `weir workflow list`: workflows by tag. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";
import { table } from "../table.ts";
import { ago } from "../wording.ts";

export const workflowList = new Command("list")
  .alias("ls")
  .description("workflows by tag")
  .option("-n, --limit <number>", "at most so many", whole(1, 200), 100)
  .option("--cursor <cursor>", "the page after this one, as the page before named it")
  .action(async ({ limit, cursor }, command) => {
    const { weir, output, signal } = contextOf(command);
    const { paint } = output;
    const page = await weir.workflows.list({ limit, ...(cursor === undefined ? {} : { cursor }) }, { signal });
    output.answer(page, {
      pretty: () =>
        page.items.length === 0
          ? ['no workflows: make one with "weir init" and "weir workflow push"']
          : [
              ...table(
                [
                  { title: "tag" },
                  { title: "version", align: "right" },
                  { title: "changed", align: "right" },
                  { title: "description", mayShrink: true },
                ],
                page.items.map((workflow) => [
                  { text: workflow.tag, paint: (text: string) => paint("bold", text) },
                  String(workflow.version),
                  ago(workflow.updated_at, Date.now()),
                  workflow.description ?? "",
                ]),
                output.width,
                (text) => paint("dim", text),
              ),
              ...(page.next_cursor === null ? [] : [paint("dim", `more: --cursor ${page.next_cursor}`)]),
            ],
      compact: () =>
        page.items.map((each) => fields(each.tag, each.version, each.artifact_id, each.updated_at, each.description)),
    });
  });
