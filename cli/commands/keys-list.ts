/** `weir keys list`: keys of the tenant, without their secrets. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";
import { table } from "../table.ts";
import { ago } from "../wording.ts";

export const keysList = new Command("list")
  .alias("ls")
  .description("keys of the tenant in the order they were made")
  .option("--tenant <id>", "of another tenant; for the operator")
  .option("-n, --limit <number>", "at most so many", whole(1, 200), 50)
  .option("--cursor <cursor>", "the page after this one, as the page before named it")
  .action(async ({ tenant, limit, cursor }, command) => {
    const { weir, output, signal } = contextOf(command);
    const { paint } = output;
    const page = await weir.keys.list(
      { limit, ...(cursor === undefined ? {} : { cursor }), ...(tenant === undefined ? {} : { tenant }) },
      { signal },
    );
    output.answer(page, {
      pretty: () =>
        page.items.length === 0
          ? ["no keys: the operator key is none of the tenant's"]
          : [
              ...table(
                [
                  { title: "id" },
                  { title: "begins" },
                  { title: "name", mayShrink: true },
                  { title: "scopes", mayShrink: true },
                  { title: "made", align: "right" },
                  { title: "expires" },
                ],
                page.items.map((key) => [
                  key.id,
                  key.prefix,
                  { text: key.name, paint: (text: string) => paint("bold", text) },
                  key.scopes.join(" "),
                  ago(key.created_at, Date.now()),
                  key.expires_at ?? "never",
                ]),
                output.width,
                (text) => paint("dim", text),
              ),
              ...(page.next_cursor === null ? [] : [paint("dim", `more: --cursor ${page.next_cursor}`)]),
            ],
      compact: () =>
        page.items.map((key) =>
          fields(key.id, key.prefix, key.name, key.scopes.join(","), key.created_at, key.expires_at),
        ),
    });
  });
