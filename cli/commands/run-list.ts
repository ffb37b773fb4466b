/** `weir run list`: runs, newest first. */
import { Command, Option } from "@commander-js/extra-typings";
import { duration } from "#kernel/duration.ts";
import type { RunStatus } from "../../client/weir.ts";
import { RUN_STATUSES } from "../../src/engine/state.ts";
import { contextOf } from "../context.ts";
import { label, span, whole } from "../options.ts";
import { fields } from "../output.ts";
import { paintStatus } from "../run-report.ts";
import { table } from "../table.ts";
import { ago } from "../wording.ts";

const LIMIT_MAX = 200;
const LIMIT_DEFAULT = 20;

export const runList = new Command("list")
  .alias("ls")
  .description("runs, newest first")
  .addOption(new Option("-s, --status <status>", "only those in this status").choices(RUN_STATUSES))
  .option("-w, --workflow <tag>", "only those of this workflow")
  .option("-l, --label <key=value>", "only those with this label; may be repeated", label)
  .option("--since <time>", 'only those submitted in the last "30m", "2h", "1d"', span)
  .option("--search <text>", "only those with this in their id or tag")
  .option("-n, --limit <number>", "at most so many", whole(1, LIMIT_MAX), LIMIT_DEFAULT)
  .option("--cursor <cursor>", "the page after this one, as the page before named it")
  .action(async (options, command) => {
    const { weir, output, signal } = contextOf(command);
    const { paint } = output;
    const page = await weir.runs.list(
      {
        limit: options.limit,
        ...(options.status === undefined ? {} : { status: options.status as RunStatus }),
        ...(options.workflow === undefined ? {} : { workflow: options.workflow }),
        ...(options.label === undefined ? {} : { labels: options.label }),
        ...(options.search === undefined ? {} : { q: options.search }),
        ...(options.since === undefined ? {} : { submitted_after: new Date(Date.now() - options.since).toISOString() }),
        ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
      },
      { signal },
    );
    output.answer(page, {
      pretty: () =>
        page.items.length === 0
          ? ["no runs"]
          : [
              ...table(
                [
                  { title: "run" },
                  { title: "status" },
                  { title: "workflow", mayShrink: true },
                  { title: "submitted", align: "right" },
                  { title: "took", align: "right" },
                  { title: "error", mayShrink: true },
                ],
                page.items.map((run) => [
                  run.run_id,
                  { text: run.status, paint: (text: string) => paintStatus(run.status, (style) => paint(style, text)) },
                  run.workflow ?? "",
                  ago(run.submitted_at, Date.now()),
                  run.duration_ms === null ? "" : duration(run.duration_ms),
                  run.error === null ? "" : `${run.error.code}: ${run.error.message}`,
                ]),
                output.width,
                (text) => paint("dim", text),
              ),
              ...(page.next_cursor === null ? [] : [paint("dim", `more: --cursor ${page.next_cursor}`)]),
            ],
      compact: () =>
        page.items.map((run) =>
          fields(run.run_id, run.status, run.workflow, run.submitted_at, run.duration_ms, run.error?.code),
        ),
    });
  });
