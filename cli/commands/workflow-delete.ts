/** `weir workflow delete`: a tag and its history; artifacts and runs stay. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";

export const workflowDelete = new Command("delete")
  .description("delete a tag with its history; its artifacts and runs stay")
  .argument("<tag>")
  .action(async (tag, _options, command) => {
    const { weir, output, signal } = contextOf(command);
    await weir.workflows.delete(tag, { signal });
    output.note(`deleted ${tag}`);
  });
