/** `weir workflow show`: a workflow's graph, node by node. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { drawGraph } from "../graph.ts";
import { whole } from "../options.ts";
import { fields } from "../output.ts";

export const workflowShow = new Command("show")
  .description("a workflow's graph, node by node")
  .argument("<tag>")
  .option("--at <version>", "an earlier version", whole(1, Number.MAX_SAFE_INTEGER))
  .action(async (tag, options, command) => {
    const { weir, output, signal } = contextOf(command);
    const shown = await (options.at === undefined
      ? weir.workflows.get(tag, { signal })
      : weir.workflows.version(tag, options.at, { signal }));
    const { paint } = output;
    output.answer(shown, {
      pretty: () => [
        `${paint("bold", shown.tag)} version ${shown.version}  ${paint("dim", shown.artifact_id)}`,
        ...(shown.description === null ? [] : [shown.description]),
        "",
        ...drawGraph(shown.workflow, paint),
      ],
      compact: () => [fields(shown.tag, shown.version, shown.artifact_id, shown.description)],
    });
  });
