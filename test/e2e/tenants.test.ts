/** Two tenants on one Weir: what each sees and may do, over every route that the served description names. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Operation, operationsOf, parametersOf } from "../support/openapi-operations.ts";
import { type ApiAnswer, startWeir, type WeirProcess } from "../support/weir-process.ts";

/** Stands in everything that belongs to acme, and may be seen by nobody else. */
const CANARY = "canary7f3a9c";

const SCOPES = ["read", "run", "write", "approve", "admin", "metrics", "operator"];
const TENANT_SCOPES = ["read", "run", "write", "approve", "admin"];

/** Freshness of lists that the API promises, and a little. */
const LISTED_AFTER_MS = 2_500;

interface Owned {
  key: string;
  keyId: string;
  tag: string;
  artifactId: string;
  runId: string;
  approvalId: string;
  jobId: string;
  cacheKey: string;
}

let weir: WeirProcess;
let operations: Operation[];
let acme: Owned;
let globex: { key: string };
/** Every key that was made, as text. */
const secrets: string[] = [];

const as = (key: string, method: string, route: string, body?: unknown, headers: Record<string, string> = {}) =>
  weir.api(method, route, body, { authorization: `Bearer ${key}`, ...headers });

async function makeKey(tenant: string, scopes: readonly string[], more: object = {}) {
  const { status, body } = await weir.api("POST", "/api/v1/keys", { name: "test", tenant, scopes, ...more });
  expect(status).toBe(201);
  secrets.push(body.key);
  return body as { id: string; key: string };
}

beforeAll(async () => {
  weir = await startWeir();
  operations = operationsOf((await weir.api("GET", "/openapi.json")).body);
  for (const id of ["acme", "globex"]) expect((await weir.api("POST", "/api/v1/tenants", { id })).status).toBe(201);
  const { key, id: keyId } = await makeKey("acme", TENANT_SCOPES, { name: CANARY });
  globex = await makeKey("globex", TENANT_SCOPES);
  const tag = `tag-${CANARY}`;
  const workflow = { nodes: [{ id: "a", type: "transform", config: { expression: `'${CANARY}'` } }] };
  const saved = await as(key, "POST", "/api/v1/workflows", { tag, description: CANARY, workflow });
  const order = { workflow: tag, inputs: { secret: CANARY }, labels: { who: CANARY }, wait_ms: 5_000 };
  const run = await as(key, "POST", "/api/v1/runs", order, { "idempotency-key": CANARY });
  expect(run).toMatchObject({ status: 200, body: { status: "completed", outputs: { a: CANARY } } });
  const ask = { nodes: [{ id: "ask", type: "hitl", config: { message: CANARY } }] };
  const waiting = await as(key, "POST", "/api/v1/runs", { definition: ask });
  await sleep(LISTED_AFTER_MS);
  const inbox = await as(key, "GET", "/api/v1/approvals");
  expect(inbox.body.items).toMatchObject([{ run_id: waiting.body.run_id, message: CANARY }]);
  const job = await as(key, "POST", "/api/v1/runs/bulk", { action: "cancel", filter: { q: CANARY } });
  expect(job.status).toBe(202);
  acme = {
    key,
    keyId,
    tag,
    artifactId: saved.body.artifact_id,
    runId: run.body.run_id,
    approvalId: inbox.body.items[0].approval_id,
    jobId: job.body.job_id,
    cacheKey: "0".repeat(64),
  };
});

afterAll(async () => {
  await weir.stop();
});

/** Another last character: an id of the same form that nobody has. */
const absentForm = (id: string) => id.replace(/.$/, (last) => (last === "0" ? "1" : "0"));

/** What stands first in a path names what belongs to a tenant. Shared resources belong to nobody. */
const OWNED: Record<string, (owned: Owned) => string> = {
  "/api/v1/runs/{id}": ({ runId }) => runId,
  "/api/v1/workflows/{tag}": ({ tag }) => tag,
  "/api/v1/tags/{name}": ({ tag }) => tag,
  "/api/v1/artifacts/{id}": ({ artifactId }) => artifactId,
  "/api/v1/cas/{sha256}": ({ artifactId }) => artifactId.replace("sha256:", ""),
  "/api/v1/keys/{id}": ({ keyId }) => keyId,
  "/api/v1/approvals/{id}": ({ approvalId }) => approvalId,
  "/api/v1/jobs/{id}": ({ jobId }) => jobId,
  "/api/v1/cache/{key}": ({ cacheKey }) => cacheKey,
};
const FEED = "/api/v1/feed";
const SHARED = ["/api/v1/node-types/", "/api/v1/analytics/panels/", "/health/"];

