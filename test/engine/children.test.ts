/** Workflow nodes: what is asked for, how a child's end and a parent's reach the other, how deep they go. */
import { describe, expect, test } from "vitest";
import { DEPTH_MAX } from "#engine/limits.ts";
import { planStart } from "#engine/plan.ts";
import { graphOf, RunDriver, START_MS } from "../support/run-driver.ts";

const document = (config: object = {}) => ({
  nodes: [{ id: "sub", type: "workflow", config: { workflow: "child", inputs: { n: "$inputs.n" }, ...config } }],
  edges: [],
});

describe("workflow node", () => {
  test("asks for a child in its own shard, with its inputs rendered, and waits", () => {
    const run = new RunDriver(document(), { n: 7 });
    expect(run.children).toMatchObject([
      { workflow: "child", inputs: { n: 7 }, depth: 1, parent: { run_id: run.state.run_id, path: "sub", visit: 1 } },
    ]);
    expect(run.children[0]?.run_id).toMatch(/^run_xx000[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(run.view).toMatchObject({ status: "waiting", waiting_for: [{ node: "sub", kind: "child", until: null }] });
    run.endChild("sub", { ok: true, output: { done: 1 } });
    expect(run.outputs).toEqual({ sub: { done: 1 } });
  });

  test("a failed child fails the node", () => {
    const run = new RunDriver(document(), { n: 7 });
    run.endChild("sub", { ok: false, error: { code: "child_failed", message: "it failed" } });
    expect(run.state.error).toMatchObject({ code: "child_failed", node: "sub" });
  });

  test("an end that is told twice, or of another child, changes nothing", () => {
    const run = new RunDriver(document(), { n: 7 });
    const other = { type: "child_ended" as const, path: "sub", visit: 1, child: "run_other" };
    expect(run.give({ ...other, outcome: { ok: true, output: {} } })).toBe("duplicate");
    run.endChild("sub", { ok: true, output: {} });
    expect(run.endChild("sub", { ok: true, output: {} })).toBe("duplicate");
  });

  test("it is looked after again, ever less often, in case it was lost", () => {
    const run = new RunDriver(document(), { n: 7 });
    run.pass(30_000);
    run.pass(30_000);
    run.pass(30_000);
    expect(run.children.length).toBe(3);
    expect(new Set(run.children.map((child) => JSON.stringify(child))).size).toBe(1);
  });

  test("cancel reaches the child, and so does a failure beside it", () => {
    const run = new RunDriver(document(), { n: 7 });
    run.command({ type: "cancel" });
    expect(run.cancelledChildren).toEqual([run.children[0]?.run_id]);

    const http = { id: "h", type: "http", config: { url: "https://a.example.com/" }, retry: { max_attempts: 1 } };
    const beside = new RunDriver({ nodes: [...document().nodes, http], edges: [] }, { n: 7 });
    beside.answer("h", { ok: false, error: { code: "http_status", message: "500" } });
    expect(beside.cancelledChildren).toEqual([beside.children[0]?.run_id]);
  });

  test("a cancelled parent whose message was lost cancels its children again", () => {
    const run = new RunDriver(document(), { n: 7 });
    run.command({ type: "cancel" });
    run.give({ type: "tasks_unsent" });
    expect(run.cancelledChildren).toHaveLength(2);
  });

  test("runs start runs to the bound, and no deeper", () => {
    const startAt = (depth: number) =>
      planStart(
        {
          run_id: "run_xx00001HF0000000000000000000000",
          tenant: "default",
          workflow: null,
          artifact_id: "sha256:test",
          inputs: { n: 1 },
          labels: {},
          priority: 3,
          trigger: "workflow",
          depth,
        },
        { graph: graphOf(document()), nowMs: START_MS, readStored: () => null, system: {} },
      );
    expect(startAt(DEPTH_MAX - 1).effects).toMatchObject([{ type: "child", request: { depth: DEPTH_MAX } }]);
    expect(startAt(DEPTH_MAX).state.error).toMatchObject({ code: "child_failed", node: "sub" });
  });

  test("an ended child tells its parent, with its outputs or why it failed", () => {
    const parent = { run_id: "run_parent", path: "sub", visit: 2 };
    const start = (definition: object) =>
      planStart(
        {
          run_id: "run_xx00001HF0000000000000000000000",
          tenant: "default",
          workflow: null,
          artifact_id: "sha256:test",
          inputs: {},
          labels: {},
          priority: 3,
          trigger: "workflow",
          depth: 1,
          parent,
        },
        { graph: graphOf(definition), nowMs: START_MS, readStored: () => null, system: {} },
      ).effects;
    expect(start({ nodes: [{ id: "a", type: "transform", config: { expression: "1.0" } }], edges: [] })).toMatchObject([
      { type: "tell_parent", parent, outcome: { ok: true, output: { a: 1 } } },
    ]);
    expect(
      start({ nodes: [{ id: "a", type: "transform", config: { expression: "1 / 0" } }], edges: [] }),
    ).toMatchObject([
      {
        type: "tell_parent",
        outcome: { ok: false, error: { code: "child_failed", details: { code: "expression_failed" } } },
      },
    ]);
  });
});
