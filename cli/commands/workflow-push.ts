/** `weir workflow push`: stores a definition under a tag, as a new version when the tag exists. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { unable } from "../failure.ts";
import { fields } from "../output.ts";
import { readWorkflowFile } from "../workflow-file.ts";

export const workflowPush = new Command("push")
  .description("store a definition under a tag, as a new version when the tag exists")
  .argument("<file>", "JSON file, - for standard input")
  .argument("[tag]", "by default the file's own, as those in examples/ have one")
  .option("-d, --description <text>", "what has changed, or what it is for")
  .action(async (file, tagArgument, options, command) => {
    const { definition, tag: ownTag, description: ownDescription } = readWorkflowFile(file);
    const { weir, output, signal } = contextOf(command);
    const tag = tagArgument ?? ownTag;
    if (tag === null) throw unable(`${file} names no tag: give one, weir workflow push ${file} my-workflow`);
    const description = options.description ?? ownDescription;
    const saved = await weir.workflows.push(tag, definition, {
      signal,
      ...(description === null ? {} : { description }),
    });
    const { paint } = output;
    output.answer(saved, {
      pretty: () => [
        `${paint("bold", saved.tag)} version ${saved.version}  ${paint("dim", saved.artifact_id)}`,
        ...saved.warnings.map(({ pointer, message }) => `  ${paint("yellow", "warning")}  ${pointer}  ${message}`),
      ],
      compact: () => [fields(saved.tag, saved.version, saved.artifact_id)],
    });
  });
