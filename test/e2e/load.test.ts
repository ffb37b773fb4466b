/** Two thousand runs with fifty in flight: nothing lost, nothing twice. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inFlight } from "../support/in-flight.ts";
import { expectedOutputs, twelveNodes } from "../support/twelve-nodes.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { startWitness, type Witness } from "../support/witness-server.ts";

const RUNS = 2_000;
const IN_FLIGHT = 50;

let weir: WeirProcess;
let witness: Witness;

beforeAll(async () => {
  witness = await startWitness();
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
  const saved = await weir.api("POST", "/api/v1/workflows", { tag: "twelve", workflow: twelveNodes(witness.host) });
  expect(saved.status).toBe(201);
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

describe(`${RUNS} runs of twelve nodes, ${IN_FLIGHT} in flight`, () => {
  const ids = new Set<string>();

  test("all complete with the right outputs", async () => {
    const answers = await inFlight(RUNS, IN_FLIGHT, (n) =>
      weir.api("POST", "/api/v1/runs", { workflow: "twelve", inputs: { n }, wait_ms: 30_000 }),
    );
    answers.forEach(({ status, body }, n) => {
      expect(status).toBe(200);
      expect(body.status).toBe("completed");
      expect(body.outputs).toEqual(expectedOutputs(n));
      ids.add(body.run_id);
    });
    expect(ids.size).toBe(RUNS);
  });

  test("each HTTP effect came once, under its own key", () => {
    expect(witness.keys.size).toBe(2 * RUNS);
    expect([...witness.keys.values()].every((count) => count === 1)).toBe(true);
    for (const id of ids) {
      expect(witness.keys.has(`${id}/left/1`)).toBe(true);
      expect(witness.keys.has(`${id}/right/1`)).toBe(true);
    }
  });

  test("the list from D1 has each run exactly once, as completed, within two seconds", async () => {
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const listed: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await weir.api(
        "GET",
        `/api/v1/runs?limit=200&workflow=twelve&status=completed${cursor === null ? "" : `&cursor=${cursor}`}`,
      );
      expect(page.status).toBe(200);
      for (const item of page.body.items) listed.push(item.run_id);
      cursor = page.body.next_cursor;
    } while (cursor !== null);
    expect(listed).toHaveLength(RUNS);
    expect(new Set(listed)).toEqual(ids);
  });
});
