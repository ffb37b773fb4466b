/** Agents end to end, over HTTP and through the real SDK: what they can do, and what nobody talks them into. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type AgentText, Weir } from "weir/client";

import { startDataServer } from "../../examples/data-server.mjs";
import { readExamples } from "../../scripts/local-runtime/examples.mjs";
import {
  type AgentWeir,
  answersOf,
  contextOf,
  eventsOf,
  eventually,
  read,
  runWhen,
  save,
  start,
  startAgentWeir,
  taskOf,
} from "../support/agent-weir.ts";
import { call, callTools, inOrder, say } from "../support/scripted-openai.ts";
import { openSocket } from "../support/stream-reader.ts";
import { answerJson, startWitness, type Witness } from "../support/witness-server.ts";

const FOLDER = new URL("../../examples/", import.meta.url).pathname;

let data: Awaited<ReturnType<typeof startDataServer>>;
let witness: Witness;
let agents: AgentWeir;

beforeAll(async () => {
  data = await startDataServer();
  witness = await startWitness((request, response) =>
    answerJson(response, 200, request.url?.startsWith("/items") ? { items: [1, 2, 3] } : { done: request.url }),
  );
  agents = await startAgentWeir(inOrder(say("Hello.")), [`127.0.0.1:${data.port}`, witness.host]);
  for (const { tag, workflow } of await readExamples(FOLDER, data.url)) {
    if (tag.startsWith("agent-")) await save(agents.weir, tag, workflow);
  }
});
afterEach(() => {
  witness.requests.length = 0;
});
afterAll(async () => {
  await agents.stop();
  await witness.close();
  await data.close();
});

/** Edges from the agent to a successor, as the prompt shows them, led through a new node. */
function insertion(request: Parameters<typeof contextOf>[0], id: string, expression: string) {
  const { node, workflow } = contextOf(request);
  const index = workflow.edges.findIndex((edge: { from: string }) => edge.from === node);
  return [
    { op: "add", path: "/nodes/-", value: { id, type: "transform", config: { expression } } },
    { op: "add", path: "/edges/-", value: { from: node, to: id } },
    { op: "add", path: "/edges/-", value: { from: id, to: workflow.edges[index].to } },
    { op: "remove", path: `/edges/${index}` },
  ];
}

