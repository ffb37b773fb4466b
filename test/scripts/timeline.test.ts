import { describe, expect, test } from "vitest";
import { outputLines } from "../../scripts/local-runtime/examples.mjs";
import { paintFor, plain } from "../../scripts/local-runtime/output.mjs";
import { duration, renderTimeline } from "../../scripts/local-runtime/timeline.mjs";

const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();

function ran(sent: number, start: number, end: number, status = "completed") {
  return {
    status,
    metrics: {
      sent_at: at(sent),
      start_time: at(start),
      end_time: at(end),
      queue_time_ms: start - sent,
      execution_time_ms: end - start,
    },
  };
}

const details = {
  node_executions: {
    join: { type: "transform", ...ran(64, 64, 64) },
    fetch: { type: "http", ...ran(0, 16, 64) },
    never: { type: "transform", status: "skipped", metrics: null },
  },
};

describe("timeline", () => {
  test("rows stand in the order of time, what never ran last", () => {
    expect(renderTimeline(details, plain)).toEqual([
      "node   type        wait  execution  status",
      "fetch  http       16 ms      48 ms  completed  ········████████████████████████",
      "join   transform   0 ms       0 ms  completed                                 █",
      "never  transform                    skipped",
    ]);
  });

  test("a run of no measurable length is drawn", () => {
    const [, row] = renderTimeline({ node_executions: { only: { type: "delay", ...ran(5, 5, 5) } } }, plain);
    expect(row).toMatch(/^only .*completed {2}█$/);
  });

  test("a run in which nothing ran is drawn without bars", () => {
    const nothing = { node_executions: { a: { type: "http", status: "cancelled" } } };
    expect(renderTimeline(nothing, plain)).toHaveLength(2);
  });

  test("colours do not move the columns", () => {
    const coloured = renderTimeline(details, paintFor({ isTTY: true }, {}));
    expect(coloured.join("\n")).toContain("\u001b[");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: takes the colours off again
    const bare = coloured.map((line) => line.replaceAll(/\u001b\[\d+m/g, "").trimEnd());
    expect(bare).toEqual(renderTimeline(details, plain));
  });

  test("colours are for terminals whose owner did not set NO_COLOR", () => {
    expect(paintFor({ isTTY: false }, {})("red", "x")).toBe("x");
    expect(paintFor({ isTTY: true }, { NO_COLOR: "1" })("red", "x")).toBe("x");
  });
});

test("durations have a unit that fits", () => {
  expect([0, 999, 1_000, 12_345, 200_000].map(duration)).toEqual(["0 ms", "999 ms", "1.00 s", "12.35 s", "200 s"]);
});

test("long outputs are cut and say by how much", () => {
  const lines = outputLines(Array.from({ length: 100 }, (_, index) => index));
  expect(lines).toHaveLength(25);
  expect(lines.at(-1)).toBe("… 78 more lines");
});
