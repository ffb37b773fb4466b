/**
 * An OpenAI-compatible server that answers by script, whole or as a stream, well or badly. It refuses conversations
 * that a real one would refuse. `startScriptedOpenAi` listens on the loopback; the steps below are what it can be told.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ScriptedUsage {
  prompt_tokens: number;
  completion_tokens: number;
  cached_tokens?: number;
  cache_write_tokens?: number;
  reasoning_tokens?: number;
  /** A gateway's own figure. */
  cost?: number;
}

export interface ScriptedCall {
  name: string;
  /** JSON text, as right or wrong as the script wants it. */
  arguments: string;
  id?: string;
}

interface Said {
  kind: "say";
  text?: string;
  refusal?: string;
  calls?: ScriptedCall[];
  finish?: string | null;
  usage?: ScriptedUsage | null;
  model?: string;
  headers?: Record<string, string>;
  delayMs?: number;
  /** Between pieces of the text. */
  paceMs?: number;
}

export type Step =
  | Said
  | { kind: "status"; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: "hang"; after?: "headers" | "first_chunk" }
  /** The connection ends in the middle of a chunk. */
  | { kind: "cut"; text: string }
  /** An error as an event within a stream that began well. */
  | { kind: "stream_error"; code: string }
  | { kind: "raw"; body: string; contentType: string };

/** What a script is given: the request's body as sent. */
export interface ChatRequest {
  model: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what was sent and assert on it
  messages: any[];
  // biome-ignore lint/suspicious/noExplicitAny: as above
  [key: string]: any;
}

export type Script = (request: ChatRequest, index: number) => Step;

const USAGE: ScriptedUsage = { prompt_tokens: 100, completion_tokens: 20 };

export const say = (text: string, more: Partial<Said> = {}): Step => ({ kind: "say", text, ...more });
export const call = (name: string, args: unknown, id?: string): ScriptedCall => ({
  name,
  arguments: typeof args === "string" ? args : JSON.stringify(args),
  ...(id === undefined ? {} : { id }),
});
export const callTools = (calls: ScriptedCall[], more: Partial<Said> = {}): Step => ({ kind: "say", calls, ...more });
export const tooMany = (seconds: number | null, code = "rate_limit_exceeded"): Step => ({
  kind: "status",
  status: 429,
  body: { error: { message: "Rate limit reached", type: "requests", code, param: null } },
  headers: seconds === null ? {} : { "retry-after": String(seconds) },
});
export const status = (code: number, body: unknown = { error: { message: "no", type: "server_error" } }): Step => ({
  kind: "status",
  status: code,
  body,
});
/** One step a request, the last one for every further one. */
export const inOrder =
  (...steps: Step[]): Script =>
  (_, index) =>
    steps[Math.min(index, steps.length - 1)] ?? say("");

export interface ScriptedOpenAi {
  /** With `/v1`, as OPENAI_BASE_URL has it. */
  baseUrl: string;
  hostPort: string;
  requests: { body: ChatRequest; headers: IncomingHttpHeaders }[];
  script: Script;
  /** Requests under way. */
  readonly underWay: number;
  /** Resolves once a client has gone away before its answer was complete. */
  abandoned: Promise<void>;
  stop(): Promise<void>;
}

export async function startScriptedOpenAi(script: Script, port = 0): Promise<ScriptedOpenAi> {
  const requests: ScriptedOpenAi["requests"] = [];
  const abandoned = Promise.withResolvers<void>();
  let underWay = 0;
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    if (!request.url?.endsWith("/chat/completions"))
      return refuse(response, 404, "unknown_url", "there is no such route");
    underWay += 1;
    response.on("close", () => {
      underWay -= 1;
      if (!response.writableFinished) abandoned.resolve();
    });
    response.on("error", () => {});
    const body = JSON.parse(text) as ChatRequest;
    const index = requests.push({ body, headers: request.headers }) - 1;
    const wrong = protocolProblem(body.messages);
    if (wrong !== null) return refuse(response, 400, "invalid_request_error", wrong);
    await perform(scripted.script(body, index), body, index, response);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const hostPort = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const scripted: ScriptedOpenAi = {
    baseUrl: `http://${hostPort}/v1`,
    hostPort,
    requests,
    script,
    get underWay() {
      return underWay;
    },
    abandoned: abandoned.promise,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return scripted;
}

async function perform(step: Step, body: ChatRequest, index: number, response: ServerResponse): Promise<void> {
  switch (step.kind) {
    case "status":
      json(response, step.status, step.body ?? {}, step.headers);
      return;
    case "raw":
      response.writeHead(200, { "content-type": step.contentType }).end(step.body);
      return;
    case "hang":
      if (step.after !== undefined) stream(response);
      if (step.after === "first_chunk") event(response, chunk(body, index, { role: "assistant", content: "Well, " }));
      return;
    case "stream_error":
      stream(response);
      event(response, chunk(body, index, { content: "Well, " }));
      event(response, { error: { message: "upstream broke", type: "server_error", code: step.code } });
      response.end();
      return;
    case "cut":
      stream(response);
      event(response, chunk(body, index, { content: step.text }));
      response.write(`data: {"id":"chatcmpl-${index}","choices":[{"ind`, () => response.destroy());
      return;
    case "say":
      if (step.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, step.delayMs));
      if (body.stream === true) await sayInPieces(step, body, index, response);
      else sayAtOnce(step, body, index, response);
  }
}

