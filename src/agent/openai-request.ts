/** A model request as the body of OpenAI's chat completions, and what of it a provider may do without. */
import type OpenAI from "openai";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import type { ModelMessage, ModelRequest } from "./model.ts";

export type ChatBody = OpenAI.Chat.ChatCompletionCreateParams;

/** Parts that some compatible servers refuse; without them a call means the same, or is checked here anyway. */
export const OPTIONAL_PARTS = [
  "prompt_cache_key",
  "stream_options",
  "response_format",
  "max_completion_tokens",
] as const;
export type OptionalPart = (typeof OPTIONAL_PARTS)[number];

/** `without`: parts that this provider has refused before. */
export function chatBody(request: ModelRequest, streamed: boolean, without: ReadonlySet<OptionalPart>): ChatBody {
  const has = (part: OptionalPart) => !without.has(part);
  const { outputSchema, temperature, tools, maxOutputTokens } = request;
  return {
    model: request.model,
    // What stays the same from call to call comes first: that is what a provider can cache.
    ...(tools.length === 0
      ? {}
      : { tools: tools.map((tool) => ({ type: "function" as const, function: { ...tool } })) }),
    ...(outputSchema !== null && has("response_format") ? { response_format: responseFormat(outputSchema) } : {}),
    messages: request.messages.map(chatMessage),
    ...(temperature === null ? {} : { temperature }),
    // Older servers know only the former name.
    ...(has("max_completion_tokens") ? { max_completion_tokens: maxOutputTokens } : { max_tokens: maxOutputTokens }),
    ...(has("prompt_cache_key") ? { prompt_cache_key: request.cacheKey } : {}),
    ...(streamed
      ? { stream: true, ...(has("stream_options") ? { stream_options: { include_usage: true } } : {}) }
      : {}),
  } as ChatBody;
}

function chatMessage(message: ModelMessage): OpenAI.Chat.ChatCompletionMessageParam {
  if (message.role === "tool") return { role: "tool", tool_call_id: message.callId, content: message.text };
  if (message.role !== "assistant") return { role: message.role, content: message.text };
  const { text, toolCalls } = message;
  if (toolCalls.length === 0) return { role: "assistant", content: text };
  return {
    role: "assistant",
    content: text === "" ? null : text,
    tool_calls: toolCalls.map(({ id, name, arguments: args }) => ({
      id,
      type: "function" as const,
      function: { name, arguments: args },
    })),
  };
}

function responseFormat(schema: JsonObject): OpenAI.ResponseFormatJSONSchema {
  return { type: "json_schema", json_schema: { name: "answer", schema, strict: isStrict(schema) } };
}

/** Keywords that the strict mode takes; with any other the schema is sent as advice and checked here. */
const STRICT_KEYWORDS: ReadonlySet<string> = new Set([
  "type",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "enum",
  "const",
  "description",
  "title",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
]);

/** Whether a provider's strict mode takes the schema: every object closed, and every property of it required. */
export function isStrict(schema: Json): boolean {
  if (!isJsonObject(schema) || schema.type === undefined) return false;
  if (!Object.keys(schema).every((keyword) => STRICT_KEYWORDS.has(keyword))) return false;
  if (isJsonObject(schema.items) && !isStrict(schema.items)) return false;
  if (![schema.type].flat().includes("object")) return true;
  const { properties, required } = schema;
  if (!isJsonObject(properties) || schema.additionalProperties !== false || !Array.isArray(required)) return false;
  return Object.entries(properties).every(([name, property]) => required.includes(name) && isStrict(property));
}