function ownedId(route: string): string | null {
  if (SHARED.some((prefix) => route.startsWith(prefix))) return null;
  const prefix = Object.keys(OWNED).find((known) => route === known || route.startsWith(`${known}/`));
  const idOf = OWNED[prefix ?? ""];
  if (idOf === undefined) throw new Error(`say in OWNED which id of a tenant stands in ${route}`);
  return idOf(acme);
}

/** The route with `id` for its first parameter, and something of the right form for the others. */
function fill(route: string, id: string): string {
  const [first = ""] = parametersOf(route);
  return route
    .replace(`{${first}}`, encodeURIComponent(id))
    .replaceAll(/\{(n|seq)\}/g, "1")
    .replaceAll(/\{\w+\}/g, "a");
}

function send(key: string, { method, body, contentType }: Operation, route: string): Promise<ApiAnswer> {
  const headers = { "if-match": '"1"', ...(contentType === null ? {} : { "content-type": contentType }) };
  return as(key, method, route, method === "GET" ? undefined : body, headers);
}

const isProtected = (operation: Operation) => operation.scope !== null;
const isForTenants = ({ scope }: Operation) => TENANT_SCOPES.includes(scope ?? "");
const named = ({ method, path: route }: Operation) => `${method} ${route}`;

/** Everything an answer shows except what is new in each. */
function visible({ status, headers, body }: ApiAnswer, ...ids: string[]): unknown {
  let text = JSON.stringify(body).replace(/req_[0-9A-Z]{26}/, "");
  for (const id of ids) text = text.replaceAll(id, "");
  const names = [...headers.keys()].filter((name) => name !== "date").sort();
  return { status, text, names, type: headers.get("content-type"), length: text.length };
}

