/** `weir workflow diff`: what changed between two versions, as a graph. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { drawGraphDiff } from "../graph-diff.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";

const version = whole(1, Number.MAX_SAFE_INTEGER);

export const workflowDiff = new Command("diff")
  .description("what changed between two versions; by default between the current one and the one before")
  .argument("<tag>")
  .argument("[from]", "version", version)
  .argument("[to]", "version", version)
  .action(async (tag, from, to, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    const query = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    const diff = await weir.workflows.diff(tag, query, { signal });
    if (output.mode !== "pretty") {
      output.answer(diff, { pretty: () => [], compact: () => diff.summary.map((sentence) => fields(sentence)) });
      return;
    }
    const { paint } = output;
    const [before, after] = await Promise.all([
      weir.workflows.version(tag, diff.from.version, { signal }),
      weir.workflows.version(tag, diff.to.version, { signal }),
    ]);
    output.lines([
      `${paint("bold", tag)} version ${diff.from.version} → ${diff.to.version}`,
      ...(diff.summary.length === 0 ? ["no difference"] : diff.summary.map((sentence) => `  ${sentence}`)),
      "",
      ...drawGraphDiff(before.workflow, after.workflow, paint),
    ]);
  });
