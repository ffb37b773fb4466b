/** Answers that could be kept, for node types whose config has a `cache`: here the real ones, given one. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { JsonObject } from "#kernel/json.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { compileGraph } from "#workflow/graph.ts";
import { NODE_TYPES, type NodeType } from "#workflow/node-types.ts";
import {
  AGENT_CACHE_MS,
  cacheableAgents,
  cacheableRequests,
  REQUEST_CACHE_MS,
} from "#workflow/optimise/cacheable-answers.ts";
import { applyPatch } from "#workflow/patch.ts";
import { chain, definitionOf, edge, get, pass, post, value } from "./versions.ts";

function typeOf(name: string): NodeType {
  const type = NODE_TYPES.get(name);
  if (type === undefined) throw new Error(`${name} is a node type`);
  return type;
}

const agent = (id: string, config: JsonObject = {}) => ({
  id,
  type: "agent",
  config: { task: "Name a colour", temperature: 0, tools: [], ...config },
});
const agents = (...nodes: object[]) => ({ nodes, edges: [] }) as unknown as WorkflowDefinition;

describe("agents whose answer can be cached", () => {
  test("no randomness and no tools", () => {
    expect(cacheableAgents(agents(agent("a")), NODE_TYPES)).toEqual([
      {
        kind: "cacheable",
        message: '"a" answers the same question the same way each time, so its answer can be cached',
        nodes: ["a"],
        patch: [
          { op: "test", path: "/nodes/0", value: agent("a") },
          { op: "replace", path: "/nodes/0", value: agent("a", { cache: { ttl_ms: AGENT_CACHE_MS } }) },
        ],
        note: "An answer may then be up to 3600 seconds old.",
      },
    ]);
  });

  test("those that ask the same are named together", () => {
    const found = cacheableAgents(agents(agent("a"), agent("b"), agent("c", { task: "Name a fruit" })), NODE_TYPES);
    expect(found.map(({ nodes }) => nodes)).toEqual([["a", "b"], ["c"]]);
    expect(found[0]?.message).toBe('"a" and "b" ask the same question and get the same answer, so it can be cached');
    expect(found[0]?.patch).toHaveLength(4);
  });

  test.each<[string, object]>([
    ["with randomness", agent("a", { temperature: 0.2 })],
    ["with the provider's own randomness", { ...agent("a"), config: { task: "Name a colour", tools: [] } }],
    ["with tools, which may do things", agent("a", { tools: ["execute_pipeline"] })],
    ["with all tools", { ...agent("a"), config: { task: "Name a colour", temperature: 0 } }],
    ["with a cache already", agent("a", { cache: { ttl_ms: 5 } })],
  ])("not %s", (_, node) => {
    expect(cacheableAgents(agents(node, { ...node, id: "b" }), NODE_TYPES)).toEqual([]);
  });

  test("not where the type's config has no cache", () => {
    const config = { task: z.string(), tools: z.array(z.string()), temperature: z.number() };
    const without = new Map([["agent", { ...typeOf("agent"), config: z.strictObject(config) }]]);
    expect(cacheableAgents(agents(agent("a")), without)).toEqual([]);
    const careless = new Map([["agent", { ...typeOf("agent"), config: z.object({ task: z.string() }) }]]);
    expect(cacheableAgents(agents(agent("a")), careless)).toEqual([]);
  });
});

const loop = (config: object = {}) => ({
  id: "l",
  type: "loop",
  config: { max_iterations: 3, loop_back_to: "h", ...config },
});
const around = (node: { id: string }, loopNode: object = loop(), more: object[] = []) => ({
  nodes: [pass("h"), node, value("t", "1"), loopNode, ...more],
  edges: chain("h", node.id, "t", "l"),
});
const requests = (workflow: object, types: ReadonlyMap<string, NodeType> = NODE_TYPES) => {
  const definition = definitionOf(workflow);
  return cacheableRequests(definition, compileGraph(definition), types);
};

describe("requests whose answer can be cached", () => {
  test("the same in each pass of a loop", () => {
    const workflow = around(get("a", { query: { q: "$inputs.q" } }));
    const [suggestion, ...others] = requests(workflow);
    expect(others).toEqual([]);
    expect(suggestion).toMatchObject({ nodes: ["a"], note: "An answer may then be up to 60 seconds old." });
    const after = applyPatch(workflow as never, suggestion?.patch);
    expect(after).toMatchObject({
      ok: true,
      value: { nodes: [{}, { config: { cache: { ttl_ms: REQUEST_CACHE_MS } } }, {}, {}] },
    });
  });

  test("also when it reads what stands before the loop", () => {
    const workflow = around(get("a", { query: { q: "$nodes.p.body.path" } }));
    const before = { nodes: [get("p"), ...workflow.nodes], edges: [edge("p", "h"), ...workflow.edges] };
    expect(requests(before)).toHaveLength(1);
  });

  test.each<[string, object]>([
    ["outside of a loop", { nodes: [get("a")] }],
    ["by the pass", around(get("a", { query: { page: "$iteration" } }))],
    ["of what the pass computed", around(get("a", { query: { q: "$nodes.t" } }))],
    ["that may be polled for", around(get("a"), loop({ condition: "iteration < 2" }))],
    ["that writes", around(post("a"))],
    ["beside one that writes", around(get("a"), loop(), [post("p")])],
    ["beside a pause", around(get("a"), loop(), [{ id: "p", type: "delay", config: { duration_ms: 5 } }])],
    [
      "in a loop within one that may poll",
      {
        nodes: [
          pass("g"),
          pass("h"),
          get("a"),
          value("t", "1"),
          loop(),
          { id: "m", type: "loop", config: { max_iterations: 9, loop_back_to: "g", condition: "iteration < 4" } },
        ],
        edges: chain("g", "h", "a", "t", "l", "m"),
      },
    ],
    [
      "of what the pass of the outer loop computed",
      {
        nodes: [
          value("g", "iteration"),
          pass("h"),
          get("a", { query: { q: "$nodes.g" } }),
          value("t", "1"),
          loop(),
          { id: "m", type: "loop", config: { max_iterations: 9, loop_back_to: "g" } },
        ],
        edges: chain("g", "h", "a", "t", "l", "m"),
      },
    ],
  ])("not a request %s", (_, workflow) => {
    expect(requests(workflow)).toEqual([]);
  });

  test("not where the type's config has no cache", () => {
    const without = new Map([["http", { ...typeOf("http"), config: z.strictObject({ url: z.string() }) }]]);
    expect(requests(around(get("a")), without)).toEqual([]);
  });
});
