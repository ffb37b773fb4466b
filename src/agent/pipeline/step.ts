/** What a pipeline step is: its arguments, and what it makes of the result of the step before. */
import type { z } from "zod";
import type { Json } from "#kernel/json.ts";
import type { ToolContext } from "../tool.ts";
import type { Work } from "../work.ts";

/** A step that cannot be done with these arguments or this data; the message says what to change. */
export class StepRefused extends Error {}

export function refuse(message: string): never {
  throw new StepRefused(message);
}

export interface StepContext {
  tool: ToolContext;
  work: Work;
}

export interface StepType<Schema extends z.ZodObject> {
  schema: Schema;
  /** Throws `StepRefused` and `WorkExceeded`. Neither the input nor anything in it is changed. */
  run(step: z.output<Schema>, input: Json, context: StepContext): Json | Promise<Json>;
}

/** Keeps the types of a step's arguments together. */
export function stepType<Schema extends z.ZodObject>(type: StepType<Schema>): StepType<Schema> {
  return type;
}
