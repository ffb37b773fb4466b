/** `weir run explain`: what a run waits for, in one sentence and node by node. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { fields } from "../output.ts";
import { table } from "../table.ts";
import { ago } from "../wording.ts";

export const runExplain = new Command("explain")
  .description("what each unfinished node of a run waits for")
  .argument("<run_id>")
  .action(async (id, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const { paint } = output;
    const explained = await weir.runs.explain(id, { signal });
    output.answer(explained, {
      pretty: () => [
        explained.summary,
        ...(explained.waiting.length === 0
          ? []
          : [
              "",
              ...table(
                [{ title: "node" }, { title: "waits for" }, { title: "since" }, { title: "why", mayShrink: true }],
                explained.waiting.map((wait) => [
                  { text: wait.node, paint: (text: string) => paint("bold", text) },
                  wait.kind,
                  ago(wait.since, Date.now()),
                  wait.detail,
                ]),
                output.width,
                (text) => paint("dim", text),
              ),
            ]),
      ],
      compact: () => explained.waiting.map((wait) => fields(wait.node, wait.kind, wait.since, wait.until, wait.detail)),
    });
  });
