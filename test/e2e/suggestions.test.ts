/**
 * Suggestions end to end: a workflow is validated, the patch of each suggestion is applied by the playground, and both
 * versions run on a real Weir, with a server outside as the witness of what they asked for.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OpenApi } from "../support/openapi.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerJson, startWitness, type Witness } from "../support/witness-server.ts";

interface Suggestion {
  kind: string;
  nodes: string[];
  patch: object[];
  saves?: { requests?: number };
}

let weir: WeirProcess;
let witness: Witness;

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    const path = request.url ?? "";
    answerJson(response, path.startsWith("/missing") ? 404 : 200, { path, length: path.length });
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const get = (id: string, path = `/${id}`, more: object = {}) => ({
  id,
  type: "http",
  config: { url: `${witness.url}${path}`, ...more },
});
const value = (id: string, expression: string) => ({ id, type: "transform", config: { expression } });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });

async function validate(workflow: unknown) {
  const answer = await weir.api("POST", "/api/v1/workflows/validate", workflow);
  expect(answer).toMatchObject({ status: 200, body: { valid: true, errors: [] } });
  return answer.body as { suggestions: Suggestion[]; warnings: object[]; summary: { critical_path: string[] } };
}

async function patched(document: unknown, { patch }: Suggestion): Promise<unknown> {
  const answer = await weir.api("POST", "/api/v1/eval/patch", { document, operations: patch });
  expect(answer.status).toBe(200);
  return answer.body.result;
}

/** How a run ended, and what arrived at the witness meanwhile. */
async function run(definition: unknown, inputs: object) {
  const before = witness.requests.length;
  const answer = await weir.api("POST", "/api/v1/runs", { definition, inputs, wait_ms: 30_000 });
  expect(answer.status).toBe(200);
  const { status, outputs, error } = answer.body;
  const requests = witness.requests.slice(before).map(({ method, url, body }) => `${method} ${url} ${body}`);
  return { status, outputs, error: error?.node, requests: requests.sort() };
}

/** Two requests in a row, one made twice, a branch for the failure of what cannot fail, and an order that depends on all. */
const shop = () => ({
  nodes: [
    { id: "begin", type: "parallel" },
    get("user", "/user"),
    get("prices", "/prices"),
    value("offer", "{'for': nodes.user.body.path, 'of': output.body.length}"),
    get("stock", "/stock"),
    get("stock_again", "/stock"),
    value("left", "output.body.length"),
    value("shown", "[output.body.path]"),
    get("order", "/order", { method: "POST", payload: { offer: "$nodes.offer", left: "$nodes.left" } }),
    value("receipt", "{'ok': output.body.path, 'shown': nodes.shown}"),
    get("alarm", "/alarm", { method: "POST" }),
    value("alarmed", "output.status_code"),
  ],
  edges: [
    edge("begin", "user"),
    edge("begin", "stock"),
    edge("begin", "stock_again"),
    edge("user", "prices"),
    edge("prices", "offer"),
    edge("stock", "left"),
    edge("stock_again", "shown"),
    edge("offer", "order"),
    edge("left", "order"),
    edge("shown", "order"),
    edge("order", "receipt"),
    edge("begin", "alarm", { on: "failure" }),
    edge("alarm", "alarmed"),
  ],
});

