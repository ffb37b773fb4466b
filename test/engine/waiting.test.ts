/** Nodes that park in the coordinator: delays, events, approvals; and a run that is paused around them. */
import { describe, expect, test } from "vitest";
import { POSTPONEMENTS_MAX, SIGNALS_KEPT_MAX } from "#engine/limits.ts";
import type { TaskOutcome } from "#engine/task.ts";
import { WAIT_MS_MAX } from "#workflow/limits.ts";
import { RunDriver, START_MS } from "../support/run-driver.ts";

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });
const one = (type: string, config: object, more: object = {}) => ({
  nodes: [{ id: "w", type, config, ...more }],
  edges: [],
});
const HOUR = 3_600_000;

describe("delay", () => {
  test("waits its time, never less, and says how long it was", () => {
    const run = new RunDriver(one("delay", { duration_ms: 1_000 }));
    expect(run.view).toMatchObject({ status: "waiting", waiting_for: [{ node: "w", kind: "timer" }] });
    run.pass(999);
    expect(run.state.status).toBe("running");
    run.give({ type: "tick" });
    expect(run.status("w")).toBe("waiting");
    run.pass(1);
    expect(run.outputs).toEqual({ w: { waited_ms: 1_000 } });
    expect(run.types("w")).toEqual(["node.waiting", "timer.set", "timer.fired", "node.completed"]);
  });

  test.each([
    ["no time at all", { duration_ms: 0 }],
    ["a time that is past", { until: "2001-01-01T00:00:00Z" }],
  ])("%s is over at once", (_, config) => {
    expect(new RunDriver(one("delay", config)).outputs).toEqual({ w: { waited_ms: 0 } });
  });

  test("until may come from a template, with a time zone", () => {
    const until = new Date(START_MS + 5_000).toISOString().replace("Z", "+00:00");
    const run = new RunDriver(one("delay", { until: "$inputs.at" }), { at: until });
    run.pass(5_000);
    expect(run.outputs).toEqual({ w: { waited_ms: 5_000 } });
  });

  test("the longest wait is kept, one longer fails", () => {
    expect(new RunDriver(one("delay", { duration_ms: "$inputs.ms" }), { ms: WAIT_MS_MAX }).status("w")).toBe("waiting");
    const late = new Date(START_MS + WAIT_MS_MAX + 1).toISOString();
    expect(new RunDriver(one("delay", { until: "$inputs.at" }), { at: late }).state.error?.code).toBe(
      "expression_failed",
    );
    const words = new RunDriver(one("delay", { until: "$inputs.at" }), { at: "tomorrow" });
    expect(words.state.error?.code).toBe("template_unresolved");
  });
});

