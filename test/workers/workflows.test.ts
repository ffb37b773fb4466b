/** Workflows in D1, and what an isolate remembers of them. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { expect, test } from "vitest";
import { contentOf } from "#store/content-address.ts";
import { ARTIFACT_BYTES_PER_UNIT, ARTIFACTS_REMEMBERED_BYTES_MAX, Workflows } from "#store/workflows.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { TENANT } from "./support.ts";

/** A definition whose canonical text has this many characters, all of them ASCII. */
async function definitionOf(name: string, units: number): Promise<WorkflowDefinition> {
  const make = (padding: string) => ({
    nodes: [{ id: "a", type: "http", config: { url: "https://a.example.com/", payload: padding } }],
    edges: [],
    metadata: { name },
  });
  const { text } = await contentOf(make(""));
  return make("x".repeat(units - text.length));
}

test("definitions are remembered up to a bound of bytes, the least recently used forgotten first", async () => {
  const workflows = new Workflows(drizzle(env.DB));
  const quarter = Math.floor(ARTIFACTS_REMEMBERED_BYTES_MAX / 4 / ARTIFACT_BYTES_PER_UNIT);
  const add = async (name: string) => workflows.addArtifact(TENANT, await definitionOf(name, quarter), Date.now());
  const ids = await Promise.all(["a", "b", "c", "d"].map(add));
  // Without the rows, only what is remembered is found.
  await env.DB.prepare("DELETE FROM artifacts WHERE tenant = ?").bind(TENANT).run();
  const found = await Promise.all(ids.map((id) => workflows.artifact(TENANT, id)));
  expect(found.map((each) => each?.metadata)).toEqual(["a", "b", "c", "d"].map((name) => ({ name })));

  await workflows.artifact(TENANT, ids[0] ?? "");
  await add("e");
  expect(await workflows.artifact(TENANT, ids[0] ?? "")).not.toBeNull();
  expect(await workflows.artifact(TENANT, ids[1] ?? "")).toBeNull();
});
