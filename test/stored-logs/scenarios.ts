/** The runs whose logs are stored: among them every node type, command and kind of end. Each is recorded once. */
import type { Json } from "#kernel/json.ts";
import { RunDriver } from "../support/run-driver.ts";

const node = (id: string, type = "parallel", config: object = {}, more: object = {}) => ({ id, type, config, ...more });
const http = (id: string, more: object = {}) => node(id, "http", { url: "https://a.example.com/" }, more);
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });
const once = { retry: { max_attempts: 1 } };
const failed = (retryable: boolean) => ({
  ok: false as const,
  error: { code: "http_status" as const, message: "503", retryable },
});
const approvalId = (run: RunDriver, path: string) => run.state.nodes.get(path)?.approval?.approval_id ?? "";
const vote = (run: RunDriver, path: string, voter: string, decision: "approve" | "reject" = "approve") =>
  run.command({ type: "decide", approval_id: approvalId(run, path), voter, decision, comments: "said so" });
const patch = (run: RunDriver, operations: Json[]) =>
  run.command({ type: "patch", operations, description: "a patch", by: "key_a", dry_run: false, if_match: null });
const replay = (run: RunDriver, path: string, config?: { [name: string]: Json }) =>
  run.command({
    type: "replay_node",
    node: path,
    reason: "again",
    force: true,
    by: "key_a",
    ...(config === undefined ? {} : { config }),
  });

