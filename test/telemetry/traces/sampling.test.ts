/** Which runs are exported: all that tell something, and the same share of the rest every time it is asked. */
import { describe, expect, test } from "vitest";
import type { RunEvent } from "#engine/events.ts";
import { SLOW_RUN_MS, whyKept } from "#telemetry/traces/sampling.ts";
import { log, queued, storedLogs } from "./traced-runs.ts";

const node = { node: "a", visit: 1, iteration: 0, attempt: 1 };
const ERROR = { code: "timeout" as const, message: "m", retryable: true };
const run = (...events: Omit<RunEvent, "seq">[]) => log(queued(), ...events);
const ended = (at: number) => ({ type: "run.completed" as const, at });

describe("sampling", () => {
  test.each<[string | null, RunEvent[]]>([
    [null, run(ended(1_000 + SLOW_RUN_MS - 1))],
    ["slow", run(ended(1_000 + SLOW_RUN_MS))],
    ["failed", run({ type: "run.failed", at: 1, error: { code: "timeout", message: "m", node: "a" } } as RunEvent)],
    ["failed", run({ type: "node.failed", at: 1, ...node, error: ERROR, handled: true } as RunEvent, ended(1_001))],
    ["retried", run({ type: "node.retrying", at: 1, ...node, error: ERROR, retry_at: 2 } as RunEvent, ended(1_001))],
    [
      null,
      run(
        { type: "node.retrying", at: 1, ...node, error: ERROR, retry_at: 2, postponed: true } as RunEvent,
        ended(1_001),
      ),
    ],
    [null, run({ type: "run.cancelled", at: 1_001 } as RunEvent)],
  ])("keeps for the reason %s", (reason, events) => {
    expect(whyKept("run_1", events, 0)).toBe(reason);
  });

  test("keeps those that people or patches had a part in", () => {
    const logs = storedLogs();
    expect(whyKept("run_1", logs.get("approval-with-quorum-and-escalation.json") ?? [], 0)).not.toBeNull();
    expect(whyKept("run_1", logs.get("patches.json") ?? [], 0)).not.toBeNull();
  });

  test("a share of the rest: none of it, all of it, about a tenth; the same ones when asked again", () => {
    const plain = run(ended(1_001));
    const ids = Array.from({ length: 4_000 }, (_, index) => `run_${index}`);
    const kept = (share: number) => ids.filter((id) => whyKept(id, plain, share) !== null);
    expect(kept(0)).toEqual([]);
    expect(kept(1)).toEqual(ids);
    const tenth = kept(0.1);
    expect(tenth.length).toBeGreaterThan(300);
    expect(tenth.length).toBeLessThan(500);
    expect(kept(0.1)).toEqual(tenth);
    // A larger share holds the smaller one, so that traces stay whole across services that sample alike.
    const half = new Set(kept(0.5));
    expect(tenth.every((id) => half.has(id))).toBe(true);
  });
});
