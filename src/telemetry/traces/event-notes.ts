/** What a span tells of events that are no spans themselves: approvals, patches, signals, timers, warnings. */
import type { RunEvent } from "#engine/events.ts";
import { nodeOf } from "#engine/path.ts";
import { type Attributes, attributesOf } from "./span.ts";

/** Attributes of an event that a span tells of; null for those that it does not. */
export function noteOf(event: RunEvent): Attributes | null {
  switch (event.type) {
    case "run.paused":
    case "run.resumed":
      return {};
    case "approval.requested":
      return attributesOf({ "weir.approval.id": event.approval_id, "weir.approval.quorum": event.quorum });
    case "approval.voted":
    case "approval.decided":
      return attributesOf({ "weir.approval.id": event.approval_id, "weir.approval.decision": event.decision });
    case "approval.expired":
      return attributesOf({ "weir.approval.id": event.approval_id, "weir.approval.on_timeout": event.on_timeout });
    case "patch.proposed":
      return attributesOf({ "weir.patch": event.patch, "weir.patch.source": event.source });
    case "patch.applied":
    case "patch.rejected":
    case "patch.reverted":
      return attributesOf({ "weir.patch": event.patch });
    case "signal.received":
      return attributesOf({ "weir.signal": event.name });
    case "timer.fired":
      return attributesOf({ "weir.timer": event.timer });
    case "warning":
      return attributesOf({ "weir.warning": event.code, "weir.node.id": event.node && nodeOf(event.node) });
    case "replay.requested":
      return attributesOf({ "weir.replay.run_id": event.run_id, "weir.replay.node": event.node });
    default:
      return null;
  }
}