describe("the examples, with a provider", () => {
  test("agent-summary: the model is given the data and asked for the schema", async () => {
    agents.model.script = inOrder(say(JSON.stringify({ rows: 20, summary: "Twenty wet days." })));
    const before = agents.model.requests.length;
    const run = await runWhen(agents.weir, await start(agents.weir, "agent-summary", { data_url: data.url }));
    expect(run.outputs.report).toEqual({ days_of_heavy_rain: 20, summary: "Twenty wet days.", calls: 1 });
    const [request] = agents.model.requests.slice(before);
    expect(contextOf(request?.body as never).input).toHaveLength(20);
    expect(request?.body.response_format).toMatchObject({ type: "json_schema" });
    expect(request?.body.tools).toBeUndefined();
  });

  test("agent-patch: validate_schema runs between think and save, and everything shows it", async () => {
    const expression = "{'valid': output.text.startsWith('Two'), 'checked': output}";
    agents.model.script = (request) => {
      if (answersOf(request).length > 0) return say("Two earthquakes.");
      const operations = insertion(request, "validate_schema", expression);
      return callTools([call("patch_workflow", { patch_spec: { operations, description: "check it" } })]);
    };
    const id = await start(agents.weir, "agent-patch", { data_url: data.url });
    const run = await runWhen(agents.weir, id);
    expect(run).toMatchObject({
      status: "completed",
      patch_seq: 1,
      outputs: { save: { checked: true, lane: "patch" } },
    });
    const [, told] = agents.model.requests.slice(-2);
    expect(answersOf(told?.body as never)).toMatchObject([
      { applied: true, diff: expect.arrayContaining([expect.stringContaining("validate_schema")]) },
    ]);

    const details = await read(agents.weir, `/runs/${id}/details`);
    expect(details.definition.nodes.map((node: { id: string }) => node.id)).toContain("validate_schema");
    const edges = details.definition.edges.map(({ from, to }: { from: string; to: string }) => `${from}→${to}`);
    expect(edges).toEqual(expect.arrayContaining(["think→validate_schema", "validate_schema→save"]));
    expect(edges).not.toContain("think→save");
    const [patch] = (await read(agents.weir, `/runs/${id}/patches`)).items;
    expect(patch).toMatchObject({ seq: 1, status: "applied", source: "agent", node: "think", description: "check it" });
    expect(patch.operations).toHaveLength(4);
    const events = await eventsOf(agents.weir, id);
    const seq = (type: string, node?: string) => events.find((e) => e.type === type && e.node === node)?.seq;
    const proposed = events.find((event) => event.type === "patch.proposed");
    expect(proposed.summary).toEqual(expect.arrayContaining([expect.stringContaining("validate_schema")]));
    const order = [
      proposed.seq,
      seq("patch.applied"),
      seq("node.completed", "validate_schema"),
      seq("node.started", "save"),
    ];
    expect(order).toEqual([...order].sort((left, right) => left - right));
    // The stored workflow is as its author wrote it.
    expect((await read(agents.weir, "/workflows/agent-patch")).version).toBe(1);
  });

  test("agent-delegation: the child's outputs reach the parent's model, and each run names the other's node", async () => {
    agents.model.script = (request) => {
      if (!taskOf(request).startsWith("Delegate")) return say(JSON.stringify({ rows: 20, summary: "Wet." }));
      const [answer] = answersOf(request);
      if (answer !== undefined) return say(`It found ${answer.report.days_of_heavy_rain}.`);
      return callTools([call("delegate_to_agent", { agent: "agent-summary", inputs: { data_url: data.url } })]);
    };
    const id = await start(agents.weir, "agent-delegation", { data_url: data.url });
    const run = await runWhen(agents.weir, id);
    expect(run.outputs.report).toEqual({ delegated: ["delegate_to_agent: done"], text: "It found 20." });
    const [child] = await childrenOf(id, "agent-summary", 1);
    expect(child).toMatchObject({ status: "completed", trigger: "agent", parent: { run_id: id, node: "manager" } });
  });
});

async function childrenOf(parent: string, workflow: string, count: number) {
  return eventually(
    async () => {
      const { items } = await read(agents.weir, `/runs?workflow=${workflow}&limit=200`);
      const runs = await Promise.all(
        items.map(({ run_id }: { run_id: string }) => read(agents.weir, `/runs/${run_id}`)),
      );
      return runs.filter((run) => run.parent?.run_id === parent);
    },
    (runs) => runs.length >= count,
  );
}

describe("what a model writes", () => {
  test("is heard while it writes by those who watch, over both transports, and the log is the same as without", async () => {
    const words = Array.from({ length: 80 }, (_, index) => `word ${index}, `).join("");
    agents.model.script = inOrder(say(words, { paceMs: 10 }));
    const flow = {
      nodes: [
        { id: "wait", type: "wait_for_event", config: { event: "go" } },
        { id: "write", type: "agent", config: { task: "Write.", tools: [] } },
      ],
      edges: [{ from: "wait", to: "write" }],
    };
    const id = await start(agents.weir, flow);
    const heard: AgentText[] = [];
    const client = new Weir({ url: agents.weir.url, key: agents.weir.key });
    const events: number[] = [];
    const watching = (async () => {
      for await (const { seq } of client.runs.stream(id, { onText: (text) => heard.push(text) })) events.push(seq);
    })();
    const frames: { type: string; seq?: number; text?: string }[] = [];
    const socket = openSocket(agents.weir, `/api/v1/runs/${id}/stream`);
    socket.addEventListener("message", ({ data }) => frames.push(JSON.parse(data as string)));
    await eventually(
      async () => [events.length, frames.length],
      ([one, other]) => one > 0 && other > 0,
    );
    await agents.weir.api("POST", `/api/v1/runs/${id}/signals/go`, {});
    await watching;

    // Told more than once, and nothing of it is missing or told twice.
    expect(heard.length).toBeGreaterThan(2);
    expect(heard[0]).toMatchObject({ type: "agent.text", node: "write", visit: 1, attempt: 1, turn: 1, offset: 0 });
    let text = "";
    for (const piece of heard) {
      expect(piece.offset).toBe(text.length);
      text += piece.text;
    }
    expect(text).toBe(words);
    const log = (await eventsOf(agents.weir, id)).map(({ seq }) => seq);
    expect(events).toEqual(log);
    await eventually(
      async () => frames.at(-1)?.type,
      (type) => type === "run.completed",
    );
    expect(frames.flatMap(({ seq }) => seq ?? [])).toEqual(log);
    const isText = (frame: { type: string }) => frame.type === "agent.text";
    expect(
      frames
        .filter(isText)
        .map((frame) => frame.text)
        .join(""),
    ).toBe(words);
    expect(frames.findIndex(isText)).toBeGreaterThan(0);
    expect(frames.findLastIndex(isText)).toBeLessThan(frames.length - 1);
  });
});

