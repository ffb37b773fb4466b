/** SIGKILL while runs of every kind wait: all of them go on, end as they should, and do nothing twice. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerOk, startWitness, type Witness } from "../support/witness-server.ts";

const EACH = 5;
const DELAY_MS = 6_000;
/** A map of six items, two at once, is under way for three times as long. */
const ITEM_MS = 1_500;

let weir: WeirProcess;
let witness: Witness;
const api = follow(() => weir);

beforeEach(async () => {
  witness = await startWitness((request, response) => {
    const isItem = request.url?.startsWith("/map/") ?? false;
    setTimeout(() => answerOk(request, response), isItem ? ITEM_MS : 30);
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

afterEach(async () => {
  await weir.stop();
  await witness.close();
});

const edge = (from: string, to: string) => ({ from, to });
const wait = (id: string) => ({ id, type: "wait_for_event", config: { event: "go" } });

/** Workflows that wait, by what they wait for. */
const workflows = () => ({
  delay: { nodes: [{ id: "d", type: "delay", config: { duration_ms: DELAY_MS } }] },
  approval: { nodes: [{ id: "ask", type: "hitl", config: { message: "Go on?", quorum: 2 } }] },
  expiry: {
    nodes: [{ id: "ask", type: "hitl", config: { message: "?", timeout_ms: DELAY_MS, on_timeout: "approve" } }],
  },
  event: { nodes: [wait("w")] },
  child: { nodes: [{ id: "sub", type: "workflow", config: { workflow: "waits" } }] },
  map: {
    nodes: [
      {
        id: "m",
        type: "map",
        config: {
          items: ["a", "b", "c", "d", "e", "f"],
          concurrency: 2,
          node: { type: "http", config: { url: `${witness.url}/map/\${$run.id}/\${$item}` } },
        },
      },
    ],
  },
  loop: {
    nodes: [
      { id: "step", type: "http", config: { url: `${witness.url}/loop/\${$run.id}/\${$iteration}` } },
      { id: "pause", type: "delay", config: { duration_ms: 1_000 } },
      { id: "again", type: "loop", config: { max_iterations: 6, loop_back_to: "step" } },
    ],
    edges: [edge("step", "pause"), edge("pause", "again")],
  },
});

type Kind = keyof ReturnType<typeof workflows>;

async function startAll(): Promise<Map<Kind, string[]>> {
  await api.post("/workflows", { tag: "waits", workflow: { nodes: [wait("w")] } });
  const started = new Map<Kind, string[]>();
  for (const [kind, workflow] of Object.entries(workflows())) {
    const saved = await api.post("/workflows", { tag: kind, workflow });
    expect([kind, saved.status, saved.body.error]).toEqual([kind, 201, undefined]);
    const runs = Array.from({ length: EACH }, () => ({ workflow: kind }));
    const { body } = await api.post("/runs/batch", { runs });
    started.set(
      kind as Kind,
      body.items.map((item: { run: { run_id: string } }) => item.run.run_id),
    );
  }
  return started;
}

const detailsOf = async (id: string) => (await api.get(`/runs/${id}/details`)).body;

async function survive(kill: () => Promise<void>): Promise<void> {
  const started = await startAll();
  const idsOf = (kind: Kind) => started.get(kind) ?? [];
  const voters = await Promise.all(
    [1, 2].map(async () => (await api.post("/keys", { name: "v", scopes: ["approve"] })).body.key as string),
  );
  const vote = async (id: string, key: string | undefined) => {
    const { approvals } = await detailsOf(id);
    const headers = { authorization: `Bearer ${key}` };
    return api.post(`/approvals/${approvals[0].approval_id}/decide`, { decision: "approve" }, headers);
  };
  // Half of what is needed comes before, the other half after.
  for (const id of idsOf("approval")) expect((await vote(id, voters[0])).body.status).toBe("pending");
  const children = await Promise.all(
    idsOf("child").map(async (id) => (await detailsOf(id)).node_executions.sub.child_run_id as string),
  );
  await kill();
  for (const id of idsOf("approval")) {
    expect((await vote(id, voters[0])).status).toBe(409);
    expect((await vote(id, voters[1])).body.status).toBe("approved");
  }
  for (const id of [...idsOf("event"), ...children]) {
    expect((await api.post(`/runs/${id}/signals/go`, { n: 7 })).status).toBe(202);
  }

  const outputs: Record<Kind, (run: { outputs: Record<string, unknown> }) => void> = {
    delay: ({ outputs }) => expect((outputs.d as { waited_ms: number }).waited_ms).toBeGreaterThanOrEqual(DELAY_MS),
    approval: ({ outputs }) => expect(outputs.ask).toMatchObject({ approved: true, votes: [{}, {}] }),
    expiry: ({ outputs }) => expect(outputs.ask).toMatchObject({ approved: true, votes: [] }),
    event: ({ outputs }) => expect(outputs).toEqual({ w: { n: 7 } }),
    child: ({ outputs }) => expect(outputs).toEqual({ sub: { w: { n: 7 } } }),
    map: ({ outputs }) => {
      const paths = (outputs.m as { body: { path: string } }[]).map(({ body }) => body.path.split("/").at(-1));
      expect(paths).toEqual(["a", "b", "c", "d", "e", "f"]);
    },
    loop: ({ outputs }) => expect(outputs.again).toMatchObject({ loop: { iteration: 5, outcome: "exhausted" } }),
  };
  for (const [kind, ids] of started) {
    for (const id of ids) {
      const run = await api.end(id);
      expect([kind, run.status, run.error]).toEqual([kind, "completed", undefined]);
      outputs[kind](run);
      const events = await api.events(id);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      expect(events.filter(({ type }) => type === "run.completed")).toHaveLength(1);
    }
  }
  // Effects may be asked for again after a kill, always under the key of their visit; no pass and no item is left out.
  const expected = [
    ...idsOf("loop").flatMap((id) => Array.from({ length: 6 }, (_, pass) => `${id}/step/${pass + 1}`)),
    ...idsOf("map").flatMap((id) => Array.from({ length: 6 }, (_, index) => `${id}/m[${index}]/1`)),
  ];
  expect(new Set(witness.keys.keys())).toEqual(new Set(expected));
}

describe("SIGKILL while runs wait for time, people, events, children, items and passes", () => {
  test("of workerd: it comes back and every run goes on", async () => {
    await survive(async () => {
      await weir.kill9Workerd();
      await weir.waitForReady(2);
    });
  });

  test("of the whole runtime, down until timers were due: the next start goes on", async () => {
    await survive(async () => {
      await weir.kill9All();
      await sleep(DELAY_MS);
      const env = { WEIR_ALLOW_PRIVATE_HOSTS: witness.host };
      weir = await startWeir({ state: weir.state, port: Number(new URL(weir.url).port), env });
    });
  });
});
