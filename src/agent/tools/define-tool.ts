/** Makes a tool of a zod schema and a function: the schema judges arguments and is what a model is shown. */
import { z } from "zod";
import type { JsonObject } from "#kernel/json.ts";
import { problemsOf } from "#workflow/problems.ts";
import type { Tool, ToolAnswer, ToolContext, ToolName } from "../tool.ts";
import { TOOL_DESCRIPTIONS } from "./descriptions.ts";

interface ToolDefinition<Schema extends z.ZodObject> {
  name: ToolName;
  arguments: Schema;
  example: z.input<Schema>;
  readsOnly(args: z.output<Schema>): boolean;
  run(args: z.output<Schema>, context: ToolContext): Promise<ToolAnswer>;
}

export function defineTool<Schema extends z.ZodObject>(definition: ToolDefinition<Schema>): Tool {
  const { name } = definition;
  const example = definition.example as JsonObject;
  return {
    name,
    description: TOOL_DESCRIPTIONS[name],
    parameters: parametersOf(definition.arguments),
    example,
    readsOnly(args) {
      const parsed = definition.arguments.safeParse(args);
      // What does not fit is not carried out, so it changes nothing.
      return !parsed.success || definition.readsOnly(parsed.data);
    },
    async run(args, context) {
      const parsed = definition.arguments.safeParse(args);
      if (parsed.success) return definition.run(parsed.data, context);
      const problems = problemsOf(parsed.error).map(({ pointer, message }) => `${pointer || "arguments"}: ${message}`);
      return refused(`the arguments do not fit: ${problems.join("; ")}`, example);
    },
  };
}

export function refused(error: string, example?: JsonObject): ToolAnswer {
  return example === undefined ? { ok: false, error } : { ok: false, error, example };
}

function parametersOf(schema: z.ZodType): JsonObject {
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  // Through JSON, so that nothing is left that JSON does not have.
  return JSON.parse(JSON.stringify(parameters)) as JsonObject;
}
