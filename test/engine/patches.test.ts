/** Patches of a run's own workflow: what they may change, what is frozen, and that a refused one changes nothing. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PATCHES_PER_RUN_MAX } from "#engine/limits.ts";
import type { Json } from "#kernel/json.ts";
import { PATCH_OPERATIONS_MAX } from "#workflow/limits.ts";
import { RunDriver } from "../support/run-driver.ts";

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const http = (id: string) => ({
  id,
  type: "http",
  config: { url: "https://a.example.com/" },
  retry: { max_attempts: 1 },
});
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });

/** `first` has ended, `slow` runs, `last` waits for it. */
const chain = (more: { nodes?: object[]; edges?: object[]; metadata?: object } = {}) => ({
  nodes: [node("first"), http("slow"), node("last"), ...(more.nodes ?? [])],
  edges: [edge("first", "slow"), edge("slow", "last"), ...(more.edges ?? [])],
  ...(more.metadata === undefined ? {} : { metadata: more.metadata }),
});

const add = (...parts: object[]) =>
  parts.map((value) => ({ op: "add", path: "from" in value ? "/edges/-" : "/nodes/-", value }));
const patch = (run: RunDriver, operations: object[], more: object = {}) =>
  run.command({
    type: "patch",
    operations: operations as Json[],
    description: null,
    by: "key_a",
    dry_run: false,
    if_match: null,
    ...more,
  });

describe("patches: new work", () => {
  test("a failure edge out of a loop that has ended is dead at once, so that what it leads to is skipped", () => {
    const run = new RunDriver({
      nodes: [
        http("head"),
        { id: "loop", type: "loop", config: { max_iterations: 1, loop_back_to: "head" } },
        http("slow"),
      ],
      edges: [edge("head", "loop"), edge("loop", "slow")],
    });
    run.answer("head", 1);
    patch(run, add(node("rescue"), edge("head", "rescue", { on: "failure" })));
    expect(run.status("rescue")).toBe("skipped");
    run.answer("slow", 1);
    expect(run.state.status).toBe("completed");
  });

  test("an edge out of a node that is not offered is judged as that node was: not by failure, not against its condition", () => {
    const run = new RunDriver(chain({ nodes: [node("gone", { type: "file-search" })], edges: [edge("gone", "last")] }));
    expect(run.status("gone")).toBe("skipped");
    patch(run, add(node("plain"), edge("gone", "plain")));
    patch(run, add(node("rescue"), edge("gone", "rescue", { on: "failure" })));
    patch(run, add(node("never"), edge("gone", "never", { condition: "output != null" })));
    expect(["plain", "rescue", "never"].map((id) => run.status(id))).toEqual(["completed", "skipped", "skipped"]);
  });

  test("after a completed node it runs at once", () => {
    const run = new RunDriver(chain());
    const reply = patch(run, add(node("extra"), edge("first", "extra")));
    expect(reply).toMatchObject({
      value: {
        seq: 1,
        status: "applied",
        diff: { summary: ['node "extra" (parallel) added', "edge first → extra added"] },
      },
    });
    expect(run.status("extra")).toBe("completed");
    expect(run.view.patch_seq).toBe(1);
    run.answer("slow", 1);
    expect(run.outputs).toEqual({ last: 1, extra: {} });
  });

  test("a new edge from a completed node is judged alone, by its condition", () => {
    const run = new RunDriver(chain(), { go: true });
    patch(
      run,
      add(
        node("yes"),
        node("no"),
        edge("first", "yes", { condition: "output.go" }),
        edge("first", "no", { condition: "!output.go" }),
      ),
    );
    expect([run.status("yes"), run.status("no")]).toEqual(["completed", "skipped"]);
  });

  test("a node between one that runs and one that waits makes the latter wait for it", () => {
    const run = new RunDriver(chain());
    patch(run, [
      ...add(http("check"), edge("slow", "check"), edge("check", "last")),
      { op: "remove", path: "/edges/1" },
    ]);
    run.answer("slow", "thought");
    expect([run.status("check"), run.status("last")]).toEqual(["queued", "pending"]);
    run.answer("check", "checked");
    expect(run.outputs).toEqual({ last: "checked" });
  });

  test("a new node without edges starts at once", () => {
    const run = new RunDriver(chain());
    patch(run, add(node("alone")));
    expect(run.status("alone")).toBe("completed");
  });

  test("taking away the edge that a join waits for lets it go", () => {
    const run = new RunDriver(chain({ edges: [edge("first", "last")] }));
    patch(run, [{ op: "remove", path: "/edges/1" }]);
    expect(run.status("last")).toBe("completed");
  });

  test("a paused run takes the patch and starts nothing", () => {
    const run = new RunDriver(chain());
    run.command({ type: "pause" });
    patch(run, add(node("extra"), edge("first", "extra")));
    expect(run.status("extra")).toBe("pending");
    run.command({ type: "resume" });
    expect(run.status("extra")).toBe("completed");
  });

  test("a patched run folds to the same state, also over further patches", () => {
    const run = new RunDriver(chain());
    for (let i = 0; i < 5; i++)
      patch(run, add(node(`extra${i}`), edge(i === 0 ? "first" : `extra${i - 1}`, `extra${i}`)));
    expect(run.status("extra4")).toBe("completed");
    expect(run.view.patch_seq).toBe(5);
  });
});

