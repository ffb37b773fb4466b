/** `weir approvals`: the inbox. */
import { Command, Option } from "@commander-js/extra-typings";
import { APPROVAL_STATUSES } from "#engine/approval-view.ts";
import { paintApproval } from "../approval-report.ts";
import { contextOf } from "../context.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";
import { table } from "../table.ts";
import { ago } from "../wording.ts";

export const approvals = new Command("approvals")
  .description("what waits for people, newest first")
  .addOption(
    new Option("-s, --status <status>", "in this status, or all")
      .choices([...APPROVAL_STATUSES, "all"] as const)
      .default("pending" as const),
  )
  .option("-n, --limit <number>", "at most so many", whole(1, 200), 50)
  .option("--cursor <cursor>", "the page after this one, as the page before named it")
  .action(async ({ status, limit, cursor }, command) => {
    const { weir, output, signal } = contextOf(command);
    const { paint } = output;
    const query = {
      limit,
      ...(status === "all" ? {} : { status }),
      ...(cursor === undefined ? {} : { cursor }),
    };
    const page = await weir.approvals.list(query, { signal });
    output.answer(page, {
      pretty: () =>
        page.items.length === 0
          ? [status === "all" ? "no approvals" : `no ${status} approvals`]
          : [
              ...table(
                [
                  { title: "approval" },
                  { title: "status" },
                  { title: "message", mayShrink: true },
                  { title: "asked", align: "right" },
                  { title: "expires" },
                ],
                page.items.map((each) => [
                  each.approval_id,
                  {
                    text: each.status,
                    paint: (text: string) => paintApproval(each.status, (style) => paint(style, text)),
                  },
                  each.message.replace(/\s+/g, " "),
                  ago(each.created_at, Date.now()),
                  each.expires_at ?? "never",
                ]),
                output.width,
                (text) => paint("dim", text),
              ),
              ...(page.next_cursor === null ? [] : [paint("dim", `more: --cursor ${page.next_cursor}`)]),
            ],
      compact: () =>
        page.items.map((each) =>
          fields(each.approval_id, each.status, each.run_id, each.node_id, each.created_at, each.message),
        ),
    });
  });