describe("delegation", () => {
  test("a workflow that hands on to itself ends at the bound of depth", async () => {
    const task = "Hand on.";
    await save(agents.weir, "abyss", {
      nodes: [{ id: "dig", type: "agent", config: { task, tools: ["delegate_to_agent"] }, timeout_ms: 60_000 }],
      edges: [],
    });
    let refused = 0;
    agents.model.script = (request) => {
      const [answer] = answersOf(request);
      if (answer === undefined) return callTools([call("delegate_to_agent", { agent: "abyss", inputs: {} })]);
      if (answer.error !== undefined) refused += 1;
      return say("Done.");
    };
    const before = agents.model.requests.length;
    const run = await runWhen(agents.weir, await start(agents.weir, "abyss"));
    expect(run.status).toBe("completed");
    expect(refused).toBe(1);
    // Nine runs, one within the other, of two calls each.
    expect(agents.model.requests.length - before).toBe(18);
  });

  test("what the other workflow does not take, and one that is not there, is told to the model", async () => {
    agents.model.script = (request) => {
      const answers = answersOf(request);
      if (answers.length > 0) return say(answers.map(({ error }) => error).join(" | "));
      return callTools([
        call("delegate_to_agent", { agent: "agent-summary", inputs: { city: "Seattle" } }),
        call("delegate_to_agent", { agent: "nobody", inputs: {} }),
      ]);
    };
    const run = await runWhen(agents.weir, await start(agents.weir, "agent-delegation", { data_url: data.url }));
    expect(run.outputs.report.delegated).toEqual(["delegate_to_agent: refused", "delegate_to_agent: refused"]);
    expect(run.outputs.report.text).toMatch(/do not fit the schema.*data_url.*\| there is no workflow "nobody"/);
  });

  test("a cancelled run takes the run of its agent with it", async () => {
    await save(agents.weir, "sleeper", {
      nodes: [{ id: "sleep", type: "delay", config: { duration_ms: 600_000 } }],
      edges: [],
    });
    agents.model.script = inOrder(callTools([call("delegate_to_agent", { agent: "sleeper", inputs: {} })]));
    const id = await start(agents.weir, "agent-delegation", { data_url: data.url });
    const [child] = await childrenOf(id, "sleeper", 1);
    expect(child.status).toBe("waiting");
    await agents.weir.api("POST", `/api/v1/runs/${id}/cancel`);
    expect(await runWhen(agents.weir, child.run_id)).toMatchObject({ status: "cancelled" });
  });
});

