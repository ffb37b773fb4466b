/** Maps: order, concurrency, failures, bounds; and what an item may read. */
import { describe, expect, test } from "vitest";
import { checkWorkflow } from "#workflow/check.ts";
import { MAP_ITEMS_MAX } from "#workflow/limits.ts";
import { RunDriver } from "../support/run-driver.ts";

const call = {
  type: "http",
  config: { url: "https://a.example.com/${$index}?q=${$item.q}" },
  retry: { max_attempts: 1 },
};
const map = (config: object, more: object = {}) => ({
  nodes: [{ id: "m", type: "map", config: { items: "$inputs.items", node: call, ...config }, ...more }],
  edges: [],
});
const items = (count: number) => ({ items: Array.from({ length: count }, (_, q) => ({ q })) });
const failure = { ok: false as const, error: { code: "http_status" as const, message: "404" } };

describe("map", () => {
  test("items run side by side up to concurrency, and their outputs stand in order", () => {
    const run = new RunDriver(map({ concurrency: 2 }), items(5));
    expect(run.tasks.map((task) => task.path)).toEqual(["m[0]", "m[1]"]);
    expect(run.tasks[1]?.config.url).toBe("https://a.example.com/1?q=1");
    run.answer("m[1]", "b");
    run.answer("m[0]", "a");
    expect(run.tasks.map((task) => task.path)).toEqual(["m[2]", "m[3]"]);
    for (const path of ["m[3]", "m[2]", "m[4]"]) run.answer(path, path);
    expect(run.outputs).toEqual({ m: ["a", "b", "m[2]", "m[3]", "m[4]"] });
    expect([...run.state.nodes.keys()]).toEqual(["m"]);
  });

  test("inline items run at once, with item and index", () => {
    const node = { type: "transform", config: { expression: "{'twice': item * 2, 'at': index}" } };
    const run = new RunDriver(map({ node }), { items: [3, 4] });
    expect(run.outputs).toEqual({
      m: [
        { twice: 6, at: 0 },
        { twice: 8, at: 1 },
      ],
    });
  });

  test("an empty list gives an empty list", () => {
    expect(new RunDriver(map({}), { items: [] }).outputs).toEqual({ m: [] });
  });

  test("as many inline items as are allowed go through, over several transitions", () => {
    const node = { type: "transform", config: { expression: "index" } };
    const run = new RunDriver(map({ node, concurrency: 100 }), { items: Array(MAP_ITEMS_MAX / 10).fill(0) });
    expect(run.outputs).toEqual({ m: Array.from({ length: MAP_ITEMS_MAX / 10 }, (_, index) => index) });
  });

  test.each([
    ["what is no list", {}, { items: { a: 1 } }, "a map needs a list of items, not an object"],
    ["more items than max_items", { max_items: 2 }, items(3), "3 items are more than the 2 of max_items"],
  ])("%s fails the node", (_, config, inputs, message) => {
    expect(new RunDriver(map(config), inputs).state.error).toMatchObject({ code: "map_failed", message });
  });

  test("exactly max_items are taken", () => {
    expect(new RunDriver(map({ max_items: 3 }), items(3)).tasks).toHaveLength(3);
  });

  test("the first failed item fails the map and cancels the others", () => {
    const run = new RunDriver(map({ concurrency: 3 }), items(4));
    run.answer("m[1]", failure);
    expect(run.state.error).toMatchObject({ code: "map_failed", message: "item 1 failed (http_status): 404" });
    expect(run.types("m[0]").at(-1)).toBe("node.cancelled");
    expect(run.types("m[3]")).toEqual([]);
    expect(run.answer("m[0]", "late")).toBe("duplicate");
  });

  test("collected failures stand in their places", () => {
    const run = new RunDriver(map({ on_item_error: "collect" }), items(2));
    run.answer("m[0]", failure);
    run.answer("m[1]", "fine");
    expect(run.outputs).toEqual({ m: [{ code: "http_status", message: "404", node: "m[0]" }, "fine"] });
  });

  test("an item is tried again by its own policy, under the same key", () => {
    const node = { ...call, retry: { max_attempts: 2, backoff_ms: 10, jitter: false } };
    const run = new RunDriver(map({ node }), items(1));
    run.answer("m[0]", { ok: false, error: { code: "network", message: "gone" } });
    run.pass(10);
    expect(run.tasks).toMatchObject([{ path: "m[0]", visit: 1, attempt: 2 }]);
    run.answer("m[0]", "fine");
    expect(run.outputs).toEqual({ m: ["fine"] });
  });

  test("a map in a loop runs its items anew in each pass, under new visits", () => {
    const run = new RunDriver(
      {
        nodes: [...map({}).nodes, { id: "again", type: "loop", config: { max_iterations: 2, loop_back_to: "m" } }],
        edges: [{ from: "m", to: "again" }],
      },
      items(1),
    );
    run.answer("m[0]", 1);
    expect(run.tasks).toMatchObject([{ path: "m[0]", visit: 2 }]);
    run.answer("m[0]", 2);
    expect(run.outputs).toMatchObject({ again: { value: [2] } });
  });

  test("cancelling the run cancels its items; pausing starts no more of them", () => {
    const run = new RunDriver(map({ concurrency: 1 }), items(3));
    run.command({ type: "pause" });
    run.answer("m[0]", 0);
    expect(run.tasks).toEqual([]);
    run.command({ type: "resume" });
    expect(run.tasks.map((task) => task.path)).toEqual(["m[1]"]);
    run.command({ type: "cancel" });
    expect(run.types("m[1]").at(-1)).toBe("node.cancelled");
    expect(run.state.active.size).toBe(0);
  });

  test("results that are too large together fail the map before it is whole", () => {
    const run = new RunDriver(map({ concurrency: 1 }), items(40));
    for (let i = 0; run.state.status === "running"; i++) run.answer(`m[${i}]`, "x".repeat(1_000_000));
    expect(run.state.error).toMatchObject({ code: "output_too_large", node: "m" });
    expect(run.types("m[20]")).toEqual([]);
  });
});

describe("check: map", () => {
  const errors = (config: object) => checkWorkflow(map(config)).errors;

  test("its items may be inline and task nodes only, known and whole", () => {
    expect(errors({ node: { type: "hitl", config: { message: "?" } } })[0]?.pointer).toBe("/nodes/0/config/node/type");
    expect(errors({ node: { type: "htp" } })[0]?.message).toContain('did you mean "http"');
    expect(errors({ node: { type: "http", config: {} } })[0]?.pointer).toBe("/nodes/0/config/node/config/url");
    expect(errors({ node: { type: "transform", config: { expression: "1 +" } } })[0]?.pointer).toBe(
      "/nodes/0/config/node/config/expression",
    );
  });

  test("a literal that is no list, and bounds beyond the edges, are refused", () => {
    expect(errors({ items: { a: 1 } })[0]?.pointer).toBe("/nodes/0/config/items");
    expect(errors({ concurrency: 101 })[0]?.pointer).toBe("/nodes/0/config/concurrency");
    expect(errors({ max_items: MAP_ITEMS_MAX + 1 })[0]?.pointer).toBe("/nodes/0/config/max_items");
    expect(errors({ concurrency: 100, max_items: MAP_ITEMS_MAX })).toEqual([]);
  });

  test("$item exists inside an item alone", () => {
    const document = {
      nodes: [{ id: "h", type: "http", config: { url: "https://a.example.com/${$item}" } }],
      edges: [],
    };
    expect(checkWorkflow(document).errors[0]?.message).toContain("only inside a map");
  });
});
