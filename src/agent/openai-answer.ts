/**
 * Puts an answer together, whole or from a stream, and judges its end: an answer, a refusal, one that was cut. Takes
 * what compatible servers really send: calls without index or id, usage in an odd place, no word about the end.
 */
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { HearText, ModelReply, ToolCall } from "./model.ts";
import { type ReportedUsage, readUsage } from "./usage.ts";

/** What is read of a chunk or of a whole message; everything may be missing. */
interface Part {
  content?: unknown;
  refusal?: unknown;
  tool_calls?: unknown;
  reasoning_content?: unknown;
}

export class AnswerBuilder {
  model: string | null = null;
  finishReason: string | null = null;
  usage: ReportedUsage | null = null;
  #text = "";
  #refusal = "";
  readonly #calls: { id: string; name: string; arguments: string }[] = [];
  readonly #hear: HearText;

  constructor(hear: HearText = () => undefined) {
    this.#hear = hear;
  }

  /** Takes a chunk of a stream or a whole completion; true when it brought something of the answer itself. */
  add(raw: unknown): boolean {
    const piece = (raw ?? {}) as { model?: unknown; usage?: unknown; choices?: unknown };
    if (typeof piece.model === "string" && piece.model !== "") this.model = piece.model;
    this.usage = readUsage(piece.usage) ?? this.usage;
    const choice = Array.isArray(piece.choices) ? piece.choices[0] : undefined;
    if (typeof choice !== "object" || choice === null) return false;
    if (typeof choice.finish_reason === "string") this.finishReason = choice.finish_reason;
    this.usage = readUsage(choice.usage) ?? this.usage;
    return this.#addPart((choice.delta ?? choice.message ?? {}) as Part);
  }

  #addPart(part: Part): boolean {
    const text = typeof part.content === "string" ? part.content : "";
    const refusal = typeof part.refusal === "string" ? part.refusal : "";
    const calls = Array.isArray(part.tool_calls) ? part.tool_calls : [];
    this.#text += text;
    if (text !== "") this.#hear(text);
    this.#refusal += refusal;
    for (const call of calls) this.#addCall(call);
    const isThinking = typeof part.reasoning_content === "string" && part.reasoning_content !== "";
    return text !== "" || refusal !== "" || calls.length > 0 || isThinking;
  }

  #addCall(raw: unknown): void {
    const {
      index,
      id,
      function: asked,
    } = (raw ?? {}) as {
      index?: unknown;
      id?: unknown;
      function?: { name?: unknown; arguments?: unknown };
    };
    const last = this.#calls.length - 1;
    const startsNew = typeof id === "string" && id !== "" && id !== this.#calls[last]?.id;
    const at = typeof index === "number" && index >= 0 ? index : startsNew || last < 0 ? last + 1 : last;
    // An index far off is somebody's mistake, and must not make a list of that length.
    const call = this.#calls[Math.min(at, last + 1)] ?? { id: "", name: "", arguments: "" };
    if (at > last) this.#calls.push(call);
    if (typeof id === "string" && id !== "") call.id = id;
    if (typeof asked?.name === "string") call.name += asked.name;
    if (typeof asked?.arguments === "string") call.arguments += asked.arguments;
    else if (typeof asked?.arguments === "object") call.arguments = JSON.stringify(asked.arguments);
  }

  /** The answer, or why it is none. */
  end(): Result<ModelReply, NodeError> {
    const text = this.#text;
    if (this.#refusal !== "") return fail(nodeError("model_refused", "the model refused to answer"));
    switch (this.finishReason) {
      case null:
        return fail(nodeError("network", "the model's answer broke off", { retryable: true }));
      case "content_filter":
        return fail(nodeError("model_refused", "the provider's content filter withheld the answer"));
      case "length": {
        const tokens = this.usage?.usage.output_tokens;
        const after = tokens === undefined ? "" : ` after ${tokens} tokens`;
        return fail(nodeError("model_error", `the model's answer was cut${after}: it was longer than one may be`));
      }
      case "error":
        return fail(nodeError("model_error", "the provider gave up on the answer", { retryable: true }));
      default:
    }
    const toolCalls = this.#callsWithIds();
    if (text.trim() === "" && toolCalls.length === 0) {
      return fail(nodeError("model_error", "the model's answer is empty", { retryable: true }));
    }
    return ok({ text, toolCalls });
  }

  /** Ids that are missing or given twice are replaced, so that each call has an answer of its own. */
  #callsWithIds(): ToolCall[] {
    const taken = new Set<string>();
    return this.#calls.map((call, index) => {
      const id = call.id === "" || taken.has(call.id) ? `call_${index + 1}` : call.id;
      taken.add(id);
      return { ...call, id };
    });
  }
}
