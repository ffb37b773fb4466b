/**
 * A conversation with a model as far as it has come: its messages, what was called, what it used. Can be kept and taken
 * up again, so that an attempt that had to wait does not pay for the turns before once more.
 */
import { z } from "zod";
import type { AgentPatch } from "#engine/task.ts";
import type { Json } from "#kernel/json.ts";
import type { AgentUsage, ToolCallSummary } from "./agent-task.ts";
import { KEPT_CONVERSATION_UNITS_MAX, LISTED_CALLS_MAX } from "./limits.ts";
import type { ModelMessage, ModelReply } from "./model.ts";
import type { AnsweredCall, KnownAnswers } from "./tool-calls.ts";
import { addUsage, NO_USAGE, type Usage } from "./usage.ts";

export class Conversation {
  readonly messages: ModelMessage[];
  readonly calls: ToolCallSummary[] = [];
  readonly patches: AgentPatch[] = [];
  readonly known: KnownAnswers = new Map();
  usage: AgentUsage = { ...NO_USAGE, cost_usd: 0, calls: 0 };
  /** Model calls that were answered. */
  turns = 0;
  /** A structured answer did not fit, and the model has been asked again. */
  isRepaired = false;
  #units = 0;

  constructor(opening: readonly ModelMessage[]) {
    this.messages = [];
    for (const message of opening) this.#push(message);
  }

  /** Characters of all messages. */
  get units(): number {
    return this.#units;
  }

  addReply(reply: ModelReply): void {
    this.turns += 1;
    this.#push({ role: "assistant", text: reply.text, toolCalls: reply.toolCalls });
  }

  /** The last reply asked for calls that were not all answered: a provider takes no conversation that stops there. */
  takeBackReply(): void {
    const last = this.messages.at(-1);
    if (last?.role !== "assistant") return;
    this.messages.pop();
    this.#units -= unitsOf(last);
    this.turns -= 1;
    // What had been answered by then need not be done again.
    for (const [key, { text }] of [...this.known]) if (text === "") this.known.delete(key);
  }

  addAnswers(answers: readonly AnsweredCall[]): void {
    for (const { call, text, summary } of answers) {
      this.#push({ role: "tool", callId: call.id, text });
      if (this.calls.length < LISTED_CALLS_MAX) this.calls.push(summary);
    }
  }

  askForRepair(text: string): void {
    this.isRepaired = true;
    this.#push({ role: "user", text });
  }

  /** `usage` null: the provider did not say, and then nobody knows the cost either. */
  addUsage(usage: Usage | null, costUsd: number | null): void {
    const { cost_usd: before, calls } = this.usage;
    const cost = before === null || costUsd === null ? null : before + costUsd;
    this.usage = { ...addUsage(this.usage, usage ?? NO_USAGE), cost_usd: cost, calls: calls + 1 };
  }

  #push(message: ModelMessage): void {
    this.messages.push(message);
    this.#units += unitsOf(message);
  }

  /** As text to be kept; null when it is too long for that. */
  serialise(): string | null {
    const { messages, calls, patches, usage, turns, isRepaired } = this;
    const text = JSON.stringify({ messages, calls, patches, known: [...this.known], usage, turns, isRepaired });
    return text.length <= KEPT_CONVERSATION_UNITS_MAX ? text : null;
  }

  /** Takes up what `serialise` gave; null for anything else, an earlier version's form included. */
  static parse(text: string): Conversation | null {
    let stored: z.infer<typeof keptSchema>;
    try {
      stored = keptSchema.parse(JSON.parse(text));
    } catch {
      return null;
    }
    const conversation = new Conversation(stored.messages);
    conversation.calls.push(...stored.calls);
    conversation.patches.push(...stored.patches);
    for (const [key, answer] of stored.known) conversation.known.set(key, answer);
    conversation.usage = stored.usage;
    conversation.turns = stored.turns;
    conversation.isRepaired = stored.isRepaired;
    return conversation;
  }
}

const count = z.number().nonnegative();
const keptSchema = z.object({
  messages: z.array(
    z.discriminatedUnion("role", [
      z.object({ role: z.enum(["system", "user"]), text: z.string() }),
      z.object({
        role: z.literal("assistant"),
        text: z.string(),
        toolCalls: z.array(z.object({ id: z.string(), name: z.string(), arguments: z.string() })),
      }),
      z.object({ role: z.literal("tool"), callId: z.string(), text: z.string() }),
    ]),
  ),
  calls: z.array(z.object({ tool: z.string(), ok: z.boolean(), error: z.string().exactOptional() })),
  patches: z.array(
    z.object({
      operations: z.array(z.custom<Json>((value) => value !== undefined)),
      description: z.string().nullable(),
      rejected: z.string().exactOptional(),
    }),
  ),
  known: z.array(z.tuple([z.string(), z.object({ times: count, text: z.string() })])),
  usage: z.object({
    input_tokens: count,
    cached_tokens: count,
    cache_write_tokens: count,
    output_tokens: count,
    reasoning_tokens: count,
    cost_usd: count.nullable(),
    calls: count,
  }),
  turns: count,
  isRepaired: z.boolean(),
});

function unitsOf(message: ModelMessage): number {
  if (message.role !== "assistant") return message.text.length;
  return message.toolCalls.reduce((sum, call) => sum + call.name.length + call.arguments.length, message.text.length);
}
