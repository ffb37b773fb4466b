/** Every example gives what plain JavaScript works out from the same data, and goes the way that it was written for. */
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectedOutputs as agentDelegation } from "../../examples/agent-delegation.expected.mjs";
import { expectedOutputs as agentPatch } from "../../examples/agent-patch.expected.mjs";
import { expectedOutputs as agentSummary } from "../../examples/agent-summary.expected.mjs";
import { expectedOutputs as countdown } from "../../examples/countdown.expected.mjs";
import { startDataServer } from "../../examples/data-server.mjs";
import { expectedOutputs as flightDelays } from "../../examples/flight-delays.expected.mjs";
import { expectedOutputs as priceWatch } from "../../examples/price-watch.expected.mjs";
import { expectedOutputs as secondSource } from "../../examples/second-source.expected.mjs";
import { expectedOutputs as threeSources } from "../../examples/three-sources.expected.mjs";
import { readExamples } from "../../scripts/local-runtime/examples.mjs";
import { follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

const FOLDER = new URL("../../examples/", import.meta.url).pathname;

let weir: WeirProcess;
const api = follow(() => weir);
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
  countdown: async () => countdown(5),
  "price-watch": async () =>
    priceWatch(await read("stocks"), [
      { symbol: "AAPL", above: 200 },
      { symbol: "MSFT", above: 100 },
      { symbol: "GOOG", above: 500 },
    ]),
};

/** Those that wait for somebody: each is gone through by hand below. */
const BY_HAND = ["order", "payment-approval"];

/** Runs that were made here, by the example's tag. */
const runIds = new Map<string, string>();

async function save(tag: string) {
  const example = (await readExamples(FOLDER, data.url)).find((each) => each.tag === tag);
  const { workflow, example_inputs: inputs } = example ?? {};
  const saved = await weir.api("POST", "/api/v1/workflows", { tag, workflow });
  expect(saved).toMatchObject({ status: 201, body: { warnings: [] } });
  return inputs;
}

async function runExample(tag: string) {
  const inputs = await save(tag);
  const run = await weir.api("POST", `/api/v1/workflows/${tag}/execute`, { inputs, wait_ms: 30_000 });
  runIds.set(tag, run.body.run_id);
  return run.body;
}

describe("examples", () => {
  test("each is expected to give something", async () => {
    const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".json"));
    expect(names.map((name) => name.replace(".json", "")).sort()).toEqual(
      [...Object.keys(EXPECTED), ...BY_HAND].sort(),
    );
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

  test("countdown: the join runs once in each pass, and too many passes end another way", async () => {
    const events = await api.events(runIds.get("countdown") ?? "");
    const joins = events.filter(({ type, node }) => type === "node.completed" && node === "said");
    expect(joins.map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3, 4]);
    const { body } = await api.post("/workflows/countdown/execute", { inputs: { from: 20 }, wait_ms: 30_000 });
    expect(body.outputs).toEqual(countdown(20));
  });

  const approvalOf = async (id: string) => (await api.get(`/runs/${id}/details`)).body.approvals[0];
  const decide = (approvalId: string, body: object) => api.post(`/approvals/${approvalId}/decide`, body);

  test("payment-approval: an approved payment is charged, a rejected one is told", async () => {
    const inputs = await save("payment-approval");
    const execute = async () => {
      const { run_id: id } = (await api.post("/workflows/payment-approval/execute", { inputs })).body;
      await api.until(id, (run) => run.status === "waiting");
      return { id, approval: await approvalOf(id) };
    };
    const yes = await execute();
    expect(yes.approval.message).toBe("Pay 1200 EUR to Acme Ltd?");
    await decide(yes.approval.approval_id, { decision: "approve" });
    expect((await api.end(yes.id)).outputs.receipt).toMatchObject({ payee: "Acme Ltd", charged: 1212 });
    const no = await execute();
    await decide(no.approval.approval_id, { decision: "reject", comments: "no order" });
    expect((await api.end(no.id)).outputs).toMatchObject({
      declined: { because: expect.stringContaining("no order") },
    });
  });

  test("order: the child asks, the carrier's event is matched, the order is closed", async () => {
    const inputs = await save("order");
    const { run_id: id } = (await api.post("/workflows/order/execute", { inputs })).body;
    await api.until(id, (run) => run.status === "waiting");
    const child = (await api.get(`/runs/${id}/details`)).body.node_executions.pay.child_run_id;
    await api.until(child, (run) => run.status === "waiting");
    // Early, and of another order: kept, and taken only where it matches.
    await api.post(`/runs/${id}/signals/delivered`, { order_id: "B-1", to: "gate 9" });
    await decide((await approvalOf(child)).approval_id, { decision: "approve" });
    await api.until(id, (run) => run.waiting_for?.[0]?.node === "delivered");
    await api.post(`/runs/${id}/signals/delivered`, { order_id: "A-17", to: "gate 2" });
    expect((await api.end(id)).outputs.closed).toMatchObject({
      order: "A-17",
      total: 1200,
      paid: { receipt: { charged: 1212 } },
      delivered_to: "gate 2",
    });
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
