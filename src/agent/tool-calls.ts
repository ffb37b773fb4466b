/**
 * Carries out the tool calls of a turn, each to an answer for the model: side by side where all only read, else one
 * after the other. A call that was made before is not made again. What is wrong with a call is for the toolbox to say.
 */
import { canonicalJson, type Json } from "#kernel/json.ts";
import type { ToolCallSummary } from "./agent-task.ts";
import type { ObserveRequest } from "./call-list.ts";
import { CALLS_IN_PARALLEL_MAX, CALLS_PER_TURN_MAX, TOOL_ERROR_UNITS_MAX, TOOL_RESULT_UNITS_MAX } from "./limits.ts";
import type { ToolCall, ToolSpec } from "./model.ts";
import type { ToolAnswer } from "./tool.ts";

/** The tools of a node, bound to the attempt that they work for. */
export interface Toolbox {
  specs: readonly ToolSpec[];
  /** True when the call changes nothing. */
  readsOnly(call: ToolCall): boolean;
  /** Whatever is wrong with the call is its answer; throws nothing. `observe` is told of the requests it makes. */
  call(call: ToolCall, observe?: ObserveRequest): Promise<ToolAnswer>;
}

export interface AnsweredCall {
  call: ToolCall;
  /** What the model is given. */
  text: string;
  summary: ToolCallSummary;
}

/** Answers given before, by the call that they were for. */
export type KnownAnswers = Map<string, { times: number; text: string }>;

/** The same calls in the same order, each with its answer. `known` is added to. */
export async function answerCalls(
  calls: readonly ToolCall[],
  toolbox: Toolbox,
  known: KnownAnswers,
): Promise<AnsweredCall[]> {
  const answers: (AnsweredCall | undefined)[] = calls.map((call, index) => withoutCarryingOut(call, index, known));
  const open = calls.flatMap((call, index) => (answers[index] === undefined ? [{ call, index }] : []));
  const width = open.every(({ call }) => toolbox.readsOnly(call)) ? CALLS_IN_PARALLEL_MAX : 1;
  let next = 0;
  const lane = async () => {
    for (let one = open[next++]; one !== undefined; one = open[next++]) {
      answers[one.index] = await carryOut(one.call, toolbox, known);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return answers.filter((answer) => answer !== undefined);
}

/** How often the most repeated call was asked for. */
export function mostRepeated(known: KnownAnswers): number {
  return Math.max(0, ...[...known.values()].map(({ times }) => times));
}

/** The answer of a call that is one too many or was made before; undefined for one to carry out. */
function withoutCarryingOut(call: ToolCall, index: number, known: KnownAnswers): AnsweredCall | undefined {
  if (index >= CALLS_PER_TURN_MAX) {
    const error = `at most ${CALLS_PER_TURN_MAX} calls a turn are carried out; this one was not`;
    return answered(call, { ok: false, error });
  }
  const key = keyOf(call);
  const before = known.get(key);
  if (before === undefined) {
    known.set(key, { times: 1, text: "" });
    return undefined;
  }
  before.times += 1;
  // Of the same turn: the first is still to be carried out, and its answer stands above this one.
  const repeated = before.text === "" ? "" : ` Its answer was: ${before.text}`;
  const text = `{"note":"You asked for exactly this before; it was not carried out again."}${repeated}`;
  return { call, text, summary: { tool: nameOf(call), ok: true } };
}

async function carryOut(call: ToolCall, toolbox: Toolbox, known: KnownAnswers): Promise<AnsweredCall> {
  const answer = answered(call, await toolbox.call(call));
  const entry = known.get(keyOf(call));
  if (entry !== undefined) entry.text = answer.text;
  return answer;
}

function answered(call: ToolCall, answer: ToolAnswer): AnsweredCall {
  const tool = nameOf(call);
  if (answer.ok) return { call, text: shortened(answer.result), summary: { tool, ok: true } };
  const error = answer.error.slice(0, TOOL_ERROR_UNITS_MAX).toWellFormed();
  const text = JSON.stringify({ error, ...(answer.example === undefined ? {} : { example: answer.example }) });
  return { call, text, summary: { tool, ok: false, error } };
}

/** Equal for calls that mean the same, whatever the order of their arguments. */
function keyOf({ name, arguments: text }: ToolCall): string {
  try {
    return `${name} ${canonicalJson(JSON.parse(text) as Json)}`;
  } catch {
    return `${name} ${text}`;
  }
}

function nameOf({ name }: ToolCall): string {
  return name.slice(0, 100).toWellFormed();
}

function shortened(result: Json): string {
  const text = JSON.stringify(result);
  if (text.length <= TOOL_RESULT_UNITS_MAX) return text;
  const beginning = text.slice(0, TOOL_RESULT_UNITS_MAX).toWellFormed();
  return JSON.stringify({ cut: true, characters: text.length, beginning });
}
