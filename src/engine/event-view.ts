/** An event as the API shows it. */
import { rfc3339 } from "#kernel/clock.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { RunEvent } from "./events.ts";
import { measuredView } from "./metrics-view.ts";

export type EventView = JsonObject & { seq: number; at: string; type: string };

/** An event as the API shows it. Large values stay where they are: `output_bytes` says how large. */
export function eventView(event: RunEvent): EventView {
  const { seq, at, type, ...rest } = event;
  const view: EventView = { seq, at: rfc3339(at), type, ...(rest as unknown as JsonObject) };
  for (const key of ["output", "inputs", "payload", "operations"] as const) {
    const stored = view[key] as { value?: Json; stored_bytes?: number } | undefined;
    if (stored === undefined) continue;
    if (stored.value !== undefined) view[key] = stored.value;
    else {
      delete view[key];
      view[`${key}_bytes`] = stored.stored_bytes ?? 0;
    }
  }
  if ("metrics" in event && event.metrics !== undefined) {
    view.metrics = measuredView(event.metrics, "attempt" in event ? event.attempt : 0) as unknown as JsonObject;
  }
  for (const key of ["due_at", "retry_at", "expires_at"] as const) {
    if (typeof view[key] === "number") view[key] = rfc3339(view[key]);
  }
  delete view.tenant;
  return view;
}
