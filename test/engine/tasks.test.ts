/** Tasks: acceptance of results, retries, deadlines, lost queues, cancellation, large outputs. */
import { describe, expect, test } from "vitest";
import {
  DISPATCH_DEADLINE_MS,
  DISPATCH_DOUBLINGS_MAX,
  EXECUTION_GRACE_MS,
  FAULTS_MAX,
  OUTPUT_BYTES_MAX,
  OUTPUT_INLINE_BYTES,
  WARNING_LENGTH_MAX,
  WARNINGS_PER_RESULT_MAX,
} from "#engine/limits.ts";
import type { Task } from "#engine/task.ts";
import { RunDriver } from "../support/run-driver.ts";

const TIMEOUT_MS = 5_000;

const single = (retry: object = {}) => ({
  nodes: [
    {
      id: "a",
      type: "http",
      config: { url: "https://api.example.com/" },
      timeout_ms: TIMEOUT_MS,
      retry: { max_attempts: 3, backoff_ms: 1_000, jitter: false, ...retry },
    },
    { id: "b", type: "transform", config: { expression: "output.body" } },
  ],
  edges: [{ from: "a", to: "b" }],
});

const failed = (code: "network" | "http_status" | "timeout", more: object = {}) => ({
  ok: false as const,
  error: { code, message: code, ...more },
});

function taskOf(run: RunDriver, path = "a"): Task {
  const task = run.tasks.findLast((each) => each.path === path);
  if (task === undefined) throw new Error(`no task of ${path}`);
  return task;
}

function start(run: RunDriver, task = taskOf(run)) {
  return run.give({ type: "task_started", start: { ...task, worker: "http-worker" } });
}

describe("tasks: results (invariant 4)", () => {
  test("the first result wins; a second changes nothing", () => {
    const run = new RunDriver(single());
    const task = taskOf(run);
    expect(run.answerTask(task, { body: 1 })).toBe("accepted");
    const events = run.events.length;
    expect(run.answerTask(task, { body: 2 })).toBe("duplicate");
    expect(run.events).toHaveLength(events);
    expect(run.outputs).toEqual({ b: 1 });
  });

  test("the result of an earlier attempt changes nothing", () => {
    const run = new RunDriver(single());
    const first = taskOf(run);
    run.answerTask(first, failed("network"));
    run.nowMs += 1_000;
    run.give({ type: "tick" });
    expect(run.answerTask(first, { body: "late" })).toBe("duplicate");
    run.answerTask(taskOf(run), { body: "right" });
    expect(run.outputs).toEqual({ b: "right" });
  });

  test("a result for a node that does not exist or has not started changes nothing", () => {
    const run = new RunDriver(single());
    const task = taskOf(run);
    expect(run.answerTask({ ...task, path: "nowhere" }, 1)).toBe("duplicate");
    expect(run.answerTask({ ...task, path: "b" }, 1)).toBe("duplicate");
    expect(run.answerTask({ ...task, visit: 2 }, 1)).toBe("duplicate");
    expect(run.view.status).toBe("running");
  });
});

