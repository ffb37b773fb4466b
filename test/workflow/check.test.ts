/** Save-time checks: each thing that can be wrong, where it is reported, and the bounds at their edges. */
import { describe, expect, test } from "vitest";
import { checkWorkflow } from "#workflow/check.ts";
import { EDGES_MAX, NODES_MAX, TIMEOUT_MS_MAX } from "#workflow/limits.ts";

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const http = (id: string, config: object = {}) => ({
  id,
  type: "http",
  config: { url: "https://a.example.com/", ...config },
});
const transform = (id: string, expression: string) => ({ id, type: "transform", config: { expression } });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });
const pointers = (document: unknown) => checkWorkflow(document).errors.map((problem) => problem.pointer);
const messages = (document: unknown) =>
  checkWorkflow(document)
    .errors.map((problem) => problem.message)
    .join("\n");

describe("check: shape", () => {
  test.each([
    ["not an object", 7, [""]],
    ["null", null, [""]],
    ["no nodes", { edges: [] }, ["/nodes"]],
    ["an empty list of nodes", { nodes: [] }, ["/nodes"]],
    ["an unknown field", { nodes: [node("a")], extra: 1 }, ["/extra"]],
    ["an unknown field of a node", { nodes: [{ ...node("a"), colour: "red" }] }, ["/nodes/0/colour"]],
    ["a bad id", { nodes: [node("a b")] }, ["/nodes/0/id"]],
    ["a long id", { nodes: [node("x".repeat(65))] }, ["/nodes/0/id"]],
    ["a reserved id", { nodes: [node("__proto__")] }, ["/nodes/0/id"]],
    ["a config that is a list", { nodes: [node("a", { config: [] })] }, ["/nodes/0/config"]],
    ["a timeout of 0", { nodes: [node("a", { timeout_ms: 0 })] }, ["/nodes/0/timeout_ms"]],
    ["too long a timeout", { nodes: [node("a", { timeout_ms: TIMEOUT_MS_MAX + 1 })] }, ["/nodes/0/timeout_ms"]],
    ["eleven attempts", { nodes: [node("a", { retry: { max_attempts: 11 } })] }, ["/nodes/0/retry/max_attempts"]],
  ])("%s", (_, document, expected) => {
    expect(pointers(document)).toEqual(expected);
  });

  test("ids of 64 characters, ten attempts and the longest timeout are accepted", () => {
    const retry = { max_attempts: 10 };
    expect(pointers({ nodes: [node("x".repeat(64), { retry, timeout_ms: TIMEOUT_MS_MAX })] })).toEqual([]);
  });
});

describe("check: everything at once", () => {
  test("problems of shape do not hide those of the graph, of configs and of expressions", () => {
    const document = {
      nodes: [
        { ...node("a"), colour: "red" },
        { id: "b c", type: "parallel" },
        { id: "c", type: "htp" },
        { id: "d", type: "http", config: {}, retry: { max_attempts: 99 } },
        { ...transform("e", "1 +"), timeout_ms: -1 },
      ],
      edges: [edge("a", "ghost"), { from: "a" }, edge("a", "c", { condition: "((" })],
      inputs: { type: "objct" },
    };
    expect(new Set(pointers(document))).toEqual(
      new Set([
        "/nodes/0/colour",
        "/nodes/1/id",
        "/nodes/2/type",
        "/nodes/3/retry/max_attempts",
        "/nodes/3/config/url",
        "/nodes/4/timeout_ms",
        "/nodes/4/config/expression",
        "/edges/0/to",
        "/edges/1/to",
        "/edges/2/condition",
        "/inputs",
      ]),
    );
    expect(checkWorkflow(document).definition).toBeNull();
  });

  test("text that only looks like a template is a warning", () => {
    const query = { a: "$input.a", b: "$node.x", c: "$5.00", d: "$inputs.a", e: "$secrets.X", f: "$$inputs" };
    const { errors, warnings } = checkWorkflow({ nodes: [http("a", { query })] });
    expect(errors).toEqual([]);
    expect(warnings.map((warning) => warning.pointer)).toEqual(["/nodes/0/config/query/a", "/nodes/0/config/query/b"]);
  });
});

