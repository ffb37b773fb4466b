/** `weir workflow undo`: a tag points to the version before. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { reportTag } from "../tag-report.ts";

export const workflowUndo = new Command("undo")
  .description("point a tag to the version before of its history; new runs take that")
  .argument("<tag>")
  .action(async (tag, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    reportTag(await weir.tags.undo(tag, { signal }), output);
  });