describe("patches", () => {
  test("a refused one is answered with reasons and an example, and a better one is taken", async () => {
    agents.model.script = (request) => {
      const answers = answersOf(request);
      if (answers.length === 2) return say("Checked.");
      const better = insertion(request, "check", "{'valid': true}");
      const operations = answers.length === 0 ? [{ op: "remove", path: "/nodes/0" }] : better;
      return callTools([call("patch_workflow", { patch_spec: { operations } })]);
    };
    const id = await start(agents.weir, "agent-patch", { data_url: data.url });
    expect(await runWhen(agents.weir, id)).toMatchObject({ status: "completed", patch_seq: 2 });
    const [answer] = answersOf(agents.model.requests.at(-1)?.body as never);
    expect(answer.error).toContain("an agent may");
    expect(answer.example).toMatchObject([
      { op: "add", path: "/nodes/-" },
      { op: "add", path: "/edges/-" },
    ]);
    const { items } = await read(agents.weir, `/runs/${id}/patches`);
    expect(items.map(({ status }: { status: string }) => status)).toEqual(["rejected", "applied"]);
  });

  test("one that a gated workflow keeps for a human is told to be kept, and waits", async () => {
    const examples = await readExamples(FOLDER, data.url);
    const { workflow } = examples.find(({ tag }) => tag === "agent-patch") ?? {};
    await save(agents.weir, "gated", { ...workflow, metadata: { patch_policy: "gated" } });
    agents.model.script = (request) => {
      if (answersOf(request).length > 0) return say("Done.");
      return callTools([
        call("patch_workflow", { patch_spec: { operations: insertion(request, "check", "{'valid': true}") } }),
      ]);
    };
    const id = await start(agents.weir, "gated", { data_url: data.url });
    expect(await runWhen(agents.weir, id)).toMatchObject({ status: "completed", patch_seq: 0 });
    expect(answersOf(agents.model.requests.at(-1)?.body as never)).toMatchObject([{ applied: false }]);
    expect((await read(agents.weir, `/runs/${id}/patches`)).items).toMatchObject([{ status: "proposed" }]);
  });

  test("a change of a stored workflow waits for a human, and becomes its next version", async () => {
    await save(agents.weir, "stored", { nodes: [{ id: "a", type: "parallel" }], edges: [] });
    const operations = (id: string) => [
      { op: "add", path: "/nodes/-", value: { id, type: "parallel" } },
      { op: "add", path: "/edges/-", value: { from: "a", to: id } },
    ];
    const patch = (spec: object[]) =>
      call("patch_workflow", { patch_spec: { operations: spec, description: "better" }, workflow_tag: "stored" });
    agents.model.script = (request) => {
      const answers = answersOf(request);
      if (answers.length > 0) return say(JSON.stringify(answers));
      return callTools([patch(operations("b")), patch(operations("c")), patch([{ op: "remove", path: "/nodes/7" }])]);
    };
    const run = await runWhen(agents.weir, await start(agents.weir, "agent-patch", { data_url: data.url }));
    const [b, c, bad] = JSON.parse(run.outputs.save.text);
    expect(bad.error).toContain("/operations");
    // An agent's own lane is not changed by what others may do one day.
    expect(run.patch_seq).toBe(0);
    const proposals = "/workflows/stored/proposals";
    const { items } = await read(agents.weir, `${proposals}?status=pending`);
    expect(items).toHaveLength(2);
    expect(items.find((item: { proposal_id: string }) => item.proposal_id === b.proposal_id)).toMatchObject({
      tag: "stored",
      description: "better",
      node_id: "think",
      run_id: run.run_id,
      summary: expect.arrayContaining([expect.stringContaining("b")]),
    });
    expect((await read(agents.weir, "/workflows/stored")).version).toBe(1);

    const decide = (id: string, body: object) => agents.weir.api("POST", `/api/v1${proposals}/${id}/decide`, body);
    expect(await decide(b.proposal_id, { decision: "reject" })).toMatchObject({ status: 422 });
    expect(await decide(b.proposal_id, { decision: "approve" })).toMatchObject({
      status: 200,
      body: { status: "approved", version: 2 },
    });
    const stored = await read(agents.weir, "/workflows/stored");
    expect([stored.version, stored.workflow.nodes.map((node: { id: string }) => node.id)]).toEqual([2, ["a", "b"]]);
    expect(await decide(b.proposal_id, { decision: "approve" })).toMatchObject({ status: 409 });
    // It was made for what the workflow was before.
    expect(await decide(c.proposal_id, { decision: "approve" })).toMatchObject({ status: 409 });
    expect(await decide(c.proposal_id, { decision: "reject", comments: "too late" })).toMatchObject({
      status: 200,
      body: { status: "rejected", comments: "too late", version: null },
    });
    expect(await decide("wpr_none", { decision: "approve" })).toMatchObject({ status: 404 });
  });
});