describe("wait_for_event", () => {
  test("the payload of its signal is the output", () => {
    const run = new RunDriver(one("wait_for_event", { event: "paid" }));
    expect(run.view.waiting_for).toEqual([{ node: "w", kind: "event", until: null }]);
    expect(run.command({ type: "signal", name: "other", payload: 1 })).toEqual({ value: null });
    expect(run.status("w")).toBe("waiting");
    run.command({ type: "signal", name: "paid", payload: { amount: 7 } });
    expect(run.outputs).toEqual({ w: { amount: 7 } });
  });

  test("a signal that comes early is kept, and taken once", () => {
    const run = new RunDriver({
      nodes: [
        { id: "first", type: "delay", config: { duration_ms: 10 } },
        { id: "a", type: "wait_for_event", config: { event: "go" } },
        { id: "b", type: "wait_for_event", config: { event: "go" } },
      ],
      edges: [edge("first", "a"), edge("a", "b")],
    });
    run.command({ type: "signal", name: "go", payload: 1 });
    run.pass(10);
    expect(run.status("a")).toBe("completed");
    expect(run.status("b")).toBe("waiting");
    run.command({ type: "signal", name: "go", payload: 2 });
    expect(run.outputs).toEqual({ b: 2 });
    expect(run.state.signals).toEqual([]);
  });

  test("one signal goes to every node that waits for it", () => {
    const run = new RunDriver({
      nodes: ["a", "b"].map((id) => ({ id, type: "wait_for_event", config: { event: "go" } })),
      edges: [],
    });
    run.command({ type: "signal", name: "go", payload: "both" });
    expect(run.outputs).toEqual({ a: "both", b: "both" });
  });

  test("match lets only fitting payloads through; a missing field does not fit", () => {
    const run = new RunDriver(one("wait_for_event", { event: "paid", match: "output.order == inputs.order" }), {
      order: "A7",
    });
    run.command({ type: "signal", name: "paid", payload: { order: "B1" } });
    run.command({ type: "signal", name: "paid", payload: {} });
    expect(run.status("w")).toBe("waiting");
    run.command({ type: "signal", name: "paid", payload: { order: "A7" } });
    expect(run.outputs).toEqual({ w: { order: "A7" } });
  });

  test("a match that is no condition fails the node", () => {
    const run = new RunDriver(one("wait_for_event", { event: "paid", match: "output.order" }));
    run.command({ type: "signal", name: "paid", payload: { order: "A7" } });
    expect(run.state.error).toMatchObject({ code: "expression_failed", node: "w" });
  });

  test("its timeout fails it", () => {
    const run = new RunDriver(one("wait_for_event", { event: "paid", timeout_ms: 50 }));
    run.pass(49);
    expect(run.state.status).toBe("running");
    run.pass(1);
    expect(run.state.error).toMatchObject({ code: "event_timeout" });
  });

  test("a large payload is kept once, with its signal", () => {
    const run = new RunDriver({
      nodes: [{ id: "w", type: "wait_for_event", config: { event: "big" } }, node("after")],
      edges: [edge("w", "after")],
    });
    run.command({ type: "signal", name: "big", payload: "x".repeat(100_000) });
    expect(run.outputs).toEqual({ after: "x".repeat(100_000) });
    expect(run.storedBytes).toBe(100_002);
  });

  test("as many signals are kept as there is room for, the next is refused", () => {
    const run = new RunDriver(one("delay", { duration_ms: 10 }));
    for (let i = 0; i < SIGNALS_KEPT_MAX; i++)
      expect(run.command({ type: "signal", name: "x", payload: i })).toHaveProperty("value");
    expect(run.command({ type: "signal", name: "x", payload: -1 })).toMatchObject({ code: "conflict" });
    expect(run.state.signals).toHaveLength(SIGNALS_KEPT_MAX);
  });

  test("a run that has ended takes none", () => {
    const run = new RunDriver({ nodes: [node("a")], edges: [] });
    expect(run.command({ type: "signal", name: "x", payload: 1 })).toMatchObject({ code: "conflict" });
  });
});

