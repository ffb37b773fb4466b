/**
 * The built-in demo model: no model at all, but a few plans that are the same every time. It answers where no provider
 * is configured, so that workflows with agents run out of the box, and says in every answer what it is.
 */
import { ok } from "#kernel/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import { summarise } from "./data-summary.ts";
import { DEMO_MODEL } from "./demo-name.ts";
import { type DemoScene, planCall, sayOf } from "./demo-plans.ts";
import { instanceOf } from "./demo-structure.ts";
import type { HearText, Model, ModelCall, ModelMessage, ModelReply, ModelRequest } from "./model.ts";
import { CONTEXT_HEADING } from "./prompt.ts";

const UNITS_PER_TOKEN = 4;

export const demoModel: Model = {
  async call(request: ModelRequest, _signal: AbortSignal, hear: HearText): Promise<ModelCall> {
    const reply = replyTo(request);
    if (reply.text !== "") hear(reply.text);
    const read = request.messages.reduce((units, { text }) => units + text.length, 0);
    const written = reply.text.length + reply.toolCalls.reduce((units, call) => units + call.arguments.length, 0);
    return {
      reply: ok(reply),
      facts: {
        provider: "weir",
        answeredModel: DEMO_MODEL,
        usage: {
          input_tokens: Math.ceil(read / UNITS_PER_TOKEN),
          cached_tokens: 0,
          cache_write_tokens: 0,
          output_tokens: Math.ceil(written / UNITS_PER_TOKEN),
          reasoning_tokens: 0,
        },
        providerCostUsd: null,
        finishReason: reply.toolCalls.length > 0 ? "tool_calls" : "stop",
        httpStatus: null,
        timeToFirstTokenMs: 0,
        rate: null,
        bytesIn: 0,
        bytesOut: 0,
      },
    };
  },
};

function replyTo(request: ModelRequest): ModelReply {
  const scene = sceneOf(request);
  const last = request.messages.at(-1);
  if (last?.role === "tool") {
    const answer = parsed(last.text);
    return finalReply(request, sayOf(calledFor(request.messages, last.callId), answer), answer);
  }
  const planned = planCall(scene);
  if (planned === null || request.messages.some(({ role }) => role === "assistant")) {
    return finalReply(request, `I was given ${summarise(scene.input)}.`, scene.input);
  }
  const args = JSON.stringify(planned.args);
  return { text: "", toolCalls: [{ id: "call_demo_1", name: planned.tool, arguments: args }] };
}

function finalReply({ outputSchema }: ModelRequest, text: string, data: Json): ModelReply {
  const labelled = `[${DEMO_MODEL}] ${text}`;
  if (outputSchema === null) return { text: labelled, toolCalls: [] };
  return { text: JSON.stringify(instanceOf(outputSchema, labelled, data)), toolCalls: [] };
}

/** Reads back what `prompt.ts` wrote. */
function sceneOf({ messages, tools }: ModelRequest): DemoScene {
  const opening = messages.find(({ role }) => role === "user")?.text ?? "";
  const [before = "", after = "{}"] = opening.split(`\n\n${CONTEXT_HEADING}\n`);
  const context = parsed(after);
  const read = (key: string): Json => (isJsonObject(context) ? (context[key] ?? null) : null);
  const workflow = read("workflow");
  return {
    task: before.replace(/^# Task\n/, ""),
    node: String(read("node") ?? ""),
    workflow: isJsonObject(workflow) ? workflow : {},
    inputs: read("inputs"),
    input: read("input"),
    tools: new Set(tools.map(({ name }) => name)),
  };
}

function calledFor(messages: readonly ModelMessage[], callId: string): string {
  for (const message of messages) {
    if (message.role !== "assistant") continue;
    const call = message.toolCalls.find(({ id }) => id === callId);
    if (call !== undefined) return call.name;
  }
  return "";
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json | JsonObject;
  } catch {
    return text;
  }
}
