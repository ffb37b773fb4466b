/** Runs that workflow nodes start, on a real shard. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { expect, test } from "vitest";
import { Workflows } from "#store/workflows.ts";
import { checkWorkflow } from "#workflow/check.ts";
import { shard, startRequest, TENANT } from "./support.ts";

async function save(tag: string, document: unknown): Promise<void> {
  const workflows = new Workflows(drizzle(env.DB));
  const { definition } = checkWorkflow(document);
  if (definition === null) throw new Error("the workflow is wrong");
  await workflows.createTag(TENANT, tag, await workflows.addArtifact(TENANT, definition, 0), null, 0);
}

test("a child does not begin when its parent has ended while its workflow was looked up", async () => {
  await save("hello", { nodes: [{ id: "out", type: "transform", config: { expression: "'hello'" } }] });
  const { stub, address } = shard(41);
  const child = { id: "child", type: "workflow", config: { workflow: "hello" } };
  const bad = { id: "bad", type: "transform", config: { expression: "inputs.nothing.here" } };
  const over = await startRequest(address, { nodes: [child, bad], edges: [] });
  const waits = await startRequest(address, { nodes: [child], edges: [] });
  expect(await stub.start(TENANT, over)).toMatchObject({ run: { status: "failed" } });
  // Its child was asked for later, and has ended.
  expect(await stub.start(TENANT, { ...waits, wait_ms: 20_000 })).toMatchObject({
    run: { status: "completed", outputs: { child: { out: "hello" } } },
  });
  const { items } = (await stub.events(TENANT, over.run_id, 0, 100)) ?? { items: [] };
  const ids = items.flatMap((event) =>
    event.type === "node.waiting" ? [(event.wait as { run_id: string }).run_id] : [],
  );
  expect(ids).toHaveLength(1);
  expect(await stub.run(TENANT, ids[0] ?? "")).toBeNull();
});