describe("every route of the description", () => {
  test("is open or names its scope, and the open ones are those that are meant to be", () => {
    expect(operations.length).toBeGreaterThan(15);
    const open = operations.filter((operation) => !isProtected(operation)).map(named);
    expect(open.sort()).toEqual([
      "GET /api/v1/approve/{token}",
      "GET /docs",
      "GET /health",
      "GET /health/{service}",
      "GET /openapi.json",
      "GET /schemas/workflow.json",
      "POST /api/v1/approve/{token}",
    ]);
    for (const { scope } of operations.filter(isProtected)) expect(SCOPES).toContain(scope);
  });

  test("is 401 without a key and with one that was never made", async () => {
    for (const operation of operations.filter(isProtected)) {
      const route = fill(operation.path, "x");
      for (const authorization of ["", `Bearer weir_${"a".repeat(43)}`, `Basic ${acme.key}`]) {
        const answer = await weir.api(operation.method, route, operation.body, { authorization });
        expect([named(operation), answer.status, answer.body.error?.code]).toEqual([
          named(operation),
          401,
          "unauthenticated",
        ]);
      }
    }
  });

  test("is 403 with a key that has every scope but the one it needs", async () => {
    for (const scope of SCOPES) {
      const { key } = await makeKey(
        "acme",
        SCOPES.filter((other) => other !== scope),
      );
      for (const operation of operations.filter((each) => each.scope === scope)) {
        const answer = await send(key, operation, fill(operation.path, "x"));
        expect([named(operation), answer.status]).toEqual([named(operation), 403]);
        expect(answer.body.error).toMatchObject({ code: "forbidden", message: expect.stringContaining(`"${scope}"`) });
      }
    }
  });

  test("answers the owner, so that what follows is about something", async () => {
    let asked = 0;
    for (const operation of operations.filter(isForTenants)) {
      if (operation.method !== "GET" || parametersOf(operation.path).length !== 1) continue;
      const id = ownedId(operation.path);
      if (id === null) continue;
      const answer = await send(acme.key, operation, fill(operation.path, id));
      expect([named(operation), answer.status]).toEqual([named(operation), 200]);
      asked += 1;
    }
    expect(asked).toBeGreaterThan(3);
  });

  test("answers another tenant's id as it answers one that nobody has: 404 and none of its bytes", async () => {
    const before = await as(acme.key, "GET", `/api/v1/runs/${acme.runId}/details`);
    let asked = 0;
    for (const operation of operations.filter(isForTenants)) {
      if (parametersOf(operation.path).length === 0) continue;
      const id = ownedId(operation.path);
      if (id === null) continue;
      const foreign = await send(globex.key, operation, fill(operation.path, id));
      const absent = await send(globex.key, operation, fill(operation.path, absentForm(id)));
      expect([named(operation), foreign.status, foreign.body.error?.code]).toEqual([
        named(operation),
        404,
        "not_found",
      ]);
      expect(visible(foreign, id)).toEqual(visible(absent, absentForm(id)));
      expect(JSON.stringify(foreign.body).replaceAll(id, "")).not.toContain(CANARY);
      asked += 1;
    }
    expect(asked).toBeGreaterThan(4);
    const after = await as(acme.key, "GET", `/api/v1/runs/${acme.runId}/details`);
    expect(after.body).toEqual(before.body);
    expect((await as(acme.key, "GET", `/api/v1/workflows/${acme.tag}`)).status).toBe(200);
  });

  test("lists nothing of another tenant, whatever the headers claim", async () => {
    const claims = { "x-tenant": "acme", "x-tenant-id": "acme", "x-user-id": acme.keyId, "x-weir-tenant": "acme" };
    const own: string[] = [];
    for (const operation of operations) {
      if (operation.method !== "GET" || parametersOf(operation.path).length > 0) continue;
      // It does not end; what it brings is looked at below.
      if (operation.path === FEED) continue;
      const mine = await send(acme.key, operation, operation.path);
      if (JSON.stringify(mine.body).includes(CANARY)) own.push(operation.path);
      const theirs = await as(globex.key, "GET", operation.path, undefined, claims);
      const text = JSON.stringify(theirs.body);
      for (const secret of [CANARY, acme.runId, acme.keyId, acme.artifactId]) {
        expect([operation.path, text.includes(secret)]).toEqual([operation.path, false]);
      }
    }
    expect(own).toEqual(expect.arrayContaining(["/api/v1/runs", "/api/v1/workflows", "/api/v1/keys"]));
  });

  test("tells nothing of another tenant in its feed, whatever the headers claim", async () => {
    const listen = async (key: string) => {
      const headers = { authorization: `Bearer ${key}`, "x-tenant": "acme", "x-weir-tenant": "acme" };
      const ending = AbortSignal.timeout(3_000);
      const response = await fetch(`${weir.url}${FEED}`, { headers, signal: ending });
      let text = "";
      try {
        for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += piece;
      } catch (error) {
        if (!ending.aborted) throw error;
      }
      return text;
    };
    const [mine, theirs, started] = await Promise.all([
      listen(acme.key),
      listen(globex.key),
      sleep(1_000).then(() => as(acme.key, "POST", "/api/v1/runs", { workflow: acme.tag })),
    ]);
    expect(mine).toContain(started.body.run_id);
    expect(theirs).toContain("ready");
    expect(theirs).not.toContain("run_");
  });

  test("starts nothing of another tenant, by tag or by content address", async () => {
    for (const workflow of [acme.tag, acme.artifactId]) {
      const answer = await as(globex.key, "POST", "/api/v1/runs", { workflow });
      expect(answer).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
    }
    expect((await as(acme.key, "POST", "/api/v1/runs", { workflow: acme.artifactId })).status).toBe(202);
  });

  test("names no other tenant for anybody but the operator", async () => {
    for (const tenant of ["acme", "nobody"]) {
      const body = { name: "spy", scopes: ["read"], tenant };
      expect((await as(globex.key, "POST", "/api/v1/keys", body)).status).toBe(403);
      expect((await as(globex.key, "GET", `/api/v1/keys?tenant=${tenant}`)).status).toBe(403);
    }
    expect((await weir.api("GET", "/api/v1/keys?tenant=globex")).body.items).toMatchObject([{ tenant: "globex" }]);
  });
});