describe("tasks: retries", () => {
  test("a retryable failure waits for its backoff, doubles it, and uses up attempts", () => {
    const run = new RunDriver(single());
    run.answer("a", failed("network"));
    expect(run.view).toMatchObject({ status: "waiting", waiting_for: [{ node: "a", kind: "retry" }] });
    run.nowMs += 999;
    run.give({ type: "tick" });
    expect(run.tasks).toHaveLength(0);
    run.nowMs += 1;
    run.give({ type: "tick" });
    expect(taskOf(run)).toMatchObject({ attempt: 2, visit: 1 });
    run.answer("a", failed("network"));
    run.nowMs += 2_000;
    run.give({ type: "tick" });
    run.answer("a", failed("network"));
    expect(run.view).toMatchObject({ status: "failed", error: { code: "network", node: "a" } });
    expect(run.types("a").filter((type) => type === "node.retrying")).toHaveLength(2);
  });

  test("what is not retryable fails at once", () => {
    const run = new RunDriver(single());
    run.answer("a", failed("http_status", { retryable: false }));
    expect(run.view.status).toBe("failed");
  });

  test("Retry-After is a lower bound of the delay", () => {
    const run = new RunDriver(single());
    run.answer("a", failed("http_status", { retryable: true, retry_after_ms: 60_000 }));
    run.nowMs += 59_999;
    run.give({ type: "tick" });
    expect(run.tasks).toHaveLength(0);
    run.nowMs += 1;
    run.give({ type: "tick" });
    expect(run.tasks).toHaveLength(1);
  });

  test("with jitter the delay lies within the backoff and is the same for the same run", () => {
    const delays = [1, 2].map(() => {
      const run = new RunDriver(single({ jitter: true }));
      run.answer("a", failed("network"));
      return (run.state.nodes.get("a")?.due?.at ?? 0) - run.nowMs;
    });
    expect(delays[0]).toBe(delays[1]);
    expect(delays[0]).toBeGreaterThanOrEqual(0);
    expect(delays[0]).toBeLessThan(1_000);
  });
});

describe("tasks: deadlines (invariant 11)", () => {
  test("nothing heard by the dispatch deadline: sent again, then after twice as long", () => {
    const run = new RunDriver(single());
    run.nowMs += DISPATCH_DEADLINE_MS - 1;
    run.give({ type: "tick" });
    expect(run.tasks).toHaveLength(1);
    run.nowMs += 1;
    run.give({ type: "tick" });
    expect(run.tasks).toHaveLength(2);
    expect(run.tasks[1]).toEqual(run.tasks[0]);
    run.nowMs += DISPATCH_DEADLINE_MS;
    run.give({ type: "tick" });
    expect(run.tasks).toHaveLength(2);
    run.nowMs += DISPATCH_DEADLINE_MS;
    run.give({ type: "tick" });
    expect(run.tasks).toHaveLength(3);
  });

  test("a task that was sent again in many lives of its object still has a deadline within a day", () => {
    const run = new RunDriver(single());
    for (let life = 0; life < 40; life++) run.give({ type: "tasks_unsent" });
    run.nowMs += DISPATCH_DEADLINE_MS * 2 ** DISPATCH_DOUBLINGS_MAX - 1;
    run.give({ type: "tick" });
    expect(run.status("a")).toBe("queued");
    run.nowMs += 1;
    run.give({ type: "tick" });
    expect(run.view).toMatchObject({ status: "failed", error: { code: "worker_lost" } });
  });

  test("an announced task that does not report back fails its attempt after its timeout and the grace", () => {
    const run = new RunDriver(single());
    expect(start(run)).toBe("accepted");
    run.nowMs += TIMEOUT_MS + EXECUTION_GRACE_MS - 1;
    run.give({ type: "tick" });
    expect(run.status("a")).toBe("running");
    run.nowMs += 1;
    run.give({ type: "tick" });
    expect(run.status("a")).toBe("waiting");
    expect(run.state.nodes.get("a")?.error?.code).toBe("timeout");
  });

  test("a second announcement is no news, one for a past attempt is told to drop it", () => {
    const run = new RunDriver(single());
    const task = taskOf(run);
    start(run);
    expect(start(run, task)).toBe("duplicate");
    run.answer("a", failed("network"));
    expect(start(run, task)).toBe("too_late");
  });
});

