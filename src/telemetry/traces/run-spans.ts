/**
 * A run's trace from its log: a root for each generation, a span for each attempt of a node, and below an attempt what it
 * did outside. Reads events alone, so that the same log gives the same spans at any time. Texts, inputs and outputs are
 * left out: what a span says are names, codes and numbers.
 */
import type { RunEvent, RunQueued } from "#engine/events.ts";
import type { LlmMetrics } from "#engine/metrics.ts";
import { partOf } from "#engine/path.ts";
import type { NodeDescription } from "../run-points.ts";
import { attemptSpan, type EndedAttempt, endAttempt, type NodeEvent, runAttributes } from "./attempt-span.ts";
import { noteOf } from "./event-notes.ts";
import { rootSpanId, traceIdOf } from "./ids.ts";
import { childLink, linksOf, reopensLink } from "./run-links.ts";
import { addEvent, attributesOf, type Span, type SpanLink } from "./span.ts";

/** Spans of one trace; what comes later is counted on the root. */
export const TRACE_SPANS_MAX = 10_000;

export type DescribeNode = (path: string) => NodeDescription | null;

interface OpenAttempt {
  visit: number;
  attempt: number;
  span: Span;
}

/** The spans of a run, roots and attempts in the order in which they began. What has not ended ends with the log. */
export function spansOf(events: readonly RunEvent[], describe: DescribeNode): Span[] {
  const [first] = events;
  if (first?.type !== "run.queued") return [];
  const trace = new Trace(first, describe);
  for (const event of events) trace.take(event);
  return trace.end(events.at(-1)?.at ?? first.at);
}

/** Those of one generation: from its start or its reopening to its end. */
export function spansOfGeneration(events: readonly RunEvent[], generation: number, describe: DescribeNode): Span[] {
  const spans = spansOf(events, describe);
  return spans.filter((span) => span.attributes["weir.run.generation"] === generation);
}

class Trace {
  readonly #queued: RunQueued;
  readonly #describe: DescribeNode;
  readonly #traceId: string;
  readonly #spans: Span[] = [];
  readonly #open = new Map<string, OpenAttempt>();
  #generation = 1;
  #root: Span;
  #hasEnded = false;
  #dropped = 0;
  /** What the models of this generation have used; null before the first. */
  #usage: { input: number; output: number; costUsd: number | null } | null = null;

  constructor(queued: RunQueued, describe: DescribeNode) {
    this.#queued = queued;
    this.#describe = describe;
    this.#traceId = traceIdOf(queued.run_id);
    this.#root = this.#newRoot(queued.at, linksOf(queued));
  }