describe("check: graph", () => {
  test("every problem is reported at once", () => {
    const document = {
      nodes: [node("a"), node("a"), { id: "b", type: "htp" }, transform("c", "1 +")],
      edges: [edge("a", "nowhere"), edge("ghost", "a")],
    };
    expect(pointers(document)).toEqual([
      "/nodes/1/id",
      "/edges/0/to",
      "/edges/1/from",
      "/nodes/2/type",
      "/nodes/3/config/expression",
    ]);
  });

  test("an unknown type names the nearest known one", () => {
    expect(messages({ nodes: [{ id: "b", type: "htpp" }] })).toContain('did you mean "http"');
  });

  test("a cycle is named with its nodes, at the edge that closes it", () => {
    const nodes = ["start", "a", "b", "c"].map((id) => node(id));
    const edges = [edge("start", "a"), edge("a", "b"), edge("b", "c"), edge("c", "a")];
    const { errors } = checkWorkflow({ nodes, edges });
    expect(errors).toHaveLength(2);
    expect(errors[0]?.message).toMatch(/cycle: [abc] → [abc] → [abc] → [abc]/);
    expect(errors[1]?.message).toContain("no end");
  });

  test("an edge to itself is a cycle", () => {
    expect(messages({ nodes: [node("a"), node("z")], edges: [edge("a", "a")] })).toContain("cycle: a → a");
  });

  test("two edges between the same nodes are fine with different conditions, and refused when equal", () => {
    const nodes = [node("a"), node("b")];
    const different = [edge("a", "b", { condition: "output.x == 1" }), edge("a", "b", { condition: "output.y == 1" })];
    expect(pointers({ nodes, edges: different })).toEqual([]);
    expect(pointers({ nodes, edges: [edge("a", "b"), edge("a", "b", { on: "success" })] })).toEqual(["/edges/1"]);
  });

  test(`${NODES_MAX} nodes are accepted, one more is not`, () => {
    const nodes = (count: number) => Array.from({ length: count }, (_, index) => node(`n${index}`));
    expect(pointers({ nodes: nodes(NODES_MAX) })).toEqual([]);
    expect(pointers({ nodes: nodes(NODES_MAX + 1) })).toEqual(["/nodes"]);
  });

  test(`${EDGES_MAX} edges are accepted, one more is not`, () => {
    const nodes = Array.from({ length: 100 }, (_, index) => node(`n${index}`));
    const all = nodes.flatMap((from, i) => nodes.slice(i + 1).map((to) => edge(from.id, to.id)));
    expect(pointers({ nodes, edges: all.slice(0, EDGES_MAX) })).toEqual([]);
    expect(pointers({ nodes, edges: all.slice(0, EDGES_MAX + 1) })).toEqual(["/edges"]);
  });
});

describe("check: branches and failure edges", () => {
  const branching = { id: "c", type: "conditional", config: { condition: "output.ok" } };

  test("edges out of a conditional with a condition carry a branch and no condition of their own", () => {
    const nodes = [branching, node("a"), node("b")];
    expect(pointers({ nodes, edges: [edge("c", "a", { branch: "if" }), edge("c", "b")] })).toEqual(["/edges/1"]);
    const both = [edge("c", "a", { branch: "if", condition: "true" })];
    expect(pointers({ nodes, edges: both })).toEqual(["/edges/0/condition"]);
  });

  test("a branch on any other edge is refused", () => {
    expect(pointers({ nodes: [node("a"), node("b")], edges: [edge("a", "b", { branch: "if" })] })).toEqual([
      "/edges/0/branch",
    ]);
  });

  test("failure edges out of a node that continues on error are refused", () => {
    const nodes = [{ ...http("a"), on_error: "continue" }, node("b")];
    expect(pointers({ nodes, edges: [edge("a", "b", { on: "failure" })] })).toEqual(["/edges/0/on"]);
  });
});

