/** Analytics over HTTP: what was run is measured within seconds, by whom it may be seen, and what is refused. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiAnswer, startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;

interface Caller {
  tenant: string;
  key: string;
}

let acme: Caller;
let globex: Caller;

beforeAll(async () => {
  weir = await startWeir();
  const tenant = async (id: string): Promise<Caller> => {
    await weir.api("POST", "/api/v1/tenants", { id });
    const scopes = ["read", "run", "write"];
    const { body } = await weir.api("POST", "/api/v1/keys", { tenant: id, name: "test", scopes });
    return { tenant: id, key: body.key };
  };
  acme = await tenant("acme");
  globex = await tenant("globex");
});

afterAll(async () => {
  await weir.stop();
});

const as = ({ key }: Caller) => ({ authorization: `Bearer ${key}` });

function sql(text: string, headers: Record<string, string> = {}): Promise<ApiAnswer> {
  return weir.api("POST", "/api/v1/analytics/sql", text, { "content-type": "text/plain", ...headers });
}

const definition = {
  nodes: [
    { id: "a", type: "transform", config: { expression: "inputs.n" } },
    { id: "b", type: "transform", config: { expression: "output + 1" } },
  ],
  edges: [{ from: "a", to: "b" }],
};

async function run(caller: Caller, inputs: object): Promise<string> {
  const { body } = await weir.api("POST", "/api/v1/runs", { definition, inputs, wait_ms: 5_000 }, as(caller));
  return body.run_id;
}

/** Asks until as many rows are there, for two seconds and some. */
async function counted(text: string, count: number, headers: Record<string, string>): Promise<ApiAnswer> {
  for (let tries = 0; ; tries++) {
    const answer = await sql(text, headers);
    if (answer.body?.rows >= count || tries === 15) return answer;
    await sleep(200);
  }
}

describe("points of runs", () => {
  test("a run and its nodes are there within two seconds, as they went", async () => {
    const id = await run(acme, { n: 1 });
    const failed = await run(acme, { m: 1 });
    const runs = await counted(
      `SELECT run_id, state, nodes FROM weir_run WHERE run_id IN ('${id}', '${failed}') ORDER BY nodes DESC`,
      2,
      as(acme),
    );
    expect(runs).toMatchObject({
      status: 200,
      body: {
        meta: [
          { name: "run_id", type: "String" },
          { name: "state", type: "String" },
          { name: "nodes", type: "Float64" },
        ],
        data: [
          { run_id: id, state: "completed", nodes: 2 },
          { run_id: failed, state: "failed", nodes: 1 },
        ],
        rows: 2,
      },
    });
    const nodes = await sql(
      `SELECT node_id, outcome, error_type != '' AS failed FROM weir_node WHERE run_id = '${failed}'`,
      as(acme),
    );
    expect(nodes.body.data).toEqual([{ node_id: "a", outcome: "failed", failed: 1 }]);
  });

  test("requests are measured by route, never by path", async () => {
    await weir.api("GET", "/api/v1/runs/run_xx00001HF0000000000000000000", undefined, as(acme));
    const asked = "SELECT route, code FROM weir_api WHERE route LIKE '%/runs/:%' AND code = '404' GROUP BY route, code";
    const answer = await counted(asked, 1, {});
    expect(answer.body.data).toHaveLength(1);
    expect(answer.body.data[0].route).toMatch(/^GET \/api\/v1\/runs\/:\w+$/);
  });

  test("points survive SIGKILL of workerd, and none is written twice", async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, (_, n) => run(acme, { n })));
    const where = `run_id IN (${ids.map((id) => `'${id}'`).join(", ")})`;
    await weir.kill9Workerd();
    await weir.waitForReady(2);
    // The watchdog, a minute later at most, or the next run looks at the shard.
    await Promise.all(Array.from({ length: 8 }, (_, n) => run(acme, { n })));
    const answer = await counted(
      `SELECT run_id, count() AS n FROM weir_run WHERE ${where} GROUP BY run_id`,
      5,
      as(acme),
    );
    expect(answer.body.data.map((row: { n: string }) => row.n)).toEqual(["1", "1", "1", "1", "1"]);
  });
});

