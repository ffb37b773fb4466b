/**
 * Carries out the tool calls of a turn, each to an answer for the model: side by side where all only read, else one
 * after the other. Whatever is wrong with a call is its answer, never the end of the node.
 */
import { canonicalJson, type Json, type JsonObject } from "#kernel/json.ts";
import type { ToolCallSummary } from "./agent-task.ts";
import { CALLS_IN_PARALLEL_MAX, CALLS_PER_TURN_MAX, TOOL_ERROR_UNITS_MAX, TOOL_RESULT_UNITS_MAX } from "./limits.ts";
import type { ToolCall } from "./model.ts";

/** An error is an answer that the model can act on; `example` is a correct call, or a part of one. */
export type ToolAnswer = { ok: true; result: Json } | { ok: false; error: string; example?: Json };

/** A tool as the loop has it: bound to the run that it works for. */
export interface CallableTool {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: JsonObject;
  /** A correct call's arguments. */
  example?: JsonObject;
  /** True when a call with these arguments changes nothing. */
  readsOnly(args: Json): boolean;
  /** Judges the arguments by its schema; what does not fit is its answer. */
  run(args: Json): Promise<ToolAnswer>;
}

export interface AnsweredCall {
  call: ToolCall;
  /** What the model is given. */
  text: string;
  summary: ToolCallSummary;
}

/** Answers given before, by the call that they were for. */
export type KnownAnswers = Map<string, { times: number; text: string }>;

type Prepared =
  | { kind: "answered"; answer: ToolAnswer }
  | { kind: "known"; key: string; text: string }
  | { kind: "ready"; tool: CallableTool; args: Json; key: string };

/** The same calls in the same order, each with its answer. `known` is added to. */
export async function answerCalls(
  calls: readonly ToolCall[],
  tools: readonly CallableTool[],
  known: KnownAnswers,
): Promise<AnsweredCall[]> {
  const prepared = calls.map((call, index) => prepare(call, index, tools, known));
  const areReads = prepared.every((one) => one.kind !== "ready" || one.tool.readsOnly(one.args));
  const answers: AnsweredCall[] = [];
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < calls.length; index = next++) {
      const call = calls[index];
      const one = prepared[index];
      if (call !== undefined && one !== undefined) answers[index] = await answer(call, one, known);
    }
  };
  await Promise.all(Array.from({ length: areReads ? CALLS_IN_PARALLEL_MAX : 1 }, lane));
  return answers;
}

/** How often the most repeated call was asked for. */
export function mostRepeated(known: KnownAnswers): number {
  return Math.max(0, ...[...known.values()].map(({ times }) => times));
}

function prepare(call: ToolCall, index: number, tools: readonly CallableTool[], known: KnownAnswers): Prepared {
  const refuse = (error: string, example?: Json): Prepared => ({
    kind: "answered",
    answer: { ok: false, error, ...(example === undefined ? {} : { example }) },
  });
  if (index >= CALLS_PER_TURN_MAX) {
    return refuse(`at most ${CALLS_PER_TURN_MAX} calls a turn are carried out; this one was not`);
  }
  const tool = tools.find(({ name }) => name === call.name);
  if (tool === undefined) {
    const names = tools.map(({ name }) => name).join(", ");
    return refuse(`there is no tool "${call.name.slice(0, 100)}"; there ${names === "" ? "are none" : `is ${names}`}`);
  }
  let args: Json;
  try {
    args = call.arguments.trim() === "" ? {} : JSON.parse(call.arguments);
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    return refuse(`the arguments are not JSON: ${why}`, tool.example);
  }
  const key = `${tool.name} ${canonicalJson(args)}`;
  const before = known.get(key);
  if (before !== undefined) {
    before.times += 1;
    return { kind: "known", key, text: before.text };
  }
  known.set(key, { times: 1, text: "" });
  return { kind: "ready", tool, args, key };
}

async function answer(call: ToolCall, prepared: Prepared, known: KnownAnswers): Promise<AnsweredCall> {
  if (prepared.kind === "known") {
    // Of the same turn: the first may still be under way, and its answer stands above this one.
    const before = prepared.text === "" ? "" : ` Its answer was: ${prepared.text}`;
    const text = `{"note":"You asked for exactly this before; it was not carried out again."}${before}`;
    return { call, text, summary: { tool: call.name, ok: true } };
  }
  const given = prepared.kind === "answered" ? prepared.answer : await runSafely(prepared.tool, prepared.args);
  const text = given.ok ? shortened(given.result) : errorText(given);
  const entry = prepared.kind === "ready" ? known.get(prepared.key) : undefined;
  if (entry !== undefined) entry.text = text;
  const summary: ToolCallSummary = given.ok
    ? { tool: call.name, ok: true }
    : { tool: call.name, ok: false, error: given.error.slice(0, TOOL_ERROR_UNITS_MAX).toWellFormed() };
  return { call, text, summary: { ...summary, tool: call.name.slice(0, 100).toWellFormed() } };
}

/** A bug of a tool costs that call, not the agent. */
async function runSafely(tool: CallableTool, args: Json): Promise<ToolAnswer> {
  try {
    return await tool.run(args);
  } catch {
    return { ok: false, error: `the tool "${tool.name}" failed for a reason of its own; try without it` };
  }
}

function errorText({ error, example }: { error: string; example?: Json }): string {
  const cut = error.slice(0, TOOL_ERROR_UNITS_MAX).toWellFormed();
  return JSON.stringify({ error: cut, ...(example === undefined ? {} : { example }) });
}

function shortened(result: Json): string {
  const text = JSON.stringify(result);
  if (text.length <= TOOL_RESULT_UNITS_MAX) return text;
  const beginning = text.slice(0, TOOL_RESULT_UNITS_MAX).toWellFormed();
  return JSON.stringify({ cut: true, characters: text.length, beginning });
}
