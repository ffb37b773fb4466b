/** What a new user sees: `npm start` runs the example on real data, and a workflow of one's own runs too. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startDataServer } from "../../examples/data-server.mjs";
import { expectedOutputs } from "../../examples/flight-delays.expected.mjs";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

let state: string;
let weir: WeirProcess;
/** Worked out from the datasets by plain JavaScript. */
let expected: object;

beforeAll(async () => {
  const data = await startDataServer();
  const read = async (name: string) => (await fetch(`${data.url}${name}`)).json();
  expected = expectedOutputs(await read("/flights.json"), await read("/weather.json"));
  await data.close();
  state = await mkdtemp(path.join(os.tmpdir(), "weir-start-"));
  weir = await startWeir({ state, env: { WEIR_EXAMPLES: "1" } });
});

afterAll(async () => {
  await weir.stop();
  await rm(state, { recursive: true, force: true });
});

async function exampleRuns() {
  for (;;) {
    const { body } = await weir.api("GET", "/api/v1/runs?workflow=flight-delays&status=completed");
    if (body.items.length > 0) return body.items;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe("npm start", () => {
  test("runs the example; its results equal plain computation from the dataset", async () => {
    const [run] = await exampleRuns();
    const { body } = await weir.api("GET", `/api/v1/runs/${run.run_id}`);
    expect(body.outputs).toEqual(expected);
  });

  test("prints its timeline: every node with type, wait, execution and status", async () => {
    await exampleRuns();
    const until = Date.now() + 5_000;
    while (!weir.output().includes("run it again") && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const output = weir.output();
    expect(output).toMatch(/^node +type +wait +execution +status$/m);
    expect(output).toMatch(/^fetch_flights +http +\d+ ms +\d+ ms +completed +[·█ ]+$/m);
    expect(output).toMatch(/^mild +transform +skipped/m);
    expect(output).toContain(`Bearer ${weir.key}`);
  });

  test("keeps the operator key for its owner alone", async () => {
    const file = path.join(state, "operator-key");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file, "utf8")).trim()).toMatch(/^weir_[A-Za-z0-9_-]{43}$/);
  });

  test("says how every node was measured", async () => {
    const [run] = await exampleRuns();
    const { body } = await weir.api("GET", `/api/v1/runs/${run.run_id}/details`);
    const fetched = body.node_executions.fetch_flights;
    expect(fetched.metrics.total_duration_ms).toBe(fetched.metrics.queue_time_ms + fetched.metrics.execution_time_ms);
    expect(fetched.metrics.bytes_in).toBeGreaterThan(100_000);
    expect(fetched.metrics.system.os).toBe(os.platform());
    expect(fetched.output.status_code).toBe(200);
  });

  test("a second start on the same state keeps runs, workflows and the key", async () => {
    const [run] = await exampleRuns();
    const { key } = weir;
    expect(await weir.stop()).toBe(0);
    weir = await startWeir({ state });
    expect(weir.key).toBe(key);
    const { body } = await weir.api("GET", `/api/v1/runs/${run.run_id}`);
    expect(body.outputs).toEqual(expected);
    expect((await weir.api("GET", "/api/v1/workflows/flight-delays")).status).toBe(200);
  });
});
