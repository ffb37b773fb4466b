/** `weir cache list`: what is remembered, by key. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";
import { table } from "../table.ts";
import { ago } from "../wording.ts";

export const cacheList = new Command("list")
  .alias("ls")
  .description("what is remembered, by key")
  .option("-n, --limit <number>", "at most so many", whole(1, 200), 50)
  .option("--cursor <cursor>", "the page after this one, as the page before named it")
  .action(async ({ limit, cursor }, command) => {
    const { weir, output, signal } = contextOf(command);
    const { paint } = output;
    const page = await weir.cache.list({ limit, ...(cursor === undefined ? {} : { cursor }) }, { signal });
    output.answer(page, {
      pretty: () =>
        page.items.length === 0
          ? ["nothing is remembered"]
          : [
              ...table(
                [
                  { title: "key" },
                  { title: "node" },
                  { title: "worker", mayShrink: true },
                  { title: "bytes", align: "right" },
                  { title: "hits", align: "right" },
                  { title: "made", align: "right" },
                  { title: "expires" },
                ],
                page.items.map((each) => [
                  each.key,
                  each.node,
                  each.worker,
                  String(each.bytes),
                  String(each.hits),
                  ago(each.created_at, Date.now()),
                  each.expires_at,
                ]),
                output.width,
                (text) => paint("dim", text),
              ),
              ...(page.next_cursor === null ? [] : [paint("dim", `more: --cursor ${page.next_cursor}`)]),
            ],
      compact: () =>
        page.items.map((each) =>
          fields(
            each.key,
            each.node,
            each.worker,
            each.run_id,
            each.bytes,
            each.hits,
            each.created_at,
            each.expires_at,
          ),
        ),
    });
  });
