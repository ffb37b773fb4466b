/** Slow and hanging servers: they hold up their own nodes and nobody else's; large answers hold up no one at all. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inFlight } from "../support/in-flight.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerJson, answerOk, startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    const url = new URL(request.url ?? "/", "http://x");
    if (url.pathname === "/hang") return;
    if (url.pathname === "/large") answerJson(response, 200, "x".repeat(5_000_000));
    else answerOk(request, response);
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const call = (id: string, path: string, more: object = {}) => ({
  id,
  type: "http",
  config: { url: `${witness.url}${path}` },
  retry: { max_attempts: 1 },
  ...more,
});

async function start(definition: object, waitMs = 0) {
  const { body } = await weir.api("POST", "/api/v1/runs", { definition, wait_ms: waitMs });
  return body;
}

describe("a hanging server", () => {
  test("does not hold up other runs, however many wait for it", async () => {
    const hanging = { nodes: [call("hang", "/hang", { timeout_ms: 20_000 })] };
    const stuck = await inFlight(60, 20, () => start(hanging));
    // By then every hanging task has let go of its batch.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const quick = await inFlight(20, 5, () => start({ nodes: [call("quick", "/quick")] }, 4_000));
    for (const run of quick) expect(run.status).toBe("completed");
    for (const run of stuck) {
      const { body } = await weir.api("GET", `/api/v1/runs/${run.run_id}`);
      expect(body.status).toBe("running");
      expect((await weir.api("POST", `/api/v1/runs/${run.run_id}/cancel`)).status).toBe(202);
      expect((await weir.api("GET", `/api/v1/runs/${run.run_id}`)).body.status).toBe("cancelled");
    }
  });

  test("fails its node as a timeout, and the run's other end is reached by the failure edge", async () => {
    const run = await start(
      {
        nodes: [
          call("hang", "/hang", { timeout_ms: 1_000 }),
          { id: "gone", type: "transform", config: { expression: "output.code" } },
        ],
        edges: [{ from: "hang", to: "gone", on: "failure" }],
      },
      10_000,
    );
    expect(run.outputs).toEqual({ gone: "timeout" });
  });
});

describe("large answers", () => {
  test("five megabytes through five hundred pass-through nodes are kept once, and neighbours go on", async () => {
    const ids = Array.from({ length: 500 }, (_, index) => `p${index}`);
    const definition = {
      nodes: [
        call("large", "/large"),
        ...ids.map((id) => ({ id, type: "conditional" })),
        { id: "z", type: "transform", config: { expression: "1" } },
      ],
      edges: ids.flatMap((id) => [
        { from: "large", to: id },
        { from: id, to: "z" },
      ]),
    };
    const large = start(definition, 20_000);
    const neighbours = await inFlight(20, 2, () =>
      start({ nodes: [{ id: "a", type: "transform", config: { expression: "1" } }] }, 5_000),
    );
    for (const run of neighbours) expect(run.status).toBe("completed");
    expect(await large).toMatchObject({ status: "completed", outputs: { z: 1 } });
  });

  test("a run keeps at most so much: beyond it the node fails and says so", async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `copy${index}`);
    const definition = {
      nodes: [
        call("large", "/large"),
        ...ids.map((id) => ({ id, type: "transform", config: { expression: "[output.body]" } })),
      ],
      edges: ids.map((id) => ({ from: "large", to: id })),
    };
    const run = await start(definition, 20_000);
    expect(run).toMatchObject({ status: "failed", error: { code: "output_too_large" } });
  });

  test("outputs too large for one answer are named, and every route still answers", async () => {
    const ids = Array.from({ length: 7 }, (_, index) => `large${index}`);
    const key = { "Idempotency-Key": "large" };
    const order = { definition: { nodes: ids.map((id) => call(id, "/large")) }, wait_ms: 30_000 };
    const { status, body } = await weir.api("POST", "/api/v1/runs", order, key);
    expect({ status, run: body.status }).toEqual({ status: 200, run: "completed" });
    expect(Object.keys(body.outputs).length + Object.keys(body.outputs_omitted).length).toBe(7);
    expect(Object.keys(body.outputs).length).toBeGreaterThan(0);
    for (const suffix of ["", "/details", "/events"]) {
      expect((await weir.api("GET", `/api/v1/runs/${body.run_id}${suffix}`)).status).toBe(200);
    }
    expect((await weir.api("POST", `/api/v1/runs/${body.run_id}/cancel`)).status).toBe(409);
    expect((await weir.api("POST", "/api/v1/runs", order, key)).headers.get("idempotent-replay")).toBe("true");
  });
});