  take(event: RunEvent): void {
    if ("metrics" in event && event.metrics?.llm !== undefined && !this.#hasEnded) this.#count(event.metrics.llm);
    switch (event.type) {
      case "node.queued":
      case "node.started":
      case "node.waiting":
        this.#goOn(event);
        break;
      case "node.retrying":
      case "node.completed":
      case "node.failed":
      case "node.cancelled":
        this.#close(event.node, event, event.at);
        break;
      case "run.completed":
      case "run.failed":
      case "run.cancelled":
        this.#endRoot(event);
        break;
      case "run.reopened":
        this.#reopen(event.at, event.generation);
        break;
      default:
        this.#note(event);
    }
  }

  end(atMs: number): Span[] {
    for (const path of [...this.#open.keys()]) this.#close(path, null, atMs);
    if (!this.#hasEnded) {
      this.#root.endMs = Math.max(this.#root.endMs, atMs);
      this.#root.attributes["weir.unfinished"] = true;
    }
    this.#tellUsage();
    if (this.#dropped > 0) this.#root.attributes["weir.spans_dropped"] = this.#dropped;
    return this.#spans;
  }

  #newRoot(atMs: number, links: SpanLink[]): Span {
    const { run_id, workflow } = this.#queued;
    const root: Span = {
      traceId: this.#traceId,
      spanId: rootSpanId(run_id, this.#generation),
      parentSpanId: null,
      name: workflow === null ? "invoke_workflow" : `invoke_workflow ${workflow}`,
      kind: "internal",
      startMs: atMs,
      endMs: atMs,
      attributes: runAttributes(this.#queued, this.#generation),
      events: [],
      droppedEvents: 0,
      links,
      error: null,
    };
    this.#spans.push(root);
    return root;
  }

  #count({ input_tokens: input, output_tokens: output, cost_usd: cost }: LlmMetrics): void {
    const before = this.#usage ?? { input: 0, output: 0, costUsd: 0 };
    const costUsd = before.costUsd === null || cost === null ? null : before.costUsd + cost;
    this.#usage = { input: before.input + input, output: before.output + output, costUsd };
  }

  #tellUsage(): void {
    if (this.#usage === null) return;
    const { input, output, costUsd } = this.#usage;
    Object.assign(
      this.#root.attributes,
      attributesOf({
        "gen_ai.usage.input_tokens": input,
        "gen_ai.usage.output_tokens": output,
        "weir.cost_usd": costUsd,
      }),
    );
  }

  #reopen(atMs: number, generation: number): void {
    const before = this.#root;
    this.#generation = generation;
    this.#root = this.#newRoot(atMs, [reopensLink(before)]);
    this.#hasEnded = false;
    this.#usage = null;
  }

  #endRoot(event: Extract<RunEvent, { type: "run.completed" | "run.failed" | "run.cancelled" }>): void {
    for (const path of [...this.#open.keys()]) this.#close(path, null, event.at);
    const root = this.#root;
    root.endMs = event.at;
    this.#tellUsage();
    root.attributes["weir.run.status"] = event.type.slice("run.".length);
    if (event.type === "run.failed") {
      root.error = event.error.code;
      root.attributes["error.type"] = event.error.code;
      root.attributes["weir.error.node"] = event.error.node;
    }
    this.#hasEnded = true;
  }

  /** The attempt that an event belongs to; one of another number ends what was open for the path. */
  #goOn(event: Extract<NodeEvent, { type: "node.queued" | "node.started" | "node.waiting" }>): void {
    const { node: path, at } = event;
    let open = this.#open.get(path);
    if (open !== undefined && (open.visit !== event.visit || open.attempt !== event.attempt)) {
      this.#close(path, null, at);
      open = undefined;
    }
    const isNew = open === undefined;
    open ??= this.#begin(event);
    const { span } = open;
    if (event.type === "node.queued") {
      if (isNew) addEvent(span, "queued", at);
      else addEvent(span, "sent again", at, { "weir.sends": event.sends });
    } else if (event.type === "node.started") addEvent(span, "started", at);
    else {
      addEvent(span, "waiting", at, { "weir.wait": event.wait.kind });
      if (event.wait.kind === "child") span.links.push(childLink(event.wait.run_id));
      if (event.metrics !== undefined) this.#keep(endAttempt(span, event, this.#describe(path), this.#queued.run_id));
    }
  }

  #begin(event: NodeEvent): OpenAttempt {
    const owner = partOf(event.node)?.owner;
    const parent = owner === undefined ? undefined : this.#open.get(owner)?.span;
    const identity = { runId: this.#queued.run_id, traceId: this.#traceId, generation: this.#generation };
    const span = attemptSpan(event, this.#describe(event.node), identity, parent?.spanId ?? this.#root.spanId);
    if (this.#spans.length < TRACE_SPANS_MAX) this.#spans.push(span);
    else this.#dropped += 1;
    const open = { visit: event.visit, attempt: event.attempt, span };
    this.#open.set(event.node, open);
    return open;
  }

  /** `event` null: it has not ended of itself. One that nothing began was over at once: its result was there already. */
  #close(path: string, event: NodeEvent | null, atMs: number): void {
    let open = this.#open.get(path);
    if (event !== null && (open?.visit !== event.visit || open.attempt !== event.attempt)) {
      if (open !== undefined) this.#close(path, null, atMs);
      open = this.#begin(event);
    }
    if (open === undefined) return;
    this.#open.delete(path);
    const { span } = open;
    span.endMs = Math.max(span.startMs, atMs);
    if (event === null) span.attributes["weir.unfinished"] = true;
    else this.#keep(endAttempt(span, event, this.#describe(path), this.#queued.run_id));
  }

  #keep({ calls }: EndedAttempt): void {
    const room = Math.max(0, TRACE_SPANS_MAX - this.#spans.length);
    this.#spans.push(...calls.slice(0, room));
    this.#dropped += Math.max(0, calls.length - room);
  }

  /** What happens between nodes is an event of the node's attempt while there is one, else of the root. */
  #note(event: RunEvent): void {
    const open = "node" in event && event.node !== undefined ? this.#open.get(event.node) : undefined;
    const note = noteOf(event);
    // What comes after the end belongs to no span that is still open.
    if (note === null || (open === undefined && this.#hasEnded)) return;
    addEvent(open?.span ?? this.#root, event.type, event.at, note);
  }
}
