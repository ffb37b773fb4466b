/** `weir init`: a workflow to begin with. */
import { existsSync, writeFileSync } from "node:fs";
import { Command } from "@commander-js/extra-typings";
import { tagSchema } from "#workflow/definition.ts";
import { contextOf } from "../context.ts";
import { unable } from "../failure.ts";

export const init = new Command("init")
  .description("write a small workflow to begin with")
  .argument("[name]", "its tag; the file is <name>.json", "hello")
  .action((name, _options, command) => {
    const { output, connection } = contextOf(command);
    const problem = tagSchema.safeParse(name).error?.issues[0]?.message;
    if (problem !== undefined) throw unable(`"${name}" is no tag: it ${problem}`);
    const file = `${name}.json`;
    if (existsSync(file)) throw unable(`${file} exists: give another name`);
    try {
      writeFileSync(file, `${JSON.stringify(workflowTemplate(name, connection.url), null, 2)}\n`, { flag: "wx" });
    } catch (error) {
      throw unable(`${file} cannot be written: ${(error as Error).message}`);
    }
    output.line(file);
    output.note(
      [
        "next:",
        `  weir workflow validate ${file}`,
        `  weir workflow push ${file} ${name}`,
        `  weir run start ${name} --inputs '{"name": "Weir"}' --wait`,
      ].join("\n"),
    );
  });

/** Greets, and more formally those whose name is long: a condition, two branches, expressions. */
function workflowTemplate(name: string, url: string): object {
  return {
    $schema: `${url}/schemas/workflow.json`,
    metadata: { name, description: "Greets whoever is named", version: "1.0.0" },
    inputs: {
      type: "object",
      properties: { name: { type: "string", minLength: 1 } },
      required: ["name"],
    },
    nodes: [
      { id: "judge", type: "conditional", config: { condition: "size(inputs.name) > 8" } },
      {
        id: "long",
        type: "transform",
        config: { expression: "{'greeting': 'Good day, ' + inputs.name}" },
      },
      {
        id: "short",
        type: "transform",
        config: { expression: "{'greeting': 'Hello ' + inputs.name}" },
      },
    ],
    edges: [
      { from: "judge", to: "long", branch: "if" },
      { from: "judge", to: "short", branch: "else" },
    ],
  };
}
