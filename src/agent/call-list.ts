/**
 * What an attempt did outside, call by call: its models, the tools they asked for, the requests of those. Measures and
 * lists, up to a bound; the words of a conversation never come here.
 */
import {
  CALLS_LISTED_MAX,
  type CallMetrics,
  type ModelCallMetrics,
  type RequestMetrics,
  type ToolCallMetrics,
} from "#engine/metrics.ts";
import type { Clock } from "#kernel/clock.ts";
import type { ToolCall } from "./model.ts";
import type { ToolAnswer } from "./tool.ts";
import type { Toolbox } from "./tool-calls.ts";

/** A request that a tool made, once it is over. */
export type ObservedRequest = Omit<RequestMetrics, "kind" | "of">;
export type ObserveRequest = (request: ObservedRequest) => void;

/** Characters that are kept of a name that a model wrote. */
const NAME_LENGTH_MAX = 100;

export class CallList {
  readonly calls: CallMetrics[] = [];
  omitted = 0;
  /** Of all requests of tools, listed or not. */
  bytesIn = 0;
  bytesOut = 0;
  readonly #clock: Clock;
  readonly #underWay = new Set<ToolCallMetrics>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  addModelCall(call: Omit<ModelCallMetrics, "kind">): void {
    this.#add({ kind: "model", ...call });
  }

  /** The same tools, with every call listed. */
  watching(toolbox: Toolbox): Toolbox {
    return { ...toolbox, call: (call) => this.#watch(call, toolbox) };
  }

  /** The attempt is over: what is under way still will not be heard of. */
  close(): void {
    for (const call of this.#underWay) this.#end(call, "interrupted");
  }

  async #watch(call: ToolCall, toolbox: Toolbox): Promise<ToolAnswer> {
    const entry: ToolCallMetrics = {
      kind: "tool",
      at: this.#clock.nowMs(),
      duration_ms: 0,
      tool: shortened(call.name),
      call_id: shortened(call.id),
      bytes_in: 0,
      bytes_out: 0,
    };
    const place = this.#add(entry);
    this.#underWay.add(entry);
    const answer = await toolbox.call(call, (request) => {
      this.bytesIn += request.bytes_in;
      this.bytesOut += request.bytes_out;
      entry.bytes_in += request.bytes_in;
      entry.bytes_out += request.bytes_out;
      if (place === null) this.omitted += 1;
      else this.#add({ kind: "request", of: place, ...request });
    });
    if (this.#underWay.has(entry)) this.#end(entry, answer.ok ? null : "tool_error");
    return answer;
  }

  #end(call: ToolCallMetrics, error: string | null): void {
    this.#underWay.delete(call);
    call.duration_ms = Math.max(0, this.#clock.nowMs() - call.at);
    if (error !== null) call.error = error;
  }

  /** Its place in the list; null when there is no room. */
  #add(call: CallMetrics): number | null {
    if (this.calls.length < CALLS_LISTED_MAX) return this.calls.push(call) - 1;
    this.omitted += 1;
    return null;
  }
}

function shortened(name: string): string {
  return name.slice(0, NAME_LENGTH_MAX).toWellFormed();
}