describe("patches: what is frozen", () => {
  test.each([
    [
      "a started node",
      [{ op: "replace", path: "/nodes/1/config/url", value: "https://b.example.com/" }],
      "has started",
    ],
    ["an ended node", [{ op: "replace", path: "/nodes/0/join", value: "any" }], undefined],
    [
      "a started node, removed with its edges",
      [
        { op: "remove", path: "/edges/1" },
        { op: "remove", path: "/edges/0" },
        { op: "remove", path: "/nodes/1" },
      ],
      "cannot be removed",
    ],
    ["a resolved edge", [{ op: "remove", path: "/edges/0" }], "resolved"],
    ["an edge into a started node", add(node("new"), edge("new", "slow")), "edges into it"],
    ["the schema of the inputs", [{ op: "add", path: "/inputs", value: { type: "object" } }], "inputs"],
    ["who may patch", [{ op: "add", path: "/metadata", value: { patch_policy: "gated" } }], "who may patch"],
    [
      "a loop back into what has run",
      [
        ...add(
          { id: "again", type: "loop", config: { max_iterations: 2, loop_back_to: "first" } },
          edge("last", "again"),
        ),
      ],
      "lead back into",
    ],
  ])("%s", (_, operations, message) => {
    const run = new RunDriver(chain());
    const before = JSON.stringify(run.events);
    const reply = patch(run, operations);
    expect(reply).toMatchObject({ code: "invalid" });
    if (message !== undefined) expect(JSON.stringify(reply)).toContain(message);
    expect(JSON.stringify(run.events)).toBe(before);
  });

  test("a loop's body once it has begun; what comes after the loop is free", () => {
    const document = {
      nodes: [
        http("head"),
        node("tail"),
        { id: "again", type: "loop", config: { max_iterations: 2, loop_back_to: "head" } },
        node("after"),
      ],
      edges: [edge("head", "tail"), edge("tail", "again"), edge("again", "after")],
    };
    const run = new RunDriver(document);
    const replace = { op: "replace", path: "/nodes/1/type", value: "transform" };
    expect(patch(run, [replace, { op: "add", path: "/nodes/1/config", value: { expression: "1" } }])).toMatchObject({
      code: "invalid",
    });
    expect(patch(run, add(node("extra"), edge("head", "extra"), edge("extra", "again")))).toMatchObject({
      code: "invalid",
    });
    expect(patch(run, [{ op: "replace", path: "/nodes/2/config/max_iterations", value: 9 }])).toMatchObject({
      code: "invalid",
    });
    expect(patch(run, add(node("extra"), edge("again", "extra")))).toHaveProperty("value");
    run.answer("head", 1);
    run.answer("head", 2);
    expect(run.state.status).toBe("completed");
    expect(Object.keys(run.outputs ?? {}).sort()).toEqual(["after", "extra"]);
  });

  test("what is wrong with the result is told as of a new workflow, all of it", () => {
    const reply = patch(new RunDriver(chain()), add({ id: "x", type: "htp" }, edge("last", "ghost")));
    expect(reply).toMatchObject({
      code: "invalid",
      details: [{ pointer: "/result/edges/2/to" }, { pointer: "/result/nodes/3/type" }],
    });
  });

  test("a run that has ended, or is about to fail, takes none", () => {
    const ended = new RunDriver({ nodes: [node("a")], edges: [] });
    expect(patch(ended, add(node("b")))).toMatchObject({ code: "conflict" });
    const failing = new RunDriver({ nodes: [http("a"), http("b")], edges: [] });
    failing.give({ type: "task_started", start: { ...startOf(failing, "b"), worker: "http-worker" } });
    failing.answer("a", { ok: false, error: { code: "network", message: "gone", retryable: false } });
    expect(patch(failing, add(node("c")))).toMatchObject({ code: "conflict" });
  });

  const startOf = (run: RunDriver, path: string) => {
    const { run_id, visit, attempt } = run.tasks.find((task) => task.path === path) ?? {
      run_id: "",
      visit: 0,
      attempt: 0,
    };
    return { run_id, path, visit, attempt };
  };

  test("1,000 random invalid patches change nothing", () => {
    const run = new RunDriver(chain());
    const before = structuredClone(run.state);
    const pointer = fc.constantFrom(
      "/nodes/0",
      "/nodes/1",
      "/nodes/9",
      "/edges/0",
      "/nodes",
      "/edges",
      "",
      "/nodes/-",
      "/x",
      "/nodes/1/config/url",
      "/nodes/0/__proto__/a",
      "/nodes/01",
      "/edges/7/to",
      "nodes",
      "/nodes/~2",
    );
    const value = fc.constantFrom<Json>(
      null,
      7,
      "x",
      [],
      {},
      { id: "first", type: "parallel" },
      { id: "n", type: "unknown" },
      { from: "last", to: "first" },
      { from: "ghost", to: "last" },
    );
    const operation = fc.record({
      op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "merge"),
      path: pointer,
      from: pointer,
      value,
    });
    let refused = 0;
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 4 }), (operations) => {
        const reply = patch(run, operations as object[], { dry_run: false });
        // Now and then one happens to be a test, or a patch that changes nothing.
        if ("value" in reply) return;
        refused += 1;
        expect(["invalid"]).toContain(reply.code);
      }),
      { numRuns: 1_200, seed: 7 },
    );
    expect(refused).toBeGreaterThanOrEqual(1_000);
    const { patches, applied, patch_seq, seq, ...rest } = run.state;
    const { patches: _, applied: __, patch_seq: ___, seq: ____, ...restBefore } = before;
    expect(rest).toEqual(restBefore);
  });
});