describe("who sees what", () => {
  test("a tenant sees its own points in every shape of query, an operator those of all", async () => {
    const own = await run(acme, { n: 5 });
    const other = await run(globex, { n: 6 });
    await counted(`SELECT run_id FROM weir_run WHERE run_id = '${other}'`, 1, {});
    for (const query of [
      "SELECT run_id FROM weir_run",
      "SELECT run_id FROM weir_run WHERE 1 OR tenant = 'globex'",
      "SELECT 'acme' AS tenant, 'acme' AS blob1, run_id FROM weir_run WHERE blob1 = 'acme'",
      "SELECT run_id FROM (SELECT * FROM weir_run) WHERE NOT tenant = 'acme' OR 1",
      "SELECT topK(100)(run_id) AS ids FROM weir_run",
    ]) {
      const answer = await sql(query, as(acme));
      expect(answer.status).toBe(200);
      expect(JSON.stringify(answer.body)).not.toContain(other);
    }
    expect((await sql(`SELECT run_id FROM weir_run WHERE run_id = '${own}'`, as(globex))).body.data).toEqual([]);
    const all = await sql("SELECT tenant, count() AS n FROM weir_run GROUP BY tenant ORDER BY tenant");
    expect(all.body.data.map((row: { tenant: string }) => row.tenant)).toEqual(["acme", "globex"]);
    const panel = await weir.api("GET", "/api/v1/analytics/panels/business", undefined, as(globex));
    expect(panel.body.queries.find((query: { name: string }) => query.name === "runs").data[0].runs).toBe("1");
  });

  test("a key is needed, and the scope read", async () => {
    expect((await sql("SELECT 1", { authorization: "" })).status).toBe(401);
    const { body } = await weir.api("POST", "/api/v1/keys", { tenant: "acme", name: "runs", scopes: ["run"] });
    expect((await sql("SELECT 1", as({ tenant: "acme", key: body.key }))).status).toBe(403);
  });
});

describe("requests", () => {
  test("formats answer as text of their kind", async () => {
    const lines = await sql("SELECT 1 AS a, 'x' AS b FORMAT JSONEachRow");
    expect(lines.headers.get("content-type")).toBe("application/x-ndjson");
    expect(lines.body).toEqual({ a: 1, b: "x" });
    const tabs = await sql("SELECT 1 AS a, 'x' AS b FORMAT TabSeparated");
    expect(tabs.headers.get("content-type")).toMatch(/^text\/tab-separated-values/);
    expect(tabs.body).toBe("1\tx\n");
  });

  test("curl's own content type will do, JSON's will not", async () => {
    const form = await sql("SELECT 1 AS one", { "content-type": "application/x-www-form-urlencoded" });
    expect(form.body.data).toEqual([{ one: 1 }]);
    expect((await sql('"SELECT 1"', { "content-type": "application/json" })).status).toBe(415);
  });

  test("what is wrong is 422 and says where; what is too long 413; nothing is a 5xx", async () => {
    const wrong = await sql("SELECT run_id,\n  nope\nFROM weir_run");
    expect(wrong).toMatchObject({
      status: 422,
      body: {
        error: {
          code: "invalid",
          message: expect.stringContaining("line 2, column 3"),
          details: [{ line: 2, column: 3 }],
        },
      },
    });
    for (const text of [
      "",
      "DROP TABLE weir_run",
      "SELECT * FROM sqlite_master",
      "SELECT 1 UNION SELECT 2",
      "(".repeat(60_000),
      "\0",
    ]) {
      expect((await sql(text)).status).toBe(422);
    }
    expect((await sql(" ".repeat(70_000))).status).toBe(422);
    expect((await sql(" ".repeat(1_048_577))).status).toBe(413);
    expect((await weir.api("GET", "/api/v1/analytics/sql")).status).toBe(405);
  });

  test("datasets say what each column means", async () => {
    const { body } = await weir.api("GET", "/api/v1/analytics/datasets", undefined, as(acme));
    expect(body.version).toBe(1);
    const node = body.items.find((item: { name: string }) => item.name === "weir_node");
    expect(node.columns).toContainEqual({
      name: "blob11",
      alias: "node_type",
      type: "String",
      description: "type of the node",
    });
  });

  test("panels are listed and answer over a window", async () => {
    const { body } = await weir.api("GET", "/api/v1/analytics/panels", undefined, as(acme));
    expect(body.items.map((panel: { name: string }) => panel.name)).toEqual(["overview", "performance", "business"]);
    for (const { name, queries } of body.items) {
      const panel = await weir.api("GET", `/api/v1/analytics/panels/${name}?window=6h`, undefined, as(acme));
      expect(panel).toMatchObject({ status: 200, body: { name, window_s: 21_600, step_s: 300 } });
      expect(panel.body.queries.map((query: { name: string }) => query.name)).toEqual(
        queries.map((query: { name: string }) => query.name),
      );
    }
    expect((await weir.api("GET", "/api/v1/analytics/panels/nope")).status).toBe(404);
    for (const window of ["91d", "x", ""]) {
      expect((await weir.api("GET", `/api/v1/analytics/panels/overview?window=${window}`)).status).toBe(422);
    }
  });
});
