/** Every example gives what plain JavaScript works out from the same data, and goes the way that it was written for. */
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectedOutputs as agentDelegation } from "../../examples/agent-delegation.expected.mjs";
import { expectedOutputs as agentPatch } from "../../examples/agent-patch.expected.mjs";
import { expectedOutputs as agentSummary } from "../../examples/agent-summary.expected.mjs";
import { startDataServer } from "../../examples/data-server.mjs";
import { expectedOutputs as flightDelays } from "../../examples/flight-delays.expected.mjs";
import { expectedOutputs as secondSource } from "../../examples/second-source.expected.mjs";
import { expectedOutputs as threeSources } from "../../examples/three-sources.expected.mjs";
import { readExamples } from "../../scripts/local-runtime/examples.mjs";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

const FOLDER = new URL("../../examples/", import.meta.url).pathname;

let weir: WeirProcess;
let data: Awaited<ReturnType<typeof startDataServer>>;

beforeAll(async () => {
  data = await startDataServer();
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: `127.0.0.1:${data.port}` } });
});

afterAll(async () => {
  await weir.stop();
  await data.close();
});

const read = async (name: string) => (await fetch(`${data.url}/${name}.json`)).json();

/** Outputs of an example by its tag, from the datasets alone. */
const EXPECTED: Record<string, () => Promise<object>> = {
  "flight-delays": async () => flightDelays(await read("flights"), await read("weather")),
  "three-sources": async () =>
    threeSources(await read("airports"), await read("earthquakes"), await read("weather"), "AK"),
  "second-source": async () => secondSource(await read("flights")),
  "agent-summary": async () => agentSummary(await read("weather")),
  "agent-patch": async () => agentPatch(await read("earthquakes")),
  // After the one that it hands its work to.
  "agent-delegation": async () => agentDelegation(),
};

/** Runs that were made here, by the example's tag. */
const runIds = new Map<string, string>();

async function runExample(tag: string) {
  const example = (await readExamples(FOLDER, data.url)).find((each) => each.tag === tag);
  const { workflow, example_inputs: inputs } = example ?? {};
  const saved = await weir.api("POST", "/api/v1/workflows", { tag, workflow });
  expect(saved).toMatchObject({ status: 201, body: { warnings: [] } });
  const run = await weir.api("POST", `/api/v1/workflows/${tag}/execute`, { inputs, wait_ms: 30_000 });
  runIds.set(tag, run.body.run_id);
  return run.body;
}

describe("examples", () => {
  test("each is expected to give something", async () => {
    const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".json"));
    expect(names.map((name) => name.replace(".json", "")).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  test.each(Object.entries(EXPECTED))("%s gives what the data says", async (tag, expected) => {
    const run = await runExample(tag);
    expect(run).toMatchObject({ status: "completed" });
    expect(run.outputs).toEqual(await expected());
  });

  test("three-sources: the fetches run side by side, the join starts once and after all of them", async () => {
    const path = `/api/v1/runs/${runIds.get("three-sources")}/events?limit=1000`;
    const events = (await weir.api("GET", path)).body.items;
    const at = (type: string, node: string) =>
      events.flatMap((event: { type: string; node?: string; seq: number }) =>
        event.type === type && event.node === node ? [event.seq] : [],
      );
    const fetches = ["fetch_airports", "fetch_earthquakes", "fetch_weather"];
    const queued = fetches.flatMap((node) => at("node.queued", node));
    const completed = fetches.flatMap((node) => at("node.completed", node));
    expect(Math.max(...queued)).toBeLessThan(Math.min(...completed));
    expect(at("node.started", "report")).toHaveLength(1);
    expect(at("node.started", "report")[0]).toBeGreaterThan(Math.max(...completed));
  });

  test("second-source: the failure is on record, handled, and not tried again", async () => {
    const path = `/api/v1/runs/${runIds.get("second-source")}/details`;
    const { node_executions: nodes } = (await weir.api("GET", path)).body;
    expect(nodes.fetch_today).toMatchObject({ status: "failed", attempt: 1, error: { code: "http_status" } });
    expect(nodes.flights).toMatchObject({ status: "completed" });
    expect(nodes.fetch_archive.output.status_code).toBe(200);
  });

  test("agent-patch: the run says what was changed, by whom, and the new node ran before the next", async () => {
    const path = `/api/v1/runs/${runIds.get("agent-patch")}`;
    const { body: details } = await weir.api("GET", `${path}/details`);
    expect(details.definition.nodes.map(({ id }: { id: string }) => id)).toContain("validate_schema");
    const { items } = (await weir.api("GET", `${path}/patches`)).body;
    expect(items).toMatchObject([{ seq: 1, status: "applied", source: "agent", by: "think", node: "think" }]);
    const events = (await weir.api("GET", `${path}/events?limit=1000`)).body.items;
    const at = (type: string, node?: string) =>
      events.findIndex((event: { type: string; node?: string }) => event.type === type && event.node === node);
    const order = [at("patch.applied"), at("node.completed", "validate_schema"), at("node.started", "save")];
    expect(Math.min(...order)).toBeGreaterThan(0);
    expect(order).toEqual([...order].sort((left, right) => left - right));
  });

  test("agent-delegation: parent and child name each other", async () => {
    const parent = runIds.get("agent-delegation") ?? "";
    const children = await until(async () => {
      const { items } = (await weir.api("GET", "/api/v1/runs?workflow=agent-summary")).body;
      const ids: string[] = items.map(({ run_id }: { run_id: string }) => run_id);
      const runs = await Promise.all(ids.map(async (id) => (await weir.api("GET", `/api/v1/runs/${id}`)).body));
      return runs.filter((run) => run.parent !== undefined);
    });
    expect(children).toMatchObject([{ status: "completed", parent: { run_id: parent, node: "manager" } }]);
  });
});

/** Lists are at most two seconds old. */
async function until<Item>(read: () => Promise<Item[]>): Promise<Item[]> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    const items = await read();
    if (items.length > 0) return items;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return [];
}
