/** A trace as a waterfall: a row for each span below its parent, with what it took and when. Reads OTLP/JSON. */

import { duration } from "#kernel/duration.ts";
import type { Trace, TraceSpan } from "../client/weir.ts";
import { groupBy } from "./graph.ts";
import { fields, type Paint } from "./output.ts";
import { table } from "./table.ts";

const BAR_WIDTH = 32;
const STATUS_ERROR = 2;

interface Row {
  span: TraceSpan;
  depth: number;
  startMs: number;
  endMs: number;
  waitMs: number;
}

export function spansIn(trace: Trace): TraceSpan[] {
  return trace.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

export function renderWaterfall(trace: Trace, width: number, paint: Paint): string[] {
  const rows = rowsOf(spansIn(trace));
  const from = Math.min(...rows.map(({ startMs }) => startMs));
  const to = Math.max(...rows.map(({ endMs }) => endMs));
  const lines = table(
    [
      { title: "span", mayShrink: true },
      { title: "took", align: "right" },
      { title: "when" },
      { title: "wait", align: "right" },
      { title: "", mayShrink: true },
    ],
    rows.map((row) => {
      const style = isFailed(row.span) ? "red" : row.depth === 0 ? "bold" : null;
      const painted = (text: string) => (style === null ? text : paint(style, text));
      return [
        { text: `${"  ".repeat(row.depth)}${row.span.name}`, paint: painted },
        duration(row.endMs - row.startMs),
        { text: barOf(row, from, to), paint: (text: string) => paint(isFailed(row.span) ? "red" : "cyan", text) },
        row.waitMs > 0 ? duration(row.waitMs) : "",
        { text: noteOf(row.span), paint: (text: string) => paint("dim", text) },
      ];
    }),
    width,
    (text) => paint("dim", text),
  );
  const dropped = attributeOf(rows[0]?.span, "weir.spans_dropped");
  return dropped === null ? lines : [...lines, paint("yellow", `${dropped} more spans did not fit into the trace`)];
}

/** A line for each span: depth, name, start and length in milliseconds, error, span and parent. */
export function compactWaterfall(trace: Trace): string[] {
  const rows = rowsOf(spansIn(trace));
  const from = Math.min(...rows.map(({ startMs }) => startMs));
  return rows.map(({ span, depth, startMs, endMs }) =>
    fields(depth, span.name, startMs - from, endMs - startMs, errorOf(span), span.spanId, span.parentSpanId),
  );
}

/** Each below its parent, those of one parent in the order in which they began. */
function rowsOf(spans: readonly TraceSpan[]): Row[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const byParent = groupBy(spans, ({ parentSpanId = "" }) => (known.has(parentSpanId) ? parentSpanId : ""));
  const below = (parent: string, depth: number): Row[] =>
    (byParent.get(parent) ?? [])
      .toSorted((left, right) => msOf(left.startTimeUnixNano) - msOf(right.startTimeUnixNano))
      .flatMap((span) => [
        {
          span,
          depth,
          startMs: msOf(span.startTimeUnixNano),
          endMs: msOf(span.endTimeUnixNano),
          waitMs: Number(attributeOf(span, "weir.queue_wait_ms") ?? 0),
        },
        ...below(span.spanId, depth + 1),
      ]);
  return below("", 0);
}

/** Wait as dots, the rest as blocks; at least one block, so that what took no time is still seen. */
function barOf({ startMs, endMs, waitMs }: Row, from: number, to: number): string {
  const column = (at: number) => (to === from ? 0 : Math.round(((at - from) / (to - from)) * BAR_WIDTH));
  const begin = Math.min(column(startMs), BAR_WIDTH - 1);
  const work = Math.min(Math.max(column(startMs + waitMs), begin), BAR_WIDTH - 1);
  const end = Math.max(column(endMs), work + 1);
  return `${" ".repeat(begin)}${"·".repeat(work - begin)}${"█".repeat(end - work)}`;
}

/** What is most worth knowing of a span, in few words. */
function noteOf(span: TraceSpan): string {
  const attempt = Number(attributeOf(span, "weir.node.attempt") ?? 1);
  const input = attributeOf(span, "gen_ai.usage.input_tokens");
  const status = attributeOf(span, "http.response.status_code");
  const cost = Number(attributeOf(span, "weir.cost_usd") ?? 0);
  return [
    errorOf(span),
    attempt > 1 ? `attempt ${attempt}` : null,
    status,
    attributeOf(span, "server.address"),
    input === null ? null : `${input} → ${attributeOf(span, "gen_ai.usage.output_tokens")} tokens`,
    cost > 0 ? `$${cost}` : null,
    attributeOf(span, "weir.unfinished") === "true" ? "not ended" : null,
  ]
    .filter((part) => part !== null)
    .join("  ");
}

function errorOf(span: TraceSpan): string | null {
  return isFailed(span) ? (span.status.message ?? "error") : null;
}

function isFailed({ status }: TraceSpan): boolean {
  return status.code === STATUS_ERROR;
}

function attributeOf(span: TraceSpan | undefined, name: string): string | null {
  const value = span?.attributes.find(({ key }) => key === name)?.value;
  return value === undefined ? null : String(Object.values(value)[0]);
}

/** Nanoseconds do not fit into a number; milliseconds do. */
function msOf(unixNano: string): number {
  return Number(BigInt(unixNano) / 1_000_000n);
}