describe("check: config, templates and expressions", () => {
  test.each([
    ["an http node without url", { id: "a", type: "http" }, "/nodes/0/config/url"],
    ["an unknown method", http("a", { method: "BREW" }), "/nodes/0/config/method"],
    ["an unknown config field", http("a", { colour: 1 }), "/nodes/0/config/colour"],
    [
      "an unknown function",
      { id: "a", type: "function", config: { function_name: "rm" } },
      "/nodes/0/config/function_name",
    ],
    [
      "a template to a node that is not there",
      http("a", { query: { q: "$nodes.ghost.x" } }),
      "/nodes/0/config/query/q",
    ],
    ["a template to itself", http("a", { query: { q: "$nodes.a.x" } }), "/nodes/0/config/query/q"],
    ["$item outside a map", http("a", { query: { q: "$item.x" } }), "/nodes/0/config/query/q"],
    ["bad CEL", transform("a", "output ="), "/nodes/0/config/expression"],
    ["an unknown CEL variable", transform("a", "outptu.x"), "/nodes/0/config/expression"],
  ])("%s", (_, document, pointer) => {
    expect(pointers({ nodes: [document] })).toEqual([pointer]);
  });

  test("a template or expression may read what ran before on a path, and nothing later", () => {
    const nodes = [
      http("first"),
      http("second", { query: { q: "$nodes.first.body" } }),
      transform("third", "nodes.first"),
    ];
    const edges = [edge("first", "second"), edge("second", "third")];
    expect(pointers({ nodes, edges })).toEqual([]);
    const later = [http("first", { query: { q: "$nodes.second.body" } }), http("second")];
    expect(messages({ nodes: later, edges: [edge("first", "second")] })).toContain(
      '"second" cannot have run before "first"',
    );
  });

  test("an edge's condition may read the node it leaves", () => {
    const nodes = [node("a"), node("b")];
    expect(pointers({ nodes, edges: [edge("a", "b", { condition: "nodes.a.x == 1.0" })] })).toEqual([]);
    expect(pointers({ nodes, edges: [edge("a", "b", { condition: "nodes.b.x == 1.0" })] })).toEqual([
      "/edges/0/condition",
    ]);
  });

  test("a node type that is coming soon is a warning", () => {
    const checked = checkWorkflow({ nodes: [{ id: "a", type: "file-search", config: {} }] });
    expect(checked.errors).toEqual([]);
    expect(checked.warnings).toMatchObject([{ pointer: "/nodes/0/type" }]);
  });
});

describe("check: inputs schema", () => {
  test.each([
    [{ type: "zzz" }, "none of"],
    [{ type: "array" }, "are an object"],
    [{ properties: { a: { type: "objct" } } }, "none of"],
    [{ $ref: "#" }, "$ref"],
    [{ $ref: "#/nowhere" }, "$ref"],
    [{ type: { toString: 1, length: -1 } }, "type"],
  ])("%j cannot be used, and the message is ours", (inputs, part) => {
    const { errors } = checkWorkflow({ nodes: [node("a")], inputs });
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toContain(part);
    expect(errors[0]?.message).not.toMatch(/cfworker|call stack/);
  });

  test("keywords that compile a pattern are refused, properties of that name are not", () => {
    const ofInputs = (inputs: object) => pointers({ nodes: [node("a")], inputs });
    expect(ofInputs({ type: "object", properties: { pattern: { type: "string" } } })).toEqual([]);
    expect(ofInputs({ type: "object", properties: { x: { type: "string", pattern: "(a+)+$" } } })).toEqual(["/inputs"]);
  });
});
