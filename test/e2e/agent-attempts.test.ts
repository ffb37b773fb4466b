/** What becomes of an agent's effects when its attempts are lost, replayed or remembered. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AgentWeir,
  answersOf,
  eventually,
  read,
  runWhen,
  save,
  start,
  startAgentWeir,
} from "../support/agent-weir.ts";
import { call, callTools, inOrder, say } from "../support/scripted-openai.ts";
import { answerOk, startWitness, type Witness } from "../support/witness-server.ts";

let witness: Witness;
let agents: AgentWeir;

beforeAll(async () => {
  witness = await startWitness(answerOk);
  agents = await startAgentWeir(inOrder(say("Hello.")), [witness.host]);
});
afterAll(async () => {
  await agents.stop();
  await witness.close();
});

const thinker = (config: object = {}) => ({
  nodes: [
    { id: "think", type: "agent", config: { task: "Think.", ...config }, timeout_ms: 60_000 },
    { id: "after", type: "transform", config: { expression: "output.text" } },
  ],
  edges: [{ from: "think", to: "after" }],
});

test("SIGKILL while another workflow does an agent's work: there is one run of it, and its answer arrives", async () => {
  await save(agents.weir, "signalled", {
    nodes: [{ id: "wait", type: "wait_for_event", config: { event: "go" } }],
    edges: [],
  });
  agents.model.script = (request) => {
    const [answer] = answersOf(request);
    if (answer !== undefined) return say(JSON.stringify(answer));
    return callTools([call("delegate_to_agent", { agent: "signalled", inputs: {} })]);
  };
  const id = await start(agents.weir, thinker());
  const children = async () => (await read(agents.weir, "/runs?workflow=signalled")).items;
  const [child] = await eventually(children, (runs) => runs.length > 0);
  await agents.weir.kill9Workerd();
  await agents.weir.waitForReady(2);
  await eventually(
    () => agents.weir.api("POST", `/api/v1/runs/${child.run_id}/signals/go`, { paid: true }),
    ({ status }) => status === 202,
  );
  expect(await runWhen(agents.weir, id)).toMatchObject({
    status: "completed",
    outputs: { after: '{"wait":{"paid":true}}' },
  });
  expect(await children()).toHaveLength(1);
});

describe("shadow replay", () => {
  test("tools with effects are not carried out, those that read are", async () => {
    const request = (method: string) =>
      call("execute_pipeline", { pipeline: [{ step: "http_request", url: `${witness.url}/${method}`, method }] });
    const operations = [{ op: "add", path: "/nodes/-", value: { id: "x", type: "parallel" } }];
    agents.model.script = (asked) => {
      const answers = answersOf(asked);
      if (answers.length > 0) return say(JSON.stringify(answers));
      const patch = call("patch_workflow", { patch_spec: { operations }, workflow_tag: "shadowed" });
      return callTools([request("GET"), request("POST"), patch]);
    };
    await save(agents.weir, "shadowed", thinker());
    const id = await start(agents.weir, "shadowed");
    await runWhen(agents.weir, id);
    const asked = () => witness.requests.map(({ method }) => method);
    expect(asked()).toEqual(["GET", "POST"]);
    const replay = await agents.weir.api("POST", `/api/v1/runs/${id}/replay`, { mode: "shadow" });
    expect(replay.status).toBe(202);
    const shadow = await runWhen(agents.weir, replay.body.run_id);
    expect(asked()).toEqual(["GET", "POST", "GET"]);
    const [, posted, proposed] = JSON.parse(shadow.outputs.after);
    expect([posted, proposed.error]).toEqual([null, expect.stringContaining("shadow")]);
  });
});

describe("result cache", () => {
  test("an answer that changed its run is made anew each time", async () => {
    const operations = [
      { op: "add", path: "/nodes/-", value: { id: "check", type: "transform", config: { expression: "output.lane" } } },
      { op: "add", path: "/edges/-", value: { from: "think", to: "check" } },
    ];
    agents.model.script = (request) =>
      answersOf(request).length > 0
        ? say("Done.")
        : callTools([call("patch_workflow", { patch_spec: { operations } })]);
    for (let i = 0; i < 2; i++) {
      const run = await runWhen(agents.weir, await start(agents.weir, thinker({ cache: { ttl_ms: 60_000 } })));
      expect(run).toMatchObject({ status: "completed", patch_seq: 1, outputs: { after: "Done.", check: "patch" } });
    }
    expect((await read(agents.weir, "/cache")).items).toEqual([]);
  });
});
