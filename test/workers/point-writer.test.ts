/** Points of a shard's runs: derived from its log behind a position, whatever happens to the objects on both sides. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { eventually, httpRun, inlineRun, runOf, type Stub, shard, startRequest, TENANT } from "./support.ts";

const analytics = () => env.ANALYTICS.getByName("local");

async function ask(sql: string): Promise<Record<string, unknown>[]> {
  const reply = await analytics().query(null, sql);
  if (!reply.ok) throw new Error(reply.problem.message);
  return JSON.parse(reply.text).data;
}

const within = (ids: readonly string[]) => `run_id IN (${ids.map((id) => `'${id}'`).join(", ")})`;

async function start(stub: Stub, address: { region: "xx"; shard: number }, document: unknown, count = 1) {
  const requests = await Promise.all(Array.from({ length: count }, () => startRequest(address, document)));
  return (await Promise.all(requests.map((request) => stub.start(TENANT, request)))).map(
    (reply) => runOf(reply).run_id,
  );
}

const measured = (ids: readonly string[]) =>
  eventually(async () => {
    const [row] = await ask(`SELECT count() AS n FROM weir_run WHERE ${within(ids)}`);
    return Number(row?.n) >= ids.length ? Number(row?.n) : null;
  });

describe("points of a shard", () => {
  test("a run that ended is measured within two seconds, once, with each attempt of its nodes", async () => {
    const { stub, address } = shard(31);
    const ids = await start(stub, address, httpRun(), 12);
    expect(await measured(ids)).toBe(12);
    const nodes = await ask(
      `SELECT node_type, outcome, count() AS n FROM weir_node WHERE ${within(ids)} GROUP BY node_type, outcome ORDER BY node_type`,
    );
    expect(nodes).toEqual([
      { node_type: "http", outcome: "completed", n: "12" },
      { node_type: "transform", outcome: "completed", n: "12" },
    ]);
    expect(
      await ask(`SELECT host, code_class, count() AS n FROM weir_http WHERE ${within(ids)} GROUP BY host, code_class`),
    ).toEqual([{ host: "api.example.com", code_class: "2xx", n: "12" }]);
  });

  test("a lost object, and a position that was not stored, repeat nothing", async () => {
    const { stub, address } = shard(32);
    const ids = await start(stub, address, inlineRun, 5);
    await measured(ids);
    await runInDurableObject(stub, (_, state) => {
      state.storage.sql.exec("UPDATE meta SET value = '0' WHERE key = 'points_through'");
    });
    await evictDurableObject(stub);
    const more = await start(stub, address, inlineRun, 3);
    await measured(more);
    expect(await ask(`SELECT count() AS n FROM weir_run WHERE ${within([...ids, ...more])}`)).toEqual([{ n: "8" }]);
  });

  test("while analytics refuses runs go on; what was missed is written afterwards, once", async () => {
    const { stub, address } = shard(33);
    const rename = (from: string, to: string) =>
      runInDurableObject(analytics() as never, (_, state: DurableObjectState) => {
        state.storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`);
      });
    await rename("source", "source_away");
    const ids = await start(stub, address, inlineRun, 4);
    await stub.wake();
    expect(await ask(`SELECT count() AS n FROM weir_run WHERE ${within(ids)}`)).toEqual([{ n: "0" }]);
    await rename("source_away", "source");
    await measured(ids);
    expect(await ask(`SELECT count() AS n FROM weir_run WHERE ${within(ids)}`)).toEqual([{ n: "4" }]);
  });

  test("a shard from before there were points begins with what happens now", async () => {
    const { stub, address } = shard(34);
    const before = await start(stub, address, inlineRun, 3);
    await measured(before);
    await runInDurableObject(stub, (_, state) => {
      state.storage.sql.exec("DELETE FROM meta WHERE key = 'points_through'");
    });
    await evictDurableObject(stub);
    const after = await start(stub, address, inlineRun, 2);
    await measured(after);
    expect(await ask(`SELECT count() AS n FROM weir_run WHERE ${within([...before, ...after])}`)).toEqual([{ n: "5" }]);
  });

  test("a run whose log cannot be read keeps no other from being measured", async () => {
    const { stub, address } = shard(35);
    const [bad = ""] = await start(stub, address, httpRun("/slow/1500"));
    await runInDurableObject(stub, (_, state) => {
      state.storage.sql.exec("UPDATE run SET artifact_id = 'sha256:gone' WHERE run_id = ?", bad);
    });
    const good = await start(stub, address, inlineRun, 2);
    expect(await measured(good)).toBe(2);
  });
});
