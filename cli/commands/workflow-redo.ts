/** `weir workflow redo`: a tag points to the version after. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { reportTag } from "../tag-report.ts";

export const workflowRedo = new Command("redo")
  .description("point a tag to the version after of its history; new runs take that")
  .argument("<tag>")
  .action(async (tag, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    reportTag(await weir.tags.redo(tag, { signal }), output);
  });
