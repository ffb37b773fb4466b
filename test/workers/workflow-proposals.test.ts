/** Proposals on real D1: one however often it is made, a bounded number, decided once; and what search finds. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { describe, expect, test } from "vitest";
import type { Json } from "#kernel/json.ts";
import { changedWorkflow, PENDING_PROPOSALS_MAX, PROPOSAL_ID, WorkflowProposals } from "#store/workflow-proposals.ts";
import { Workflows } from "#store/workflows.ts";
import { checkWorkflow } from "#workflow/check.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";

const proposals = new WorkflowProposals(drizzle(env.DB));
const workflows = new Workflows(drizzle(env.DB));

const proposal = (more: object = {}) => ({
  tag: "flow",
  artifactId: "sha256:1",
  operations: [{ op: "remove", path: "/nodes/0" }] as Json[],
  summary: ["node a removed"],
  description: null,
  runId: "run_1",
  node: "think",
  visit: 1,
  ...more,
});

function definition(document: object): WorkflowDefinition {
  const checked = checkWorkflow(document);
  if (checked.definition === null) throw new Error("the workflow is wrong");
  return checked.definition;
}

describe("workflow proposals", () => {
  test("of the same visit are the same, of another they are others, and each tenant has its own", async () => {
    const id = await proposals.add("a", proposal(), 1);
    expect(id).toMatch(PROPOSAL_ID);
    expect(await proposals.add("a", proposal(), 2)).toBe(id);
    expect(await proposals.add("a", proposal({ visit: 2 }), 3)).not.toBe(id);
    expect(await proposals.list("a", "flow", null, "", 10)).toHaveLength(2);
    expect(await proposals.list("b", "flow", null, "", 10)).toEqual([]);
    expect(await proposals.find("b", "flow", id ?? "")).toBeNull();
    expect(await proposals.find("a", "other", id ?? "")).toBeNull();
    expect(await proposals.find("a", "flow", id ?? "")).toMatchObject({ createdAt: 1, status: "pending" });
  });

  test("are decided once", async () => {
    const id = (await proposals.add("c", proposal(), 1)) ?? "";
    const found = await proposals.find("c", "flow", id);
    if (found === null) throw new Error("it was added");
    const decision = { decision: "reject" as const, by: "key_1", comments: "no", version: null };
    expect(await proposals.decide(found, decision, 5)).toMatchObject({
      status: "rejected",
      decidedAt: 5,
      comments: "no",
    });
    expect(await proposals.decide(found, { ...decision, decision: "approve" }, 6)).toBeNull();
    expect(await proposals.list("c", "flow", "pending", "", 10)).toEqual([]);
  });

  test("wait in a bounded number; one that was made before is still the same", async () => {
    const first = await proposals.add("d", proposal({ visit: 1 }), 1);
    for (let visit = 2; visit <= PENDING_PROPOSALS_MAX; visit++) {
      expect(await proposals.add("d", proposal({ visit }), 1)).not.toBeNull();
    }
    expect(await proposals.add("d", proposal({ visit: 0 }), 1)).toBeNull();
    expect(await proposals.add("d", proposal({ visit: 1 }), 1)).toBe(first);
    expect(await proposals.add("d", proposal({ visit: 0, tag: "other" }), 1)).not.toBeNull();
  });

  test("are judged on what they make of the workflow", () => {
    const from = definition({ nodes: [{ id: "a", type: "parallel" }] });
    const add = (value: Json): Json[] => [{ op: "add", path: "/nodes/-", value }];
    expect(changedWorkflow(from, add({ id: "b", type: "parallel" }))).toMatchObject({
      ok: true,
      value: { summary: [expect.stringContaining("b")] },
    });
    expect(changedWorkflow(from, add({ id: "b", type: "shell" }))).toMatchObject({
      ok: false,
      error: [{ pointer: expect.stringContaining("/result/nodes/1") }],
    });
    expect(changedWorkflow(from, [{ op: "remove", path: "/nodes/7" }])).toMatchObject({
      error: [{ pointer: "/operations/0/path" }],
    });
  });
});

test("search is shown names, descriptions and numbers of agents, by tag and up to a bound", async () => {
  const agent = (id: string) => ({ id, type: "agent", config: { task: "x" } });
  const documents = {
    plain: { nodes: [{ id: "a", type: "parallel" }], metadata: { description: "does little" } },
    clever: { nodes: [agent("a"), agent("b")], edges: [{ from: "a", to: "b" }], metadata: { name: "Clever" } },
  };
  for (const [tag, document] of Object.entries(documents)) {
    const id = await workflows.addArtifact("s", definition(document), 0);
    await workflows.createTag("s", tag, id, tag === "clever" ? "told" : null, 0);
  }
  expect(await workflows.listings("s", 10)).toEqual([
    { tag: "clever", name: "Clever", description: "told", agents: 2 },
    { tag: "plain", name: null, description: "does little", agents: 0 },
  ]);
  expect(await workflows.listings("s", 1)).toHaveLength(1);
  expect(await workflows.listings("t", 10)).toEqual([]);
});
