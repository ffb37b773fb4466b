/** SIGKILL in the middle of two hundred runs: of workerd alone, and of the whole runtime. Nothing accepted is lost. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inFlight } from "../support/in-flight.ts";
import { expectedOutputs, twelveNodes } from "../support/twelve-nodes.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerOk, startWitness, type Witness } from "../support/witness-server.ts";

const RUNS = 200;
const KILL_AFTER_ACCEPTED = 60;
const ANSWER_MS = 30;
const END_WAIT_MS = 60_000;

let weir: WeirProcess;
let witness: Witness;

beforeEach(async () => {
  witness = await startWitness((request, response) => setTimeout(() => answerOk(request, response), ANSWER_MS));
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
  await weir.api("POST", "/api/v1/workflows", { tag: "twelve", workflow: twelveNodes(witness.host) });
});

afterEach(async () => {
  await weir.stop();
  await witness.close();
});

/** Posts run `n` under its key until it is accepted, as a client with retries would. */
async function startRun(n: number): Promise<{ runId: string; replayed: boolean }> {
  for (;;) {
    try {
      const headers = { "Idempotency-Key": `key-${n}` };
      const answer = await weir.api("POST", "/api/v1/runs", { workflow: "twelve", inputs: { n } }, headers);
      if (answer.status === 202 || answer.status === 200) {
        return { runId: answer.body.run_id, replayed: answer.headers.get("idempotent-replay") === "true" };
      }
      expect(answer.status).toBeGreaterThanOrEqual(500);
    } catch {
      // Nobody listens at the moment.
    }
    await sleep(50);
  }
}

async function endOf(runId: string): Promise<{ status: string; outputs: object }> {
  const until = Date.now() + END_WAIT_MS;
  for (;;) {
    const { body } = await weir.api("GET", `/api/v1/runs/${runId}`);
    if (body.ended_at !== null) return body;
    if (Date.now() > until) throw new Error(`${runId} is still ${body.status}: ${JSON.stringify(body)}`);
    await sleep(50);
  }
}

/** Starts the runs, kills once some are accepted, and checks that all end and that every key still names its run. */
async function survive(kill: () => Promise<void>): Promise<void> {
  let accepted = 0;
  let killed: Promise<void> | undefined;
  const started = await inFlight(RUNS, 20, async (n) => {
    const run = await startRun(n);
    accepted += 1;
    if (accepted === KILL_AFTER_ACCEPTED) killed = kill();
    return run;
  });
  await killed;
  const runs = await inFlight(RUNS, 20, (n) => endOf(started[n]?.runId ?? ""));
  runs.forEach((run, n) => {
    expect(run).toMatchObject({ status: "completed", outputs: expectedOutputs(n) });
  });
  const again = await inFlight(RUNS, 20, (n) => startRun(n));
  again.forEach((run, n) => {
    expect(run).toEqual({ runId: started[n]?.runId, replayed: true });
  });
  expect(new Set(started.map((run) => run.runId)).size).toBe(RUNS);
  // Effects are asked for at least once, always under the key of their visit.
  const expected = started.flatMap((run) => [`${run.runId}/left/1`, `${run.runId}/right/1`]);
  expect(new Set(witness.keys.keys())).toEqual(new Set(expected));
}

describe("SIGKILL in the middle of two hundred runs", () => {
  test("of workerd: it comes back on the same port and every run completes", async () => {
    await survive(async () => {
      await weir.kill9Workerd();
      await weir.waitForReady(2);
    });
  });

  test("of the whole runtime: the next start goes on", async () => {
    await survive(async () => {
      await weir.kill9All();
      const port = Number(new URL(weir.url).port);
      const env = { WEIR_ALLOW_PRIVATE_HOSTS: witness.host };
      weir = await startWeir({ state: weir.state, port, env });
    });
  });
});