describe("suggestions", () => {
  test("each names what it is about, and the answer fits its schema", async () => {
    const { suggestions, warnings, summary } = await validate(shop());
    expect(suggestions.map(({ kind, nodes }) => [kind, nodes])).toEqual([
      ["dead_branch", ["alarm", "alarmed"]],
      ["duplicate_work", ["stock", "stock_again"]],
      ["parallel_requests", ["user", "prices"]],
      ["critical_path", ["begin", "user", "prices", "offer", "order", "receipt"]],
    ]);
    expect(warnings).toEqual([{ pointer: "/nodes/10", message: expect.stringContaining("can never run") }]);
    expect(summary.critical_path).toEqual(["begin", "user", "prices", "offer", "order", "receipt"]);

    const api = new OpenApi((await weir.api("GET", "/openapi.json")).body);
    const operation = api.operations.find(({ path }) => path === "/api/v1/workflows/validate");
    if (operation === undefined) throw new Error("the route is documented");
    const answer = await weir.api("POST", "/api/v1/workflows/validate", shop());
    expect(api.judge(operation, 200, "application/json", JSON.stringify(answer.body))).toBeNull();
  });

  test("the patched version of each runs as the original does", async () => {
    const workflow = shop();
    const before = await run(workflow, {});
    expect(before.status).toBe("completed");
    const { suggestions } = await validate(workflow);
    for (const suggestion of suggestions) {
      const after = await run(await patched(workflow, suggestion), {});
      const saved = suggestion.saves?.requests ?? 0;
      expect({ ...after, requests: [] }).toEqual({ ...before, requests: [] });
      expect(after.requests).toHaveLength(before.requests.length - saved);
      expect(new Set(after.requests)).toEqual(new Set(before.requests));
    }
  });

  test("one after the other they lead to a workflow without any, which runs as the original does", async () => {
    const before = await run(shop(), {});
    let workflow: unknown = shop();
    const taken: string[] = [];
    for (let next = (await validate(workflow)).suggestions[0]; next; next = (await validate(workflow)).suggestions[0]) {
      taken.push(next.kind);
      workflow = await patched(workflow, next);
    }
    expect(taken).toEqual(["dead_branch", "duplicate_work", "parallel_requests"]);
    const after = await run(workflow, {});
    expect({ ...after, requests: [] }).toEqual({ ...before, requests: [] });
    const fewer = [...before.requests];
    fewer.splice(fewer.indexOf("GET /stock "), 1);
    expect(after.requests).toEqual(fewer);
    const stored = await weir.api("POST", "/api/v1/workflows", { tag: "shop", workflow });
    expect(stored.status).toBe(201);
  });

  test("a request that a loop repeats is made once when its answer is cached", async () => {
    const workflow = {
      nodes: [
        get("rate", "/rate"),
        value("price", "output.body.length * (iteration + 1)"),
        { id: "again", type: "loop", config: { max_iterations: 3, loop_back_to: "rate" } },
        value("last", "nodes.price"),
      ],
      edges: [edge("rate", "price"), edge("price", "again"), edge("again", "last")],
    };
    const before = await run(workflow, {});
    expect(before).toMatchObject({ status: "completed", outputs: { last: 15 } });
    expect(before.requests).toHaveLength(3);
    const [suggestion] = (await validate(workflow)).suggestions;
    expect(suggestion).toMatchObject({ kind: "cacheable", nodes: ["rate"], saves: { requests: 2 } });
    if (suggestion === undefined) throw new Error("it is suggested");
    const after = await run(await patched(workflow, suggestion), {});
    expect({ ...after, requests: [] }).toEqual({ ...before, requests: [] });
    expect(after.requests).toEqual(["GET /rate "]);
  });

  test("when a request fails both versions fail by it, and neither orders anything", async () => {
    const workflow = JSON.parse(JSON.stringify(shop()).replaceAll("/prices", "/missing/prices"));
    const before = await run(workflow, {});
    expect(before).toMatchObject({ status: "failed", error: "prices" });
    for (const suggestion of (await validate(workflow)).suggestions) {
      const after = await run(await patched(workflow, suggestion), {});
      expect(after).toMatchObject({ status: "failed", error: "prices" });
      expect(after.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
    }
  });

  test("a patch does nothing to a definition that has changed since", async () => {
    const workflow = shop();
    const { suggestions } = await validate(workflow);
    for (const suggestion of suggestions) {
      const changed = { ...workflow, edges: workflow.edges.toReversed() };
      const answer = await weir.api("POST", "/api/v1/eval/patch", { document: changed, operations: suggestion.patch });
      expect(answer).toMatchObject({ status: 422, body: { error: { code: "invalid" } } });
    }
  });

  test("a definition with errors has none", async () => {
    const workflow = shop();
    const broken = { ...workflow, edges: [...workflow.edges, edge("begin", "nowhere")] };
    const answer = await weir.api("POST", "/api/v1/workflows/validate", broken);
    expect(answer.body).toMatchObject({ valid: false, suggestions: [] });
  });
});
