/** Tenants and keys on real D1: what is stored, who may make what, the bounds, and how often a start asks D1. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { digestOf, hexOf, newKeyText } from "#access/key-text.ts";
import { UNKNOWN_KEY_TTL_MS, UNKNOWN_KEYS_MAX } from "#access/known-keys.ts";
import { SCOPES } from "#access/scopes.ts";
import { createApp } from "#api/app.ts";
import { KEY_NAME_LENGTH_MAX } from "#api/routes/keys.ts";
import { TENANT_NAME_LENGTH_MAX } from "#api/routes/tenants.ts";
import { KEYS_PER_TENANT_MAX, Keys } from "#store/keys.ts";
import { Tenants } from "#store/tenants.ts";
import type { Env } from "../../workers/env.ts";
import { servicesOf } from "../../workers/services.ts";
import { inlineRun, KEY } from "./support.ts";

/** The statements that were prepared for D1 since the last look, by the Worker alone: objects have bindings of their own. */
const statements: string[] = [];
const countedD1 = new Proxy(env.DB, {
  get(database, name) {
    const value: unknown = Reflect.get(database, name);
    if (name === "prepare" || name === "exec") {
      return (query: string) => {
        statements.push(query);
        return database[name](query);
      };
    }
    return typeof value === "function" ? value.bind(database) : value;
  },
});