describe("hitl", () => {
  const ask = (config: object = {}) => one("hitl", { message: "Pay $inputs.amount?", ...config });
  const vote = (run: RunDriver, voter: string, decision: "approve" | "reject", comments: string | null = null) =>
    run.command({
      type: "decide",
      approval_id: run.state.nodes.get("w")?.approval?.approval_id ?? "",
      voter,
      decision,
      comments,
    });

  test("an approval completes the node with the decision", () => {
    const run = new RunDriver(ask({ message: "Pay ${$inputs.amount}?" }), { amount: 7 });
    expect(run.view).toMatchObject({ status: "waiting", waiting_for: [{ node: "w", kind: "approval" }] });
    expect(run.state.nodes.get("w")?.approval?.message).toBe("Pay 7?");
    expect(vote(run, "key_a", "approve", "fine")).toMatchObject({ value: { status: "approved" } });
    expect(run.outputs).toMatchObject({
      w: { approved: true, decision: "approve", comments: "fine", decided_by: "key_a", votes: [{ key: "key_a" }] },
    });
  });

  test("a rejection without failure edges fails the node, whatever its plain edges are", () => {
    const run = new RunDriver({ nodes: [...ask().nodes, node("charge")], edges: [edge("w", "charge")] });
    vote(run, "key_a", "reject", "too much");
    expect(run.state.error).toMatchObject({ code: "approval_rejected", message: "key_a rejected it: too much" });
    expect(run.status("charge")).toBe("pending");
  });

  test("a rejection takes failure edges, and the run does not fail", () => {
    const run = new RunDriver({
      nodes: [...ask().nodes, node("charge"), node("sorry")],
      edges: [edge("w", "charge"), edge("w", "sorry", { on: "failure" })],
    });
    vote(run, "key_a", "reject", "no");
    expect(run.state.status).toBe("completed");
    expect(run.outputs).toMatchObject({ sorry: { code: "approval_rejected", details: { comments: "no" } } });
  });

  test("with conditions on its edges they decide, also of a rejection", () => {
    const run = new RunDriver({
      nodes: [...ask().nodes, node("yes"), node("no")],
      edges: [edge("w", "yes", { condition: "output.approved" }), edge("w", "no", { condition: "!output.approved" })],
    });
    vote(run, "key_a", "reject", "no");
    expect(Object.keys(run.outputs ?? {})).toEqual(["no"]);
  });

  test("a quorum needs that many keys, each votes once, one rejection decides", () => {
    const run = new RunDriver(ask({ quorum: 2 }));
    expect(vote(run, "key_a", "approve")).toMatchObject({
      value: { status: "pending", decisions: [{ key: "key_a" }] },
    });
    expect(vote(run, "key_a", "approve")).toMatchObject({ code: "conflict", message: "this key has voted already" });
    expect(vote(run, "key_b", "approve")).toMatchObject({ value: { status: "approved" } });
    expect(vote(run, "key_c", "reject")).toMatchObject({ code: "conflict", details: { status: "approved" } });

    const other = new RunDriver(ask({ quorum: 2 }));
    vote(other, "key_a", "approve");
    expect(vote(other, "key_b", "reject", "no")).toMatchObject({ value: { status: "rejected" } });
  });

  test("only those who were asked may decide", () => {
    const run = new RunDriver(ask({ approvers: ["key_a"] }));
    expect(vote(run, "key_b", "approve")).toMatchObject({ code: "forbidden" });
    expect(vote(run, "key_a", "approve")).toHaveProperty("value");
  });

  test("an approval that nobody asked for is not found", () => {
    const run = new RunDriver(ask());
    const other = { type: "decide" as const, voter: "key_a", decision: "approve" as const, comments: null };
    expect(run.command({ ...other, approval_id: "apr_nothing" })).toMatchObject({ code: "not_found" });
  });

  test.each([
    ["reject", "failed", "approval_rejected"],
    ["approve", "completed", undefined],
    ["fail", "failed", "timeout"],
  ])("when its time is up it decides by on_timeout: %s", (on_timeout, status, code) => {
    const run = new RunDriver(ask({ timeout_ms: HOUR, on_timeout }));
    run.pass(HOUR - 1);
    expect(run.view.status).toBe("waiting");
    run.pass(1);
    expect(run.state.status).toBe(status);
    expect(run.state.error?.code).toBe(code);
    expect(vote(run, "key_a", "approve")).toMatchObject({ code: "conflict", details: { status: "expired" } });
  });

  test("somebody else is told when half of the time is gone, by a request of its own", () => {
    const run = new RunDriver(ask({ timeout_ms: HOUR, escalate_to: "https://ops.example.com/hook" }));
    run.pass(HOUR / 2);
    expect(run.tasks).toMatchObject([
      { path: "w[escalation]", queue: "http", config: { url: "https://ops.example.com/hook", method: "POST" } },
    ]);
    expect(run.tasks[0]?.config.payload).toMatchObject({
      approval_id: run.state.nodes.get("w")?.approval?.approval_id,
    });
    run.answer("w[escalation]", { status_code: 200 });
    expect(run.state.nodes.get("w")?.approval?.escalation).toBe("sent");
    expect(run.view.status).toBe("waiting");
    vote(run, "key_a", "approve");
    expect(run.state.status).toBe("completed");
  });

  test("a message that cannot be delivered harms nothing, and a decision withdraws it", () => {
    const run = new RunDriver(
      ask({ timeout_ms: HOUR, escalate_to: "https://ops.example.com/hook", escalate_after_ms: 1_000 }),
    );
    run.pass(1_000);
    run.answer("w[escalation]", { ok: false, error: { code: "url_refused", message: "no" } });
    expect(run.state.nodes.get("w")?.approval?.escalation).toBe("failed");
    const other = new RunDriver(ask({ escalate_to: "https://ops.example.com/hook", escalate_after_ms: 1 }));
    other.pass(1);
    vote(other, "key_a", "approve");
    expect(other.state.status).toBe("completed");
    expect(other.types("w[escalation]")).toEqual(["node.queued", "node.cancelled"]);
  });

  test("every attempt of the request says the same, whatever is voted meanwhile: it has one idempotency key", () => {
    const run = new RunDriver(ask({ timeout_ms: HOUR, quorum: 3, escalate_to: "https://ops.example.com/hook" }));
    vote(run, "key_a", "approve");
    run.pass(HOUR / 2);
    const [first] = run.tasks;
    expect(first).toMatchObject({ attempt: 1, config: { payload: { votes: 1 } } });
    run.answer("w[escalation]", { ok: false, error: { code: "network", message: "reset" } });
    vote(run, "key_b", "approve");
    run.pass(60_000);
    const [second] = run.tasks;
    expect(second).toMatchObject({ attempt: 2, config: first?.config });
  });

  const escalating = () => new RunDriver(ask({ timeout_ms: HOUR, escalate_to: "https://ops.example.com/hook" }));

  test("a paused run begins no request; it is sent when the run is resumed", () => {
    const run = escalating();
    run.command({ type: "pause" });
    run.pass(HOUR / 2 + 1);
    expect(run.types("w[escalation]")).toEqual([]);
    run.command({ type: "resume" });
    run.pass(1);
    expect(run.types("w[escalation]")).toEqual(["node.queued"]);
  });

  test("an escalation that a pause holds back does not keep the approval from expiring, and is left out then", () => {
    const run = escalating();
    run.command({ type: "pause" });
    run.pass(HOUR);
    expect(run.types("w")).toContain("approval.expired");
    expect(run.types("w[escalation]")).toEqual([]);
    expect(run.state.status).toBe("failed");
  });
});

