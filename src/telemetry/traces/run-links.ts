/** What a run's trace is linked to: its caller, the run that asked for it, the one that it replays, its children. */
import type { ParentOf, RunQueued } from "#engine/events.ts";
import { rootSpanId, traceIdOf } from "./ids.ts";
import type { SpanLink } from "./span.ts";
import { parseTraceparent } from "./traceparent.ts";

/** The caller's span, the run that asked for this one, the run that it replays. */
export function linksOf({ traceparent, parent, replay_of: replayed }: RunQueued): SpanLink[] {
  const caller = parseTraceparent(traceparent);
  return [
    ...(caller === null
      ? []
      : [
          {
            traceId: caller.traceId,
            spanId: caller.spanId,
            flags: Number.parseInt(caller.flags, 16),
            isRemote: true,
            attributes: { "weir.link": "caller" },
          },
        ]),
    ...(parent === undefined ? [] : [linkToParent(parent)]),
    ...(replayed === undefined
      ? []
      : [linkToRun(replayed.run_id, { "weir.link": "replays", "weir.replay.mode": replayed.mode })]),
  ];
}

function linkToParent({ run_id, path, visit }: ParentOf): SpanLink {
  return linkToRun(run_id, { "weir.link": "parent", "weir.node.path": path, "weir.node.visit": visit });
}

function linkToRun(runId: string, attributes: SpanLink["attributes"]): SpanLink {
  const spanId = rootSpanId(runId, 1);
  return {
    traceId: traceIdOf(runId),
    spanId,
    flags: 1,
    isRemote: false,
    attributes: { ...attributes, "weir.run.id": runId },
  };
}

/** From a node to the run that it started. */
export function childLink(runId: string): SpanLink {
  return linkToRun(runId, { "weir.link": "child" });
}

/** From a generation's root to the one before. */
export function reopensLink({ traceId, spanId }: { traceId: string; spanId: string }): SpanLink {
  return { traceId, spanId, flags: 1, isRemote: false, attributes: { "weir.link": "reopens" } };
}
