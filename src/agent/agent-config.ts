/** The config of an agent node as a task carries it: rendered and checked, here with names and defaults of the loop. */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import { TURNS_DEFAULT, TURNS_MAX } from "./limits.ts";

const schema = z.object({
  task: z.string(),
  model: z.string().nullish(),
  tools: z.array(z.string()).nullish(),
  max_turns: z.int().min(1).max(TURNS_MAX).default(TURNS_DEFAULT),
  output_schema: z.custom<JsonObject>(isJsonObject).nullish(),
  temperature: z.number().nullish(),
  budget_usd: z.number().nullish(),
  input: z.custom<Json>((value) => value !== undefined).optional(),
  cache: z.object({ ttl_ms: z.number().positive() }).nullish(),
});

export type TaskConfig = z.infer<typeof schema>;

export function readAgentConfig(config: JsonObject): TaskConfig {
  return schema.parse(config);
}