describe("tasks: lost queues", () => {
  test("what was queued is sent again without counting a fault", () => {
    const run = new RunDriver(single());
    for (let i = 0; i < FAULTS_MAX + 3; i++) run.give({ type: "queues_lost" });
    expect(run.tasks).toHaveLength(FAULTS_MAX + 4);
    expect(new Set(run.tasks.map((task) => task.task_id)).size).toBe(1);
    run.answer("a", { body: "x" });
    expect(run.outputs).toEqual({ b: "x" });
  });

  test(`what was being executed survives ${FAULTS_MAX} faults of the platform, then is lost; attempts are not used up`, () => {
    const run = new RunDriver(single());
    for (let i = 0; i < FAULTS_MAX; i++) {
      start(run);
      run.give({ type: "queues_lost" });
      expect(taskOf(run).attempt).toBe(1);
    }
    start(run);
    run.give({ type: "queues_lost" });
    expect(run.view).toMatchObject({ status: "failed", error: { code: "worker_lost" } });
  });

  test("a failing run does not have its running nodes executed again", () => {
    const call = (id: string) => ({ ...single().nodes[0], id, retry: { max_attempts: 1 } });
    const run = new RunDriver({ nodes: [call("bad"), call("slow")] });
    start(run, taskOf(run, "slow"));
    run.answer("bad", failed("network"));
    run.give({ type: "queues_lost" });
    expect(run.tasks.filter((task) => task.path === "slow")).toHaveLength(1);
    expect(run.view.status).toBe("failed");
  });

  test("when only sending was in doubt, what is being executed is left alone", () => {
    const run = new RunDriver({
      nodes: [
        { ...single().nodes[0], id: "a" },
        { ...single().nodes[0], id: "c" },
      ],
    });
    start(run, taskOf(run, "a"));
    run.give({ type: "tasks_unsent" });
    expect(run.tasks.filter((task) => task.path === "a")).toHaveLength(1);
    expect(run.tasks.filter((task) => task.path === "c")).toHaveLength(2);
    expect(run.state.nodes.get("a")).toMatchObject({ status: "running", faults: 0 });
  });

  test("a waiting retry is not hurried", () => {
    const run = new RunDriver(single());
    run.answer("a", failed("network"));
    run.give({ type: "queues_lost" });
    expect(run.tasks).toHaveLength(0);
    expect(run.status("a")).toBe("waiting");
  });
});

describe("tasks: cancel", () => {
  test("ends the run at once; a late result is recorded once and leads nowhere", () => {
    const run = new RunDriver(single());
    const task = taskOf(run);
    start(run);
    expect(run.give({ type: "cancel", reason: "enough" })).toBe("accepted");
    expect(run.view.status).toBe("cancelled");
    expect(run.answerTask(task, { body: 1 })).toBe("too_late");
    expect(run.answerTask(task, { body: 1 })).toBe("duplicate");
    expect(run.events.at(-1)).toMatchObject({ type: "warning", code: "late_result", node: "a" });
    expect(run.status("b")).toBe("pending");
    expect(run.command({ type: "cancel" })).toMatchObject({
      code: "conflict",
      message: "the run has cancelled already",
    });
  });
});

describe("tasks: one config a visit", () => {
  test("an attempt after an `any` join reads what was there when the visit began, not what came later", () => {
    const url = "https://api.example.com/";
    const run = new RunDriver({
      nodes: [
        { id: "a", type: "http", config: { url } },
        { id: "b", type: "http", config: { url } },
        { id: "j", type: "http", join: "any", config: { url, method: "POST", payload: { b: "$nodes.b" } } },
      ],
      edges: [
        { from: "a", to: "j" },
        { from: "b", to: "j" },
      ],
    });
    run.answer("a", 1);
    const first = taskOf(run, "j");
    run.answer("b", { y: 2 });
    run.answer("j", failed("network"));
    run.nowMs += 60_000;
    run.give({ type: "tick" });
    expect(taskOf(run, "j")).toEqual({ ...first, attempt: 2, task_id: first.task_id.replace(/1$/, "2") });
    expect(first.config.payload).toEqual({ b: null });
  });
});