describe("pause and resume", () => {
  const http = (id: string, retry: object = { max_attempts: 1 }) => ({
    id,
    type: "http",
    config: { url: "https://a.example.com/" },
    retry,
  });

  test("nothing starts, what runs ends, and resume goes on", () => {
    const run = new RunDriver({ nodes: [http("a"), node("b")], edges: [edge("a", "b")] });
    expect(run.command({ type: "pause", reason: "lunch" })).toEqual({ value: null });
    run.answer("a", 1);
    expect(run.view.status).toBe("paused");
    expect([run.status("a"), run.status("b")]).toEqual(["completed", "pending"]);
    run.command({ type: "resume" });
    expect(run.outputs).toEqual({ b: 1 });
  });

  test("a paused run with nothing left ends when it is resumed", () => {
    const run = new RunDriver({ nodes: [http("a")], edges: [] });
    run.command({ type: "pause" });
    run.answer("a", 1);
    expect(run.view.status).toBe("paused");
    run.command({ type: "resume" });
    expect(run.state.status).toBe("completed");
  });

  test("a retry that falls due waits for resume, and is not asked for meanwhile", () => {
    const run = new RunDriver({ nodes: [http("a", { max_attempts: 2, backoff_ms: 100, jitter: false })], edges: [] });
    run.command({ type: "pause" });
    run.answer("a", { ok: false, error: { code: "network", message: "gone" } });
    run.pass(1_000);
    run.give({ type: "tick" });
    expect(run.tasks).toEqual([]);
    run.command({ type: "resume" });
    run.give({ type: "tick" });
    expect(run.tasks).toMatchObject([{ attempt: 2 }]);
  });

  test("timers and votes are taken up but start nothing", () => {
    const run = new RunDriver({
      nodes: [
        { id: "d", type: "delay", config: { duration_ms: 10 } },
        { id: "w", type: "hitl", config: { message: "?" } },
        node("after_d"),
        node("after_w"),
      ],
      edges: [edge("d", "after_d"), edge("w", "after_w")],
    });
    run.command({ type: "pause" });
    run.pass(10);
    const id = run.state.nodes.get("w")?.approval?.approval_id ?? "";
    run.command({ type: "decide", approval_id: id, voter: "k", decision: "approve", comments: null });
    expect([run.status("d"), run.status("w")]).toEqual(["completed", "completed"]);
    expect([run.status("after_d"), run.status("after_w")]).toEqual(["pending", "pending"]);
    run.command({ type: "resume" });
    expect(run.state.status).toBe("completed");
  });

  test("a failure while paused still fails the run", () => {
    const run = new RunDriver({ nodes: [http("a")], edges: [] });
    run.command({ type: "pause" });
    run.answer("a", { ok: false, error: { code: "network", message: "gone", retryable: false } });
    expect(run.state.status).toBe("failed");
  });

  test("pausing and resuming twice changes nothing more; an ended run refuses both", () => {
    const run = new RunDriver({ nodes: [http("a")], edges: [] });
    run.command({ type: "pause" });
    run.command({ type: "pause" });
    run.command({ type: "resume" });
    run.command({ type: "resume" });
    expect(run.types().filter((type) => type.startsWith("run."))).toEqual([
      "run.queued",
      "run.started",
      "run.paused",
      "run.resumed",
    ]);
    run.answer("a", 1);
    expect(run.command({ type: "pause" })).toMatchObject({ code: "conflict" });
    expect(run.command({ type: "resume" })).toMatchObject({ code: "conflict" });
  });
});

