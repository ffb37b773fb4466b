/**
 * One tool call of a model, from the text it wrote to an answer it can read. Whatever the model got wrong is an answer;
 * so is a fault of a tool, in words that give nothing away.
 */
import { jsonProblem } from "#kernel/json.ts";
import { TOOL_NAMES, type ToolAnswer, type ToolContext, type ToolName } from "../tool.ts";
import { ARGUMENTS_LENGTH_MAX, TOOL_ERROR_LENGTH_MAX } from "./limits.ts";
import { TOOLS } from "./registry.ts";

export interface ToolCall {
  name: string;
  /** JSON as the model wrote it; nothing at all stands for `{}`. */
  arguments: string;
}

/** Carries a call out; `allowed` are the tools of the node. Throws nothing; `onFault` is told of what a tool threw. */
export async function callTool(
  call: ToolCall,
  allowed: readonly ToolName[],
  context: ToolContext,
  onFault: (error: unknown) => void = () => {},
): Promise<ToolAnswer> {
  const read = readCall(call, allowed);
  if (!read.ok) return read;
  try {
    return bounded(await TOOLS[read.name].run(read.args, context));
  } catch (error) {
    onFault(error);
    if (context.signal.aborted) return { ok: false, error: "the call was cancelled" };
    return { ok: false, error: `${read.name} failed for a reason that is not yours; try it once more` };
  }
}

/** True when the call changes nothing, so that it may run beside others; one that cannot be carried out changes nothing. */
export function readsOnly(call: ToolCall, allowed: readonly ToolName[]): boolean {
  const read = readCall(call, allowed);
  return !read.ok || TOOLS[read.name].readsOnly(read.args);
}

type ReadCall = { ok: true; name: ToolName; args: unknown } | Extract<ToolAnswer, { ok: false }>;

function readCall(call: ToolCall, allowed: readonly ToolName[]): ReadCall {
  const name = TOOL_NAMES.find((known) => known === call.name);
  if (name === undefined || !allowed.includes(name)) {
    const others = allowed.length === 0 ? "there are none" : `there are ${allowed.join(", ")}`;
    return { ok: false, error: `there is no tool ${JSON.stringify(call.name.slice(0, 64))}; ${others}` };
  }
  const { example } = TOOLS[name];
  if (call.arguments.length > ARGUMENTS_LENGTH_MAX) {
    return { ok: false, error: `the arguments have more than ${ARGUMENTS_LENGTH_MAX} characters` };
  }
  let args: unknown;
  try {
    args = call.arguments.trim() === "" ? {} : JSON.parse(call.arguments);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "they cannot be read";
    return { ok: false, error: `the arguments are not JSON: ${reason}`, example };
  }
  const problem = jsonProblem(args);
  if (problem !== null) return { ok: false, error: `the arguments cannot be taken: ${problem}` };
  return { ok: true, name, args };
}

function bounded(answer: ToolAnswer): ToolAnswer {
  if (answer.ok || answer.error.length <= TOOL_ERROR_LENGTH_MAX) return answer;
  return { ...answer, error: `${answer.error.slice(0, TOOL_ERROR_LENGTH_MAX).toWellFormed()}…` };
}
