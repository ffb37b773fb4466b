/** The analysis as a whole: its answers on the largest definitions, and on the workflows that Weir ships. */
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { workSpent } from "#expression/work.ts";
import { EDGES_MAX, NODES_MAX, PATCH_OPERATIONS_MAX } from "#workflow/limits.ts";
import { CONSTANT_WORK_MAX, NAMED_IDS_MAX, SUGGESTIONS_PER_KIND_MAX } from "#workflow/optimise/limits.ts";
import { optimise } from "#workflow/optimise/optimise.ts";
import { nameNodes, SUGGESTION_KINDS } from "#workflow/optimise/suggestion.ts";
import { chain, definitionOf, edge, get, pass, patchedBy, suggestionsOf, value } from "./versions.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Every node leads to the four after it. */
function dense(nodeOf: (index: number) => { id: string; type: string }, more: (index: number) => object = () => ({})) {
  const nodes = numbers(NODES_MAX).map(nodeOf);
  const edges = nodes.flatMap(({ id }, index) =>
    nodes.slice(index + 1, index + 5).map((to, step) => edge(id, to.id, more(index * 4 + step))),
  );
  return { nodes, edges: edges.slice(0, EDGES_MAX) };
}

describe("the largest definitions are answered", { timeout: 60_000 }, () => {
  test.each<[string, object, string[]]>([
    [
      "requests in a row",
      {
        nodes: numbers(NODES_MAX).map((index) => get(`n${index}`)),
        edges: chain(...numbers(NODES_MAX).map((index) => `n${index}`)),
      },
      ["parallel_requests", "critical_path"],
    ],
    [
      "pairs of requests",
      {
        nodes: numbers(NODES_MAX).map((index) => get(`n${index}`)),
        edges: numbers(NODES_MAX - 1).flatMap((index) => (index % 3 === 2 ? [] : [edge(`n${index}`, `n${index + 1}`)])),
      },
      ["parallel_requests"],
    ],
    [
      "the same request, a thousand times",
      {
        nodes: [
          ...numbers(NODES_MAX - 1).map((index) => get(`n${index}`, { url: "https://x.example.com/" })),
          value("end", "1"),
        ],
        edges: numbers(NODES_MAX - 1).map((index) => edge(`n${index}`, "end")),
      },
      ["duplicate_work"],
    ],
    [
      "ways that are all dead",
      dense(
        (index) => pass(`n${index}`),
        (index) => ({ condition: index % 2 === 0 ? "false" : "1 > 2" }),
      ),
      ["dead_branch"],
    ],
    [
      "ways of which every other one is dead, into joins that look at their input",
      dense(
        (index) => value(`n${index}`, "output"),
        (index) => (index % 2 === 0 ? { condition: "false" } : {}),
      ),
      ["dead_branch"],
    ],
    ["any joins", dense((index) => ({ ...get(`n${index}`), join: index % 2 === 0 ? "any" : "all" })), []],
    [
      "a failure edge beside each way",
      {
        nodes: numbers(NODES_MAX).map((index) => pass(`n${index}`)),
        edges: numbers(NODES_MAX - 3).flatMap((index) => [
          edge(`n${index}`, `n${index + 1}`),
          ...[1, 2, 3].map((step) => edge(`n${index}`, `n${index + step}`, { on: "failure" })),
        ]),
      },
      ["dead_branch"],
    ],
  ])("%s", (_, workflow, kinds) => {
    const definition = definitionOf(workflow);
    expect([definition.nodes.length, definition.edges.length <= EDGES_MAX]).toEqual([NODES_MAX, true]);
    const { suggestions, warnings } = optimise(definition);
    expect([...new Set(suggestions.map(({ kind }) => kind))]).toEqual(kinds);
    expect(warnings.length).toBeLessThanOrEqual(SUGGESTIONS_PER_KIND_MAX);
    for (const kind of SUGGESTION_KINDS) {
      expect(suggestions.filter((each) => each.kind === kind).length).toBeLessThanOrEqual(SUGGESTIONS_PER_KIND_MAX);
    }
    for (const { patch } of suggestions) expect(patch.length).toBeLessThanOrEqual(PATCH_OPERATIONS_MAX);
    for (const suggestion of suggestions.slice(0, 2)) patchedBy(workflow, suggestion);
  });

  test("a patch that would make more nodes than a definition may hold is not offered", () => {
    const of = (count: number) => ({
      nodes: [get("a"), get("b"), value("end", "output"), ...numbers(count - 3).map((index) => pass(`n${index}`))],
      edges: chain("a", "b", "end"),
    });
    expect(suggestionsOf(of(NODES_MAX - 1), "parallel_requests")).toHaveLength(1);
    expect(suggestionsOf(of(NODES_MAX), "parallel_requests")).toEqual([]);
  });

  test("constant conditions cost what they may together, and what is left counts as not constant", () => {
    const list = `[${numbers(60).join(", ")}]`;
    const of = (count: number) => ({
      nodes: [pass("s"), value("o", "1"), value("x", "2")],
      edges: [
        edge("s", "o"),
        ...numbers(count).map((index) =>
          edge("s", "x", { condition: `${list}.all(x, ${list}.all(y, x + y > -${index + 1})) && false` }),
        ),
      ],
    });
    const spent = (count: number) => {
      const definition = definitionOf(of(count));
      const before = workSpent();
      const { suggestions } = optimise(definition);
      const isDead = suggestions.some(({ message }) => message.startsWith('"x" can never run'));
      return { work: workSpent() - before, isDead };
    };
    const one = spent(1);
    expect(one.isDead).toBe(true);
    const fits = Math.floor(CONSTANT_WORK_MAX / one.work);
    expect(spent(fits)).toEqual({ work: fits * one.work, isDead: true });
    expect(spent(fits + 1)).toEqual({ work: expect.any(Number), isDead: false });
  });
});

describe("suggestions", () => {
  test("the workflows that Weir ships are as they should be, or their patches are sound", async () => {
    const folder = new URL("../../../examples/", import.meta.url);
    const files = (await readdir(folder)).filter((file) => file.endsWith(".json"));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const { workflow } = JSON.parse(await readFile(new URL(file, folder), "utf8"));
      for (const suggestion of optimise(definitionOf(workflow)).suggestions) patchedBy(workflow, suggestion);
    }
  });

  test("a workflow with nothing to improve has none", () => {
    const workflow = { nodes: [get("a"), value("b", "output.body")], edges: chain("a", "b") };
    expect(optimise(definitionOf(workflow))).toEqual({ warnings: [], suggestions: [] });
  });

  test("nodes are named up to a bound and then counted", () => {
    const ids = numbers(NAMED_IDS_MAX + 1).map((index) => `n${index}`);
    expect(nameNodes([])).toBe("");
    expect(nameNodes(["a"])).toBe('"a"');
    expect(nameNodes(ids.slice(1))).toBe('"n1", "n2", "n3", "n4" and "n5"');
    expect(nameNodes(ids)).toBe('"n0", "n1", "n2", "n3" and 2 more');
  });
});
