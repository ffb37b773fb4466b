/** What the local runtime tells Weir of its process. */
import { describe, expect, test } from "vitest";
import { figuresOf } from "../../scripts/local-runtime/process-figures.mjs";

describe("figures of a process", () => {
  test.runIf(process.platform === "linux")("are those that the process has of itself", () => {
    const figures = figuresOf(process.pid);
    const { rss } = process.memoryUsage();
    expect(Math.abs((figures?.resident_memory_bytes ?? 0) - rss)).toBeLessThan(rss / 2);
    expect(figures?.threads).toBeGreaterThan(1);
    expect(Math.abs((figures?.start_time_seconds ?? 0) - (Date.now() / 1_000 - process.uptime()))).toBeLessThan(5);
    expect(figures?.cpu_seconds).toBeGreaterThanOrEqual(0);
  });

  test("of one that is gone are none", () => {
    expect(figuresOf(2 ** 30)).toBeNull();
  });
});