describe("agents: budgets that ask, attempts that find no room", () => {
  const agent = (config: object = {}) => ({
    nodes: [
      {
        id: "a",
        type: "agent",
        config: { task: "think", ...config },
        retry: { max_attempts: 2, backoff_ms: 10, jitter: false },
      },
    ],
    edges: [],
  });
  const spent = { ok: false as const, error: { code: "budget_exceeded" as const, message: "1 USD is spent" } };

  test("a spent budget fails the node, or asks once when it is told to", () => {
    const failing = new RunDriver(agent());
    failing.answer("a", spent);
    expect(failing.state.error?.code).toBe("budget_exceeded");

    const asking = new RunDriver(agent({ on_budget: "ask" }));
    asking.answer("a", spent);
    expect(asking.view).toMatchObject({ status: "waiting", waiting_for: [{ node: "a", kind: "approval" }] });
    const approval_id = asking.state.nodes.get("a")?.approval?.approval_id ?? "";
    asking.command({ type: "decide", approval_id, voter: "k", decision: "approve", comments: null });
    expect(asking.tasks).toMatchObject([{ path: "a", visit: 1, attempt: 2 }]);
    asking.answer("a", spent);
    expect(asking.state.error?.code).toBe("budget_exceeded");
  });

  test("a refusal of more budget fails the node by what it had asked about", () => {
    const run = new RunDriver(agent({ on_budget: "ask" }));
    run.answer("a", spent);
    const approval_id = run.state.nodes.get("a")?.approval?.approval_id ?? "";
    run.command({ type: "decide", approval_id, voter: "k", decision: "reject", comments: "no" });
    expect(run.state.error?.code).toBe("budget_exceeded");
  });

  test("a postponed attempt uses up none, to a bound", () => {
    const run = new RunDriver(agent());
    const later = {
      ok: false as const,
      error: {
        code: "model_error" as const,
        message: "busy",
        retryable: true,
        postponed: true as const,
        retry_after_ms: 100,
      },
    };
    for (let i = 0; i < POSTPONEMENTS_MAX; i++) {
      run.answer("a", later);
      const due = run.state.nodes.get("a")?.due?.at ?? 0;
      expect(due - run.nowMs).toBeGreaterThanOrEqual(100);
      run.pass(150);
    }
    run.answer("a", later);
    run.pass(100);
    expect(run.state.status).toBe("running");
    run.answer("a", later);
    expect(run.state.error?.code).toBe("model_error");
  });

  test("what its attempts used is summed up, and unknown once a part of it is", () => {
    const run = new RunDriver(agent());
    const llm = (cost_usd: number | null) => ({
      tokens_used: 15,
      input_tokens: 10,
      cached_tokens: 4,
      cache_write_tokens: 0,
      output_tokens: 5,
      reasoning_tokens: 1,
      cache_hit: true,
      llm_model: "m",
      llm_calls: 1,
      tool_calls: [],
      time_to_first_token_ms: 1,
      cost_usd,
      price_version: "v",
    });
    const end = (attempt: number, cost: number | null, outcome: TaskOutcome) => {
      const times = { sent_at: run.nowMs, start_time: run.nowMs, end_time: run.nowMs };
      const metrics = {
        worker: "agent-runner" as const,
        ...times,
        bytes_in: 0,
        bytes_out: 0,
        system: {},
        llm: llm(cost),
      };
      run.tasks.length = 0;
      run.give({
        type: "task_ended",
        result: { run_id: run.state.run_id, path: "a", visit: 1, attempt, outcome, metrics },
      });
    };
    end(1, 0.5, { ok: false, error: { code: "model_error", message: "500", retryable: true } });
    run.pass(10);
    expect(run.view.usage).toEqual({ input_tokens: 10, cached_tokens: 4, output_tokens: 5, cost_usd: 0.5 });
    end(2, null, { ok: true, output: 1 });
    expect(run.view.usage).toEqual({ input_tokens: 20, cached_tokens: 8, output_tokens: 10, cost_usd: null });
  });
});
