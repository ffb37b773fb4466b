/**
 * Thousands of requests made from the served OpenAPI document: none is answered with a 5xx, and every answer is one
 * that the document names, field by field. The seed is fixed: a failure names the request that caused it.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { inFlight } from "../support/in-flight.ts";
import { OpenApi } from "../support/openapi.ts";
import { DEAD_HOST, type FuzzedRequest, RequestFuzzer } from "../support/request-fuzzer.ts";
import { Seeded } from "../support/seeded.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

const REQUESTS = 10_000;
const AT_ONCE = 24;
const SEED = 20_261_124;

/** Every so many requests fresh patches and tags: by chance alone hardly any is there that can be decided or taken back. */
const PATCHED_EVERY = 250;
const ASKS = { nodes: [{ id: "ask", type: "hitl", config: { message: "?" } }] };
const PATCH = [
  { op: "add", path: "/nodes/-", value: { id: "more", type: "parallel" } },
  { op: "add", path: "/edges/-", value: { from: "ask", to: "more" } },
];

/** How things that there are show in answers. */
const MET = [
  ["approval", /"approval_id":"(apr_[^"]+)"/g],
  ["failed", /"run_id":"(run_[A-Za-z0-9]+)","status":"failed"/g],
  ["waiting", /"run_id":"(run_[A-Za-z0-9]+)","status":"waiting"/g],
  ["job", /"job_id":"([^"]+)"/g],
  ["token", /"token":"([^"]+)"/g],
  ["cached", /"key":"([0-9a-f]{64})"/g],
] as const;

/** Only a model makes proposals for stored workflows, none does so here; nobody upgrades to a socket; no shard is named. */
const OUT_OF_REACH = [
  "POST /api/v1/workflows/{tag}/proposals/{id}/decide",
  "GET /api/v1/ws",
  "POST /api/v1/admin/shards/{id}/restart",
];

let weir: WeirProcess;

beforeAll(async () => {
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: DEAD_HOST } });
});

afterAll(async () => {
  await weir.stop();
});

async function send({ method, path, headers, body }: FuzzedRequest) {
  const answer = await fetch(weir.url + path, {
    method,
    headers: { authorization: `Bearer ${weir.key}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body }),
  });
  // A stream of a run that goes on would be waited for until the run ends.
  const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (isStream) await answer.body?.cancel();
  return { status: answer.status, headers: answer.headers, text: isStream ? "" : await answer.text() };
}

test(`${REQUESTS} requests from the schemas: no 5xx, every answer fits its schema`, async () => {
  const api = new OpenApi((await weir.api("GET", "/openapi.json")).body);
  const random = new Seeded(SEED);
  const fuzzer = new RequestFuzzer(random, api);
  // Bodies are where most can go wrong.
  const turns = api.operations.flatMap((operation) =>
    operation.body === undefined && !operation.isText ? [operation] : [operation, operation, operation],
  );
  const wrong: string[] = [];
  const statuses = new Map<string, number>();
  const reached = new Map<string, number>();

  await inFlight(REQUESTS, AT_ONCE, async (index) => {
    const operation = turns[index % turns.length];
    if (operation === undefined) throw new Error("the document has operations");
    if (index % PATCHED_EVERY === 0) {
      remember(fuzzer.known.patched, await patched(ASKS, 201));
      remember(fuzzer.known.undoable, await moved(`moved-${index}`, false));
      remember(fuzzer.known.redoable, await moved(`undone-${index}`, true));
      remember(fuzzer.known.gated, await patched({ ...ASKS, metadata: { patch_policy: "gated" } }, 202));
    }
    const request = fuzzer.request(operation);
    const answer = await send(request);
    const name = `${operation.method} ${operation.path}`;
    statuses.set(String(answer.status), (statuses.get(String(answer.status)) ?? 0) + 1);
    if (answer.status < 400) reached.set(name, (reached.get(name) ?? 0) + 1);
    const problem =
      answer.status >= 500
        ? `a ${answer.status}`
        : (api.judge(operation, answer.status, answer.headers.get("content-type"), answer.text) ??
          (answer.headers.get("x-request-id") === null ? "no X-Request-Id" : null));
    if (problem !== null) {
      const sent = `${request.method} ${request.path.slice(0, 300)} ${JSON.stringify(request.headers)} ${request.body?.slice(0, 500) ?? ""}`;
      wrong.push(`${sent}\n  → ${answer.status} ${problem}\n  ${answer.text.slice(0, 300)}`);
    }
    for (const [, id] of answer.text.matchAll(/"run_id":"(run_[A-Za-z0-9]+)"/g)) remember(fuzzer.known.id, id);
    if (name === "POST /api/v1/runs/{id}/patches" && (answer.status === 201 || answer.status === 202)) {
      const kind = answer.status === 202 ? "gated" : "patched";
      remember(fuzzer.known[kind], request.path.split("/")[4]);
    }
    for (const [kind, pattern] of MET) {
      for (const [, id] of answer.text.matchAll(pattern)) remember(fuzzer.known[kind], id);
    }
    for (const [, id] of answer.text.matchAll(/"id":"(key_[A-Za-z0-9]+)"/g)) remember(fuzzer.known.id, id);
    for (const [, hex] of answer.text.matchAll(/"artifact_id":"sha256:([0-9a-f]{64})"/g)) {
      remember(fuzzer.known.sha256, hex);
      remember(fuzzer.known.artifact, `sha256:${hex}`);
    }
  });

  expect(wrong.slice(0, 5).join("\n\n")).toBe("");
  // The generator is worth something only if it gets through as well as being refused, on every route.
  const unreached = api.operations.map(({ method, path }) => `${method} ${path}`).filter((name) => !reached.has(name));
  expect(unreached).toEqual(OUT_OF_REACH);
  expect([...statuses.keys()]).toEqual(
    expect.arrayContaining(["200", "201", "202", "204", "400", "404", "409", "413", "422"]),
  );
  // Nothing that was sent has become a property of everything.
  const health = await weir.api("GET", "/health");
  expect(health.body).toEqual({ service: "orchestrator", status: "ok", version: expect.any(String) });
  const evaluated = await weir.api("POST", "/api/v1/eval/template", { template: {} });
  expect(evaluated.body).toEqual({ result: {} });
  expect(weir.output()).not.toMatch(/Uncaught|"level":"error"|\bERROR\b/);
}, 60_000);

/** A run that waits, with a patch whose work has not started; none when a job of somebody's has cancelled it meanwhile. */
async function patched(definition: object, status: number): Promise<string | undefined> {
  const { body } = await weir.api("POST", "/api/v1/runs", { definition });
  const answer = await weir.api("POST", `/api/v1/runs/${body.run_id}/patches`, { operations: PATCH });
  return answer.status === status ? body.run_id : undefined;
}

/** A tag with a history of two versions, at its end or one step back. */
async function moved(tag: string, isBack: boolean): Promise<string | undefined> {
  await weir.api("POST", "/api/v1/workflows", { tag, workflow: ASKS });
  const next = { tag, workflow: { ...ASKS, metadata: { name: tag } }, replace: true };
  const { status } = await weir.api("POST", "/api/v1/workflows", next, { "if-match": "*" });
  if (isBack) await weir.api("POST", `/api/v1/tags/${tag}/undo`);
  return status === 201 ? tag : undefined;
}

/** A few of each, the latest. */
function remember(list: string[], item: string | undefined): void {
  if (item === undefined || list.includes(item)) return;
  list.push(item);
  if (list.length > 50) list.shift();
}