export const SCENARIOS: Record<string, () => RunDriver> = {
  "inline-nodes": () =>
    new RunDriver(
      {
        nodes: [
          node("start"),
          node("which", "conditional", { condition: "output.xs.size() > 2" }),
          node("few"),
          node("kept", "filter", { condition: "item > 1.0", from: "$inputs.xs" }),
          node("sum", "aggregate", { operation: "sum" }),
          node("told", "transform", { expression: "{'sum': output}" }),
          node("same", "function", { function_name: "identity", params: { a: 1 } }),
          node("coming", "file-search"),
          node("end", "parallel", {}, { join: "any" }),
        ],
        edges: [
          edge("start", "which"),
          edge("which", "kept", { branch: "if" }),
          edge("which", "few", { branch: "else" }),
          edge("kept", "sum"),
          edge("sum", "told"),
          edge("told", "end"),
          edge("few", "end"),
          edge("start", "same"),
          edge("same", "coming"),
        ],
      },
      { xs: [1, 2, 3] },
    ),
  "retries-and-failure-edge": () => {
    const run = new RunDriver({
      nodes: [http("a"), node("rescue"), http("late", once)],
      edges: [edge("a", "rescue", { on: "failure" }), edge("rescue", "late")],
    });
    run.answer("a", failed(true));
    run.pass(60_000);
    run.answer("a", failed(false));
    run.answer("late", { n: 1 });
    return run;
  },
  "large-values": () => {
    const run = new RunDriver({ nodes: [http("a"), node("b")], edges: [edge("a", "b")] });
    run.answer("a", { text: "x".repeat(200_000) });
    return run;
  },
  loop: () => {
    const run = new RunDriver({
      nodes: [
        http("body"),
        node("even"),
        node("join"),
        node("again", "loop", { max_iterations: 3, loop_back_to: "body" }),
        node("after"),
      ],
      edges: [
        edge("body", "even", { condition: "iteration % 2 == 0" }),
        edge("body", "join", { condition: "iteration % 2 == 1" }),
        edge("even", "join"),
        edge("join", "again"),
        edge("again", "after"),
      ],
    });
    for (let pass = 0; pass < 3; pass++) run.answer("body", { pass });
    return run;
  },
  "map-in-flight": () => {
    const run = new RunDriver({
      nodes: [
        node("m", "map", {
          items: [1, 2, 3, 4],
          concurrency: 2,
          on_item_error: "collect",
          node: { type: "http", config: { url: "https://a.example.com/" }, retry: { max_attempts: 1 } },
        }),
      ],
    });
    run.answer("m[0]", { a: 1 });
    run.answer("m[1]", failed(false));
    return run;
  },
  "approval-with-quorum-and-escalation": () => {
    const run = new RunDriver({
      nodes: [
        node("ask", "hitl", {
          message: "?",
          quorum: 2,
          timeout_ms: 10_000,
          escalate_to: "https://a.example.com/",
          escalate_after_ms: 1_000,
        }),
        node("paid"),
      ],
      edges: [edge("ask", "paid")],
    });
    vote(run, "ask", "key_a");
    run.pass(1_000);
    run.answer("ask[escalation]", {});
    vote(run, "ask", "key_b");
    return run;
  },
  "approval-rejected-and-expired": () => {
    const ask = (id: string) => node(id, "hitl", { message: "?", timeout_ms: 10_000 });
    const run = new RunDriver({
      nodes: [ask("one"), ask("two"), node("refused")],
      edges: [edge("one", "refused", { on: "failure" })],
    });
    vote(run, "one", "key_a", "reject");
    run.pass(10_000);
    return run;
  },
  "delay-event-and-signals-kept": () => {
    const run = new RunDriver({
      nodes: [
        node("d", "delay", { duration_ms: 1_000 }),
        node("w", "wait_for_event", { event: "paid", match: "output.n > 1" }),
      ],
      edges: [edge("d", "w")],
    });
    run.command({ type: "signal", name: "paid", payload: { n: 1 } });
    run.command({ type: "signal", name: "paid", payload: { n: 2 } });
    run.pass(1_000);
    return run;
  },
  "paused-in-flight": () => {
    const run = new RunDriver({ nodes: [http("a"), http("b")], edges: [edge("a", "b")] });
    run.command({ type: "pause", reason: "lunch" });
    run.answer("a", 1);
    return run;
  },
  "resumed-and-cancelled": () => {
    const run = new RunDriver({ nodes: [http("a"), http("b")], edges: [edge("a", "b")] });
    run.command({ type: "pause" });
    run.command({ type: "resume" });
    run.command({ type: "cancel", reason: "not needed" });
    return run;
  },
  children: () => {
    const child = (id: string) => node(id, "workflow", { workflow: "other", inputs: { n: 1 } });
    const run = new RunDriver({
      nodes: [child("a"), child("b"), node("rescue")],
      edges: [edge("a", "b"), edge("b", "rescue", { on: "failure" })],
    });
    run.endChild("a", { ok: true, output: { x: 1 } });
    return run;
  },
  patches: () => {
    const run = new RunDriver({
      nodes: [node("made"), http("slow"), node("last")],
      edges: [edge("made", "slow"), edge("slow", "last")],
    });
    const add = (id: string, from: string): Json[] => [
      { op: "add", path: "/nodes/-", value: { id, type: "parallel" } },
      { op: "add", path: "/edges/-", value: { from, to: id } },
    ];
    patch(run, add("more", "made"));
    patch(run, add("undone", "last"));
    run.command({ type: "revert_patch", seq: 2, by: "key_a", if_match: null });
    patch(run, add("end", "last"));
    run.answer("slow", 1);
    return run;
  },
  "gated-patches": () => {
    const run = new RunDriver({
      nodes: [node("made"), http("slow")],
      edges: [edge("made", "slow")],
      metadata: { patch_policy: "gated" },
    });
    for (const id of ["yes", "no", "open"]) {
      patch(run, [
        { op: "add", path: "/nodes/-", value: { id, type: "parallel" } },
        { op: "add", path: "/edges/-", value: { from: "made", to: id } },
      ]);
    }
    const decided = { type: "decide_patch" as const, comments: "so be it", by: "key_b" };
    run.command({ ...decided, seq: 1, decision: "approve" });
    run.command({ ...decided, seq: 2, decision: "reject" });
    return run;
  },
  "agent-that-patches": () => {
    const run = new RunDriver({
      nodes: [node("think", "agent", { task: "think", tools: ["patch_workflow"] }), node("end")],
      edges: [edge("think", "end")],
    });
    const operations: Json[] = [
      { op: "add", path: "/nodes/-", value: { id: "found", type: "parallel" } },
      { op: "add", path: "/edges/-", value: { from: "think", to: "found" } },
    ];
    run.answer("think", { ok: true, output: { text: "done" }, patches: [{ operations, description: "why" }] });
    return run;
  },
  "reopened-by-replays": () => {
    const run = new RunDriver({
      nodes: [http("a", once), http("b", once), node("c")],
      edges: [edge("a", "b"), edge("b", "c")],
    });
    run.answer("a", { a: 1 });
    run.answer("b", failed(false));
    replay(run, "b", { url: "https://b.example.com/" });
    run.answer("b", { b: 1 });
    replay(run, "a");
    run.answer("a", { a: 2 });
    return run;
  },
};
