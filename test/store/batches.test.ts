/** What travels together to queues and to D1, at the bounds of one call. */
import { describe, expect, test } from "vitest";
import {
  PROJECTED_OUTPUT_BYTES_MAX,
  PROJECTION_ROWS_MAX,
  PROJECTION_UNITS_MAX,
  type RunRow,
  rowBatches,
  runRow,
} from "#store/projection.ts";
import {
  BATCH_BYTES_MAX,
  BATCH_MESSAGES_MAX,
  cutBatches,
  MESSAGE_CONFIG_BYTES_MAX,
  taskMessage,
} from "#store/task-message.ts";
import { RunDriver } from "../support/run-driver.ts";

const row = (outputs = "") => ({ outputs }) as unknown as RunRow;
const sizes = (batches: string[]) => batches.map((batch) => JSON.parse(batch).length);

describe("rows of one statement", () => {
  test("by count", () => {
    expect(sizes(rowBatches(Array(PROJECTION_ROWS_MAX).fill(row())))).toEqual([PROJECTION_ROWS_MAX]);
    expect(sizes(rowBatches(Array(PROJECTION_ROWS_MAX + 1).fill(row())))).toEqual([PROJECTION_ROWS_MAX, 1]);
    expect(rowBatches([])).toEqual([]);
  });

  test("by size; one that is too large alone still goes", () => {
    // {"outputs":""} has 14 characters.
    const half = row("x".repeat(PROJECTION_UNITS_MAX / 2 - 14));
    expect(sizes(rowBatches([half, half]))).toEqual([2]);
    expect(sizes(rowBatches([half, half, row()]))).toEqual([2, 1]);
    expect(sizes(rowBatches([row("x".repeat(PROJECTION_UNITS_MAX)), row()]))).toEqual([1, 1]);
  });

  test("outputs stand in the row while they are small", () => {
    const rowOf = (length: number) => {
      const config = { function_name: "identity", params: { v: "x".repeat(length) } };
      const run = new RunDriver({ nodes: [{ id: "a", type: "function", config }] });
      return runRow(run.state, run.graph, () => null);
    };
    // {"a":{"v":""}} has 14 characters.
    expect(rowOf(PROJECTED_OUTPUT_BYTES_MAX - 14).outputs).toHaveLength(PROJECTED_OUTPUT_BYTES_MAX);
    expect(rowOf(PROJECTED_OUTPUT_BYTES_MAX - 13).outputs).toBeNull();
  });
});

describe("messages of one batch", () => {
  const items = (count: number, bytes: number) => Array.from({ length: count }, () => ({ bytes }));
  const cut = (list: { bytes: number }[]) => cutBatches(list).map((batch) => batch.length);

  test("by count and by size", () => {
    expect(cut(items(BATCH_MESSAGES_MAX, 1))).toEqual([BATCH_MESSAGES_MAX]);
    expect(cut(items(BATCH_MESSAGES_MAX + 1, 1))).toEqual([BATCH_MESSAGES_MAX, 1]);
    expect(cut(items(2, BATCH_BYTES_MAX / 2))).toEqual([2]);
    expect(cut([...items(2, BATCH_BYTES_MAX / 2), { bytes: 1 }])).toEqual([2, 1]);
    expect(cut([])).toEqual([]);
  });

  test("a config travels while it is small", () => {
    const run = new RunDriver({ nodes: [{ id: "a", type: "http", config: { url: "https://a.example.com/" } }] });
    const task = run.tasks[0];
    if (task === undefined) throw new Error("the run has a task");
    const message = (length: number) => taskMessage({ ...task, config: { v: "x".repeat(length) } }, 0).message;
    // {"v":""} has 8 characters.
    expect(message(MESSAGE_CONFIG_BYTES_MAX - 8).config).not.toBeNull();
    expect(message(MESSAGE_CONFIG_BYTES_MAX - 7).config).toBeNull();
  });
});