function sayAtOnce(step: Said, body: ChatRequest, index: number, response: ServerResponse): void {
  const message = {
    role: "assistant",
    content: step.text ?? null,
    refusal: step.refusal ?? null,
    ...(step.calls ? { tool_calls: step.calls.map((one, at) => toolCall(one, index, at)) } : {}),
  };
  const completion = {
    ...envelope(step, body, index, "chat.completion"),
    choices: [{ index: 0, message, finish_reason: finishOf(step) }],
    ...(step.usage === null ? {} : { usage: usageObject(step.usage ?? USAGE) }),
  };
  json(response, 200, completion, step.headers);
}

async function sayInPieces(step: Said, body: ChatRequest, index: number, response: ServerResponse): Promise<void> {
  stream(response, step.headers);
  const send = (delta: unknown, finish: string | null = null) =>
    event(response, {
      ...envelope(step, body, index, "chat.completion.chunk"),
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
  send({ role: "assistant", content: "" });
  for (const piece of pieces(step.text ?? "")) {
    send({ content: piece });
    if (step.paceMs !== undefined) await new Promise((resolve) => setTimeout(resolve, step.paceMs));
  }
  if (step.refusal !== undefined) send({ refusal: step.refusal });
  (step.calls ?? []).forEach((one, at) => {
    const { id, type, function: asked } = toolCall(one, index, at);
    send({ tool_calls: [{ index: at, id, type, function: { name: asked.name, arguments: "" } }] });
    for (const piece of pieces(asked.arguments)) send({ tool_calls: [{ index: at, function: { arguments: piece } }] });
  });
  if (step.finish !== null) send({}, finishOf(step));
  if (step.usage !== null && body.stream_options?.include_usage === true) {
    const usage = usageObject(step.usage ?? USAGE);
    event(response, { ...envelope(step, body, index, "chat.completion.chunk"), choices: [], usage });
  }
  response.end("data: [DONE]\n\n");
}

function finishOf(step: Said): string | null {
  if (step.finish !== undefined) return step.finish;
  return step.calls === undefined ? "stop" : "tool_calls";
}

function envelope(step: { model?: string }, body: ChatRequest, index: number, object: string) {
  return {
    id: `chatcmpl-${index}`,
    object,
    created: 1_780_000_000,
    model: step.model ?? body.model,
    service_tier: "default",
  };
}

function chunk(body: ChatRequest, index: number, delta: unknown) {
  return { ...envelope({}, body, index, "chat.completion.chunk"), choices: [{ index: 0, delta, finish_reason: null }] };
}

function toolCall(one: ScriptedCall, index: number, at: number) {
  const { name, arguments: args, id = `call_${index}_${at}` } = one;
  return { id, type: "function", function: { name, arguments: args } };
}

function usageObject(usage: ScriptedUsage) {
  const {
    prompt_tokens,
    completion_tokens,
    cached_tokens = 0,
    cache_write_tokens = 0,
    reasoning_tokens = 0,
    cost,
  } = usage;
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens, cache_write_tokens },
    completion_tokens_details: { reasoning_tokens },
    ...(cost === undefined ? {} : { cost }),
  };
}

/** What a real server would refuse in a conversation; null when it would not. */
function protocolProblem(messages: ChatRequest["messages"]): string | null {
  let open: string[] = [];
  for (const message of messages) {
    if (message.role === "tool") {
      if (!open.includes(message.tool_call_id)) return `tool message for unknown call ${message.tool_call_id}`;
      open = open.filter((id) => id !== message.tool_call_id);
    } else {
      if (open.length > 0) return `tool calls without an answer: ${open.join(", ")}`;
      open = (message.tool_calls ?? []).map((one: { id: string }) => one.id);
    }
  }
  return open.length > 0 ? `tool calls without an answer: ${open.join(", ")}` : null;
}

/** A text in pieces of seven characters, so that words and escapes are torn apart. */
function pieces(text: string): string[] {
  if (text.length > 10_000) return text.match(/[\s\S]{1,4096}/g) ?? [];
  return text.match(/[\s\S]{1,7}/g) ?? [];
}

function stream(response: ServerResponse, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", ...headers });
}

function event(response: ServerResponse, value: unknown): void {
  response.write(`data: ${JSON.stringify(value)}\n\n`);
}

function json(response: ServerResponse, code: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, code: number, type: string, message: string): void {
  json(response, code, { error: { message, type, param: null, code: null } });
}