describe("tasks: outputs by size", () => {
  const ofBytes = (bytes: number) => "x".repeat(bytes - 2);

  test.each([
    [OUTPUT_INLINE_BYTES, "in the log"],
    [OUTPUT_INLINE_BYTES + 1, "beside the log"],
  ])("an output of %i bytes stands %s and is read back whole", (bytes, place) => {
    const run = new RunDriver({ ...single(), nodes: [single().nodes[0]], edges: [] });
    run.answer("a", ofBytes(bytes));
    const stored = run.state.nodes.get("a")?.output ?? null;
    expect(stored !== null && "value" in stored).toBe(place === "in the log");
    expect(run.outputs).toEqual({ a: ofBytes(bytes) });
  });

  test("the largest output is kept, one byte more fails the node", () => {
    const run = new RunDriver({ ...single(), nodes: [single().nodes[0]], edges: [] });
    run.answer("a", ofBytes(OUTPUT_BYTES_MAX));
    expect(run.view.status).toBe("completed");
    const larger = new RunDriver({ ...single(), nodes: [single().nodes[0]], edges: [] });
    larger.answer("a", ofBytes(OUTPUT_BYTES_MAX + 1));
    expect(larger.view).toMatchObject({ status: "failed", error: { code: "output_too_large" } });
  });
});

describe("tasks: secrets", () => {
  const authored = (config: object) => ({
    nodes: [{ id: "a", type: "http", config: { url: "https://api.example.com/", ...config } }],
  });

  test("only secrets that the author wrote are named for the worker, never what an input spells", () => {
    const definition = authored({ headers: { authorization: "$secrets.MINE", "x-note": "$inputs.note" } });
    const run = new RunDriver(definition, { note: "$secrets.THEIRS" });
    expect(run.tasks[0]?.config).toMatchObject({
      headers: { authorization: "$secrets.MINE", "x-note": "$secrets.THEIRS" },
      secrets: ["MINE"],
    });
    expect(new RunDriver(authored({}), {}).tasks[0]?.config.secrets).toEqual([]);
  });

  test("a declared list narrows them", () => {
    const headers = { a: "$secrets.ONE", b: "$secrets.TWO" };
    expect(new RunDriver(authored({ headers, secrets: ["TWO", "THREE"] })).tasks[0]?.config.secrets).toEqual(["TWO"]);
  });
});

describe("tasks: config", () => {
  test("templates are rendered from what ran before; an unresolved one fails the node and names the path", () => {
    const definition = (url: string) => ({
      nodes: [
        { id: "first", type: "transform", config: { expression: "{'path': 'items'}" } },
        { id: "a", type: "http", config: { url } },
      ],
      edges: [{ from: "first", to: "a" }],
    });
    const run = new RunDriver(definition("https://api.example.com/${$nodes.first.path}?q=${$inputs.q}"), { q: 1 });
    expect(run.tasks[0]?.config.url).toBe("https://api.example.com/items?q=1");
    const broken = new RunDriver(definition("https://api.example.com/${$nodes.first.absent}"));
    expect(broken.view).toMatchObject({ status: "failed", error: { code: "template_unresolved", node: "a" } });
    expect(broken.view.error?.message).toContain("absent");
  });
});

describe("warnings of a result", () => {
  test("are events of the run, cut to what one may bring", () => {
    const run = new RunDriver(single());
    const task = taskOf(run);
    const { run_id, path, visit, attempt } = task;
    const warnings = Array.from({ length: WARNINGS_PER_RESULT_MAX + 1 }, (_, i) => `${i} ${"w".repeat(1_000)}`);
    const metrics = {
      worker: "agent-runner",
      sent_at: 0,
      start_time: 0,
      end_time: 0,
      bytes_in: 0,
      bytes_out: 0,
      system: {},
    } as const;
    const result = { run_id, path, visit, attempt, outcome: { ok: true as const, output: 1 }, metrics, warnings };
    expect(run.give({ type: "task_ended", result })).toBe("accepted");
    const events = run.events.filter((event) => event.type === "warning" && event.code === "budget_warning");
    expect(events).toHaveLength(WARNINGS_PER_RESULT_MAX);
    expect(events[1]).toMatchObject({ node: "a", message: `1 ${"w".repeat(WARNING_LENGTH_MAX - 2)}` });
  });
});