/** An isolate of its own: other services over the same bindings. */
function isolate() {
  const bindings = { ...(env as unknown as Env), DB: countedD1 };
  const app = createApp<Env>(servicesOf);
  return async (method: string, path: string, key: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await app.request(
      `http://weir.test${path}`,
      {
        method,
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      bindings,
    );
    const text = await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: tests read what the API answers and assert on it
    return { status: response.status, headers: response.headers, body: (text === "" ? null : JSON.parse(text)) as any };
  };
}

const call = isolate();

async function makeTenant(id: string): Promise<void> {
  expect((await call("POST", "/api/v1/tenants", KEY, { id })).status).toBe(201);
}

async function makeKey(tenant: string, scopes: readonly string[], more: object = {}) {
  const made = await call("POST", "/api/v1/keys", KEY, { name: "test", tenant, scopes, ...more });
  expect(made.status).toBe(201);
  return made.body as { id: string; key: string; prefix: string };
}

describe("tenants", () => {
  test("the operator's and Weir's own exist from the start and stay", async () => {
    const { body } = await call("GET", "/api/v1/tenants", KEY);
    expect(body.items.map((item: { id: string }) => item.id)).toEqual(["default", "system"]);
    for (const id of ["default", "system"]) {
      expect(await call("DELETE", `/api/v1/tenants/${id}`, KEY)).toMatchObject({ status: 409 });
      expect(await call("POST", "/api/v1/tenants", KEY, { id })).toMatchObject({ status: 409 });
    }
    expect((await call("GET", "/api/v1/tenants", KEY)).body.items).toHaveLength(2);
  });

  test("created, listed in pages, deleted; the id is never given out again", async () => {
    for (const id of ["one", "two", "three"]) await makeTenant(id);
    const ids: string[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await call("GET", `/api/v1/tenants?limit=2${cursor}`, KEY);
      ids.push(...body.items.map((item: { id: string }) => item.id));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(ids).toEqual(["default", "one", "system", "three", "two"]);
    expect((await call("DELETE", "/api/v1/tenants/two", KEY)).status).toBe(204);
    expect((await call("DELETE", "/api/v1/tenants/two", KEY)).status).toBe(404);
    expect((await call("DELETE", "/api/v1/tenants/nobody", KEY)).status).toBe(404);
    expect((await call("POST", "/api/v1/tenants", KEY, { id: "two" })).status).toBe(409);
    expect(await new Tenants(drizzle(env.DB)).list("system", 10)).toMatchObject([{ id: "three" }]);
  });

  test("ids and names have their bounds", async () => {
    const create = async (body: object) => (await call("POST", "/api/v1/tenants", KEY, body)).status;
    expect(await create({ id: `b${"c".repeat(31)}`, name: "n".repeat(TENANT_NAME_LENGTH_MAX) })).toBe(201);
    expect(await create({ id: `b${"c".repeat(32)}` })).toBe(422);
    expect(await create({ id: "Big" })).toBe(422);
    expect(await create({ id: "long-name", name: "n".repeat(TENANT_NAME_LENGTH_MAX + 1) })).toBe(422);
    expect(await create({ id: "more", colour: 1 })).toBe(422);
    for (const query of ["cursor=garbage!", "cursor=QUJD", "limit=0", "colour=1"]) {
      expect((await call("GET", `/api/v1/tenants?${query}`, KEY)).status).toBe(422);
    }
  });
});

describe("keys", () => {
  test("are stored as their digest: nothing of D1 holds the text, and the answer that shows it may not be kept", async () => {
    await makeTenant("stored");
    const made = await call("POST", "/api/v1/keys", KEY, { name: "ci", tenant: "stored", scopes: ["run", "read"] });
    const { key, ...rest } = made.body;
    expect(made.headers.get("cache-control")).toBe("no-store");
    expect(rest).toEqual({
      id: expect.stringMatching(/^key_[0-9A-Z]{26}$/),
      prefix: key.slice(0, 11),
      tenant: "stored",
      name: "ci",
      scopes: ["read", "run"],
      created_at: expect.stringMatching(/Z$/),
      expires_at: null,
    });
    const rows = await env.DB.prepare("SELECT * FROM keys WHERE tenant = 'stored'").all();
    expect(rows.results).toMatchObject([{ digest: hexOf(await digestOf(key)), created_by: "operator" }]);
    const secret = key.slice(rest.prefix.length);
    expect(JSON.stringify(rows.results)).not.toContain(secret);
    const listed = await call("GET", "/api/v1/keys?tenant=stored", KEY);
    expect(listed.body).toEqual({ items: [rest], next_cursor: null });
    expect(JSON.stringify(listed.body)).not.toContain(key.slice(-4));
  });

  test("an admin makes keys of the own tenant with scopes of their own, the operator any", async () => {
    await makeTenant("grants");
    const admin = await makeKey("grants", ["admin", "read", "metrics"]);
    const make = async (body: object) => {
      const { status, body: answer } = await call("POST", "/api/v1/keys", admin.key, { name: "n", ...body });
      return [status, answer.tenant ?? answer.error.code];
    };
    expect(await make({ scopes: ["read", "admin"] })).toEqual([201, "grants"]);
    expect(await make({ scopes: ["read"], tenant: "grants" })).toEqual([201, "grants"]);
    expect(await make({ scopes: ["read", "write"] })).toEqual([403, "forbidden"]);
    expect(await make({ scopes: ["metrics"] })).toEqual([403, "forbidden"]);
    expect(await make({ scopes: ["operator"] })).toEqual([403, "forbidden"]);
    expect(await make({ scopes: ["read"], tenant: "default" })).toEqual([403, "forbidden"]);
    expect(await make({ scopes: ["read"], tenant: "nobody" })).toEqual([403, "forbidden"]);
    const everything = await call("POST", "/api/v1/keys", KEY, { name: "n", tenant: "grants", scopes: SCOPES });
    expect(everything).toMatchObject({ status: 201, body: { tenant: "grants", scopes: SCOPES } });
    const nowhere = await call("POST", "/api/v1/keys", KEY, { name: "n", tenant: "nobody", scopes: ["read"] });
    expect(nowhere).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
  });

  test("bodies of the wrong shape are 422", async () => {
    const make = async (body: object) => (await call("POST", "/api/v1/keys", KEY, body)).status;
    const good = { name: "n".repeat(KEY_NAME_LENGTH_MAX), scopes: ["read"] };
    expect(await make(good)).toBe(201);
    expect(await make({ ...good, name: "n".repeat(KEY_NAME_LENGTH_MAX + 1) })).toBe(422);
    expect(await make({ ...good, name: "" })).toBe(422);
    expect(await make({ ...good, scopes: [] })).toBe(422);
    expect(await make({ ...good, scopes: ["root"] })).toBe(422);
    expect(await make({ ...good, scopes: [...SCOPES, "read"] })).toBe(422);
    expect(await make({ ...good, colour: 1 })).toBe(422);
    expect(await make({ ...good, expires_at: "tomorrow" })).toBe(422);
    expect(await make({ ...good, expires_at: new Date(Date.now() - 1).toISOString() })).toBe(422);
    expect(await make({ ...good, expires_at: new Date(Date.now() + 60_000).toISOString() })).toBe(201);
    for (const query of ["cursor=garbage!", "cursor=QUJD", "limit=201", "colour=1"]) {
      expect((await call("GET", `/api/v1/keys?${query}`, KEY)).status).toBe(422);
    }
  });

  test("an admin sees and revokes the own tenant's alone; a foreign key is an absent one", async () => {
    for (const id of ["mine", "theirs"]) await makeTenant(id);
    const mine = await makeKey("mine", ["admin"]);
    const theirs = await makeKey("theirs", ["admin"]);
    expect((await call("GET", "/api/v1/keys", mine.key)).body.items).toMatchObject([{ id: mine.id }]);
    expect((await call("GET", "/api/v1/keys?tenant=theirs", mine.key)).status).toBe(403);
    const absent = theirs.id.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    for (const id of [theirs.id, absent, "nonsense"]) {
      const answer = await call("DELETE", `/api/v1/keys/${id}`, mine.key);
      expect(answer).toMatchObject({
        status: 404,
        body: { error: { code: "not_found", message: `there is no key "${id}"` } },
      });
    }
    expect((await call("DELETE", `/api/v1/keys/${theirs.id}?tenant=theirs`, mine.key)).status).toBe(403);
    expect((await call("GET", "/api/v1/keys", theirs.key)).status).toBe(200);
    expect((await call("DELETE", `/api/v1/keys/${theirs.id}?tenant=mine`, KEY)).status).toBe(404);
    expect((await call("DELETE", `/api/v1/keys/${theirs.id}`, KEY)).status).toBe(204);
    expect((await call("GET", "/api/v1/keys", theirs.key)).status).toBe(401);
    expect((await call("DELETE", `/api/v1/keys/${mine.id}`, mine.key)).status).toBe(204);
    expect((await call("GET", "/api/v1/keys", mine.key)).status).toBe(401);
  });

  test("a deleted tenant's keys stop working, and it is given no new ones", async () => {
    await makeTenant("gone");
    const { key } = await makeKey("gone", ["read"]);
    expect((await call("GET", "/api/v1/runs", key)).status).toBe(200);
    expect((await call("DELETE", "/api/v1/tenants/gone", KEY)).status).toBe(204);
    expect((await call("GET", "/api/v1/runs", key)).status).toBe(401);
    expect((await isolate()("GET", "/api/v1/runs", key)).status).toBe(401);
    const again = await call("POST", "/api/v1/keys", KEY, { name: "n", tenant: "gone", scopes: ["read"] });
    expect(again.status).toBe(404);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM keys WHERE tenant = 'gone'").first("n")).toBe(0);
  });

  test("a tenant has room for so many keys and no more, even when the last ones come together", async () => {
    await makeTenant("full");
    await env.DB.prepare(
      `INSERT INTO keys (id, tenant, digest, prefix, name, scopes, created_by, created_at)
       SELECT 'filler_' || value, 'full', 'digest_' || value, 'weir_', 'filler', '[]', 'test', 0
       FROM json_each(?)`,
    )
      .bind(JSON.stringify(Array.from({ length: KEYS_PER_TENANT_MAX - 2 }, (_, index) => index)))
      .run();
    const body = { name: "n", tenant: "full", scopes: ["read"] };
    const answers = await Promise.all(Array.from({ length: 5 }, () => call("POST", "/api/v1/keys", KEY, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409]);
    expect((await call("POST", "/api/v1/keys", KEY, { ...body, tenant: "default" })).status).toBe(201);
  });

  test("a scope in D1 that this version does not know gives nothing", async () => {
    await env.DB.exec(
      `INSERT INTO keys (id, tenant, digest, prefix, name, scopes, created_by, created_at) VALUES ('key_x', 'default', 'future', 'weir_', 'n', '["read","time-travel"]', 'test', 0)`,
    );
    expect((await new Keys(drizzle(env.DB)).find("future"))?.principal.scopes).toEqual(new Set(["read"]));
  });
});

describe("guesses", () => {
  test("beyond the bound are 429 and cost D1 nothing; without the form of a key they are 401; known keys go on", async () => {
    await makeTenant("guessed");
    const { key } = await makeKey("guessed", ["read"]);
    // Its own memory, so that other tests do not meet a full one; and time stands still, however long the guesses take.
    const visit = isolate();
    const nowMs = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(nowMs);
    onTestFinished(() => clock.mockRestore());
    const list = (bearer: string) => visit("GET", "/api/v1/runs", bearer);
    expect((await list(key)).status).toBe(200);
    for (let i = 0; i < UNKNOWN_KEYS_MAX; i++) expect((await list(newKeyText())).status).toBe(401);
    statements.length = 0;
    const busy = await list(newKeyText());
    expect(busy).toMatchObject({
      status: 429,
      body: { error: { code: "rate_limited", details: { limit: UNKNOWN_KEYS_MAX, window_s: 10 } } },
    });
    expect(Number(busy.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await list("weir_wrong")).status).toBe(401);
    expect(statements).toEqual([]);
    expect((await list(key)).status).toBe(200);
    clock.mockReturnValue(nowMs + UNKNOWN_KEY_TTL_MS - 1);
    expect((await list(newKeyText())).status).toBe(429);
    clock.mockReturnValue(nowMs + UNKNOWN_KEY_TTL_MS);
    expect((await list(newKeyText())).status).toBe(401);
  }, 120_000);
});

describe("the start path", () => {
  test("asks D1 nothing while key and workflow are in the isolate's memory", async () => {
    await makeTenant("fast");
    const { key } = await makeKey("fast", ["run", "write", "read"]);
    const start = (more: object = {}, headers: Record<string, string> = {}) =>
      call("POST", "/api/v1/runs", key, { workflow: "quick", inputs: {}, wait_ms: 5_000, ...more }, headers);
    await call("POST", "/api/v1/workflows", key, { tag: "quick", workflow: inlineRun });
    statements.length = 0;
    expect(await start()).toMatchObject({ status: 200, body: { status: "completed", workflow: "quick" } });
    // The count can tell: the first start reads the tag.
    expect(statements.length).toBeGreaterThan(0);
    statements.length = 0;
    for (let i = 0; i < 5; i++) expect((await start({ inputs: { i } })).status).toBe(200);
    expect((await start({}, { "Idempotency-Key": "once" })).status).toBe(200);
    expect((await call("POST", "/api/v1/runs", key, { definition: inlineRun, wait_ms: 5_000 })).status).toBe(200);
    expect(statements).toEqual([]);
  });
});