describe("patches: conditions of use", () => {
  test("a dry run tells the difference and changes nothing", () => {
    const run = new RunDriver(chain());
    const events = run.events.length;
    expect(patch(run, add(node("x"), edge("first", "x")), { dry_run: true })).toMatchObject({
      value: { diff: { operations: [{}, {}] } },
    });
    expect(run.events).toHaveLength(events);
  });

  test("If-Match: a stale base is refused", () => {
    const run = new RunDriver(chain());
    patch(run, add(node("x")), { if_match: 0 });
    expect(patch(run, add(node("y")), { if_match: 0 })).toMatchObject({ code: "precondition_failed" });
    expect(patch(run, add(node("y")), { if_match: 1 })).toMatchObject({ value: { seq: 2 } });
  });

  test("the last patch can be taken back while none of its nodes has started", () => {
    const run = new RunDriver(chain());
    patch(run, add(node("x"), edge("last", "x")));
    patch(run, add(node("y"), edge("last", "y")));
    const revert = (seq: number) => run.command({ type: "revert_patch", seq, by: "key_a", if_match: null });
    expect(revert(1)).toMatchObject({ code: "conflict" });
    expect(revert(7)).toMatchObject({ code: "not_found" });
    expect(revert(2)).toEqual({ value: null });
    expect(revert(2)).toMatchObject({ code: "conflict", message: "the patch is reverted, not applied" });
    expect(run.view.patch_seq).toBe(1);
    run.answer("slow", 1);
    expect(run.outputs).toEqual({ x: 1 });
  });

  test("a patch whose node has started stays; in a paused run it can go with its resolved edge", () => {
    const run = new RunDriver(chain());
    patch(run, add(node("x"), edge("first", "x")));
    expect(run.command({ type: "revert_patch", seq: 1, by: "k", if_match: null })).toMatchObject({ code: "conflict" });
    run.command({ type: "pause" });
    patch(run, add(node("y"), edge("first", "y")));
    expect(run.state.edges.get("first>y")).toBe("taken");
    expect(run.command({ type: "revert_patch", seq: 2, by: "k", if_match: null })).toEqual({ value: null });
    expect(run.state.edges.has("first>y")).toBe(false);
    run.command({ type: "resume" });
    run.answer("slow", 1);
    expect(Object.keys(run.outputs ?? {}).sort()).toEqual(["last", "x"]);
  });

  test("in a gated run a patch waits until somebody decides", () => {
    const run = new RunDriver(chain({ metadata: { patch_policy: "gated" } }));
    expect(patch(run, add(node("x"), edge("first", "x")))).toMatchObject({ value: { seq: 1, status: "proposed" } });
    expect(run.status("x")).toBe("pending");
    const decide = (seq: number, decision: "approve" | "reject") =>
      run.command({ type: "decide_patch", seq, decision, comments: "because", by: "key_b" });
    expect(decide(1, "approve")).toMatchObject({ value: { seq: 1, status: "applied", decided_by: "key_b" } });
    expect(run.status("x")).toBe("completed");
    expect(decide(1, "reject")).toMatchObject({ code: "conflict" });
    expect(decide(9, "reject")).toMatchObject({ code: "not_found" });
    patch(run, add(node("y")));
    expect(decide(2, "reject")).toMatchObject({ value: { seq: 2, status: "rejected" } });
    expect(run.state.patches[1]).toMatchObject({ status: "rejected", reason: "because", decided_by: "key_b" });
  });

  test("a proposal is judged again when it is approved: the run has gone on", () => {
    const run = new RunDriver(chain({ metadata: { patch_policy: "gated" } }));
    patch(run, [{ op: "replace", path: "/nodes/2/type", value: "conditional" }]);
    run.command({ type: "pause" });
    run.answer("slow", 1);
    expect(run.command({ type: "decide_patch", seq: 1, decision: "approve", comments: null, by: "k" })).toHaveProperty(
      "value",
    );
    const late = new RunDriver(chain({ metadata: { patch_policy: "gated" }, nodes: [http("other")] }));
    patch(late, [{ op: "replace", path: "/nodes/2/type", value: "conditional" }]);
    late.answer("slow", 1);
    expect(late.command({ type: "decide_patch", seq: 1, decision: "approve", comments: null, by: "k" })).toMatchObject({
      code: "invalid",
    });
    expect(late.state.patches[0]?.status).toBe("proposed");
  });

  test("patches may be approved in another order than they were proposed", () => {
    const run = new RunDriver(chain({ metadata: { patch_policy: "gated" } }));
    patch(run, add(node("x"), edge("last", "x")));
    patch(run, add(node("y"), edge("last", "y")));
    for (const seq of [2, 1]) run.command({ type: "decide_patch", seq, decision: "approve", comments: null, by: "k" });
    expect(run.state.applied).toEqual([2, 1]);
    expect(run.command({ type: "revert_patch", seq: 1, by: "k", if_match: null })).toEqual({ value: null });
    expect(run.graph.definition.nodes.map(({ id }) => id)).toEqual(["first", "slow", "last", "y"]);
  });

  test("a hundred operations are taken, one more is not; a run takes so many patches and no more", () => {
    const run = new RunDriver(chain());
    const tests = (count: number) =>
      Array.from({ length: count }, () => ({ op: "test", path: "/nodes/0/id", value: "first" }));
    expect(patch(run, tests(PATCH_OPERATIONS_MAX))).toHaveProperty("value");
    expect(patch(run, tests(PATCH_OPERATIONS_MAX + 1))).toMatchObject({ code: "invalid" });
    for (let i = 1; i < PATCHES_PER_RUN_MAX; i++) patch(run, tests(1));
    expect(patch(run, tests(1))).toMatchObject({ code: "conflict" });
  }, 30_000);
});