describe("side by side", () => {
  const greeting = (word: string) => ({
    nodes: [{ id: "say", type: "transform", config: { expression: `'${word}'` } }],
  });
  const save = (key: string, tag: string, workflow: object) => as(key, "POST", "/api/v1/workflows", { tag, workflow });

  test("the same tag is each tenant's own", async () => {
    expect((await save(acme.key, "greet", greeting("acme"))).status).toBe(201);
    expect((await save(globex.key, "greet", greeting("globex"))).status).toBe(201);
    for (const [key, word] of [
      [acme.key, "acme"],
      [globex.key, "globex"],
    ] as const) {
      const run = await as(key, "POST", "/api/v1/runs", { workflow: "greet", wait_ms: 5_000 });
      expect(run.body.outputs).toEqual({ say: word });
    }
  });

  test("the same definition has one address and two owners", async () => {
    const one = await save(acme.key, "same", greeting("same"));
    expect((await as(globex.key, "POST", "/api/v1/runs", { workflow: one.body.artifact_id })).status).toBe(404);
    const two = await save(globex.key, "same", greeting("same"));
    expect(two.body.artifact_id).toBe(one.body.artifact_id);
    expect((await as(globex.key, "POST", "/api/v1/runs", { workflow: one.body.artifact_id })).status).toBe(202);
  });

  test("the same idempotency keys start a run for each, and give each its own again", async () => {
    // Enough of them that both tenants' keys meet in a shard.
    for (const order of Array.from({ length: 8 }, (_, index) => `order-${index}`)) {
      const start = (key: string, word: string) =>
        as(key, "POST", "/api/v1/runs", { definition: greeting(word) }, { "idempotency-key": order });
      const [one, two] = [await start(acme.key, "one"), await start(globex.key, "two")];
      expect([one.status, two.status]).toEqual([202, 202]);
      expect(one.body.run_id).not.toBe(two.body.run_id);
      expect((await start(acme.key, "one")).body.run_id).toBe(one.body.run_id);
      expect((await start(globex.key, "two")).body.run_id).toBe(two.body.run_id);
      expect((await as(acme.key, "GET", `/api/v1/runs/${two.body.run_id}`)).status).toBe(404);
    }
  });
});

describe("the life of a key", () => {
  test("it ends when it expires", async () => {
    const { key } = await makeKey("acme", ["read"], { expires_at: new Date(Date.now() + 1_500).toISOString() });
    expect((await as(key, "GET", "/api/v1/runs")).status).toBe(200);
    await sleep(1_600);
    expect((await as(key, "GET", "/api/v1/runs")).status).toBe(401);
  });

  test("it ends when it is revoked, and other keys of the tenant go on", async () => {
    const { id, key } = await makeKey("acme", ["read"]);
    expect((await as(key, "GET", "/api/v1/runs")).status).toBe(200);
    expect((await as(acme.key, "DELETE", `/api/v1/keys/${id}`)).status).toBe(204);
    expect((await as(key, "GET", "/api/v1/runs")).status).toBe(401);
    expect((await as(acme.key, "DELETE", `/api/v1/keys/${id}`)).status).toBe(404);
    expect((await as(acme.key, "GET", "/api/v1/runs")).status).toBe(200);
  });

  test("it ends with its tenant", async () => {
    expect((await weir.api("POST", "/api/v1/tenants", { id: "initech" })).status).toBe(201);
    const { key } = await makeKey("initech", ["read"]);
    expect((await as(key, "GET", "/api/v1/runs")).status).toBe(200);
    expect((await weir.api("DELETE", "/api/v1/tenants/initech")).status).toBe(204);
    expect((await as(key, "GET", "/api/v1/runs")).status).toBe(401);
  });

  test("it outlives the process, and its text is neither in the state folder nor in what was printed", async () => {
    await weir.kill9Workerd();
    await weir.waitForReady(2);
    expect((await as(acme.key, "GET", "/api/v1/runs")).status).toBe(200);
    const files = await readdir(weir.state, { recursive: true, withFileTypes: true });
    const names = files.filter((file) => file.isFile()).map((file) => path.join(file.parentPath, file.name));
    const dump = Buffer.concat(
      await Promise.all(names.filter((name) => path.basename(name) !== "operator-key").map((name) => readFile(name))),
    );
    // What is kept of a key is found, so the dump has what there is.
    expect(dump.includes(createHash("sha256").update(acme.key).digest("hex"))).toBe(true);
    expect(secrets.length).toBeGreaterThan(8);
    for (const secret of [...secrets, weir.key]) {
      const random = secret.slice("weir_".length);
      const bytes = Buffer.from(random, "base64url");
      // The prefix that lists show has six characters; the rest must not be there in any form.
      for (const form of [random.slice(6), bytes, bytes.toString("hex"), bytes.toString("base64")]) {
        expect(dump.includes(form)).toBe(false);
      }
      if (secret !== weir.key) expect(weir.output()).not.toContain(random);
    }
  });
});
