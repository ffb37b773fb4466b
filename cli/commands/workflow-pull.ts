/** `weir workflow pull`: a definition as a file. */
import { existsSync, writeFileSync } from "node:fs";
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { unable } from "../failure.ts";
import { whole } from "../options.ts";

export const workflowPull = new Command("pull")
  .description("write a definition to a file, or to standard output")
  .argument("<tag>")
  .argument("[file]")
  .option("--at <version>", "an earlier version", whole(1, Number.MAX_SAFE_INTEGER))
  .option("--force", "write over a file that exists")
  .action(async (tag, file, options, command) => {
    const { weir, output, signal } = contextOf(command);
    if (file !== undefined && options.force !== true && existsSync(file)) {
      throw unable(`${file} exists: give another name, or --force to write over it`);
    }
    const { workflow } = await (options.at === undefined
      ? weir.workflows.get(tag, { signal })
      : weir.workflows.version(tag, options.at, { signal }));
    const text = JSON.stringify(workflow, null, 2);
    if (file === undefined) {
      output.line(text);
      return;
    }
    try {
      writeFileSync(file, `${text}\n`);
    } catch (error) {
      throw unable(`${file} cannot be written: ${(error as Error).message}`);
    }
    output.note(`wrote ${file}`);
  });
