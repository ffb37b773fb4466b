/** Figures of a shard's runs: counted from its log once, whatever happens to the objects on both sides. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { hash32, shardName } from "#kernel/ids.ts";
import { METERS } from "#store/meter/meters.ts";
import type { MeterView } from "#store/meter/protocol.ts";
import { eventually, httpRun, inlineRun, runOf, type Stub, shard, startRequest, TENANT } from "./support.ts";

/** The Meter of a shard, as `Meters` chooses it. */
const meterOf = (number: number) =>
  env.METER.getByName(`meter-${hash32(shardName({ region: "xx", shard: number })) % METERS}`);

/** A workflow's name keeps the figures of a test apart. */
async function start(number: number, workflow: string, document: unknown, count = 1): Promise<string[]> {
  const { stub, address } = shard(number);
  const requests = await Promise.all(
    Array.from({ length: count }, () => startRequest(address, document, { workflow })),
  );
  return (await Promise.all(requests.map((request) => stub.start(TENANT, request)))).map(
    (reply) => runOf(reply).run_id,
  );
}

async function counted(number: number, metric: string, workflow: string): Promise<number> {
  const { series } = JSON.parse(await meterOf(number).view()) as MeterView;
  const family = series.find(([name]) => name === metric)?.[1] ?? [];
  return family.filter(([labels]) => labels[0] === workflow).reduce((sum, [, , value]) => sum + value, 0);
}

const reaches = (number: number, metric: string, workflow: string, count: number) =>
  eventually(async () => ((await counted(number, metric, workflow)) >= count ? true : null), 8_000);

async function active(number: number): Promise<Record<string, number>> {
  return runInDurableObject(meterOf(number), (_, state) =>
    Object.fromEntries(
      state.storage.sql
        .exec<{ labels: string; value: number }>(
          "SELECT labels, value FROM gauge WHERE metric = 'weir_runs_active' AND source = ?",
          shardName({ region: "xx", shard: number }),
        )
        .toArray()
        .map(({ labels, value }) => [JSON.parse(labels)[0], value]),
    ),
  );
}

const waiting = { nodes: [{ id: "hold", type: "wait_for_event", config: { event: "go" } }] };
const rewind = (stub: Stub, position: number) =>
  runInDurableObject(stub, (_, state) => {
    state.storage.sql.exec("UPDATE meta SET value = ? WHERE key = 'metered_through'", String(position));
  });

describe("figures of a shard", () => {
  test("are there within five seconds, once", async () => {
    await start(21, "prompt", httpRun(), 12);
    await reaches(21, "weir_runs_total", "prompt", 12);
    expect(await counted(21, "weir_runs_started_total", "prompt")).toBe(12);
    expect(await counted(21, "weir_runs_total", "prompt")).toBe(12);
    expect(await active(21)).toEqual({ queued: 0, running: 0, waiting: 0, paused: 0 });
  });

  test("a lost object, and a position that was not stored, repeat nothing", async () => {
    const { stub } = shard(22);
    await start(22, "lost", inlineRun, 5);
    await start(22, "lost", waiting, 2);
    await reaches(22, "weir_runs_started_total", "lost", 7);
    await rewind(stub, 0);
    await evictDurableObject(stub);
    await start(22, "lost", inlineRun, 3);
    await reaches(22, "weir_runs_total", "lost", 8);
    expect(await counted(22, "weir_runs_started_total", "lost")).toBe(10);
    expect(await counted(22, "weir_runs_total", "lost")).toBe(8);
    expect(await active(22)).toEqual({ queued: 0, running: 0, waiting: 2, paused: 0 });
  });

  test("a Meter that lost what it had is told all of the log again", async () => {
    const { stub } = shard(23);
    await start(23, "anew", inlineRun, 4);
    const [held = ""] = await start(23, "anew", waiting, 1);
    await reaches(23, "weir_runs_started_total", "anew", 5);
    await runInDurableObject(meterOf(23), (_, state) => {
      state.storage.sql.exec("DELETE FROM source WHERE name = ?", shardName({ region: "xx", shard: 23 }));
      state.storage.sql.exec("DELETE FROM arrival");
      state.storage.sql.exec("DELETE FROM series");
      state.storage.sql.exec("DELETE FROM gauge");
    });
    await evictDurableObject(meterOf(23));
    await stub.command(TENANT, held, { type: "cancel" });
    await reaches(23, "weir_runs_total", "anew", 5);
    expect(await counted(23, "weir_runs_started_total", "anew")).toBe(5);
    expect(await counted(23, "weir_runs_total", "anew")).toBe(5);
    await eventually(async () => ((await active(23)).waiting === 0 ? true : null));
  });

  test("while the Meter refuses runs go on; what was missed is counted afterwards, once", async () => {
    const rename = (from: string, to: string) =>
      runInDurableObject(meterOf(24), (_, state) => void state.storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`));
    await rename("source", "source_away");
    await start(24, "refused", inlineRun, 4);
    await shard(24).stub.wake();
    expect(await counted(24, "weir_runs_total", "refused")).toBe(0);
    await rename("source_away", "source");
    await reaches(24, "weir_runs_total", "refused", 4);
    expect(await counted(24, "weir_runs_started_total", "refused")).toBe(4);
  });

  test("a run that cannot be read is counted all the same", async () => {
    const { stub } = shard(26);
    const [bad = ""] = await start(26, "unreadable", waiting);
    await runInDurableObject(stub, (_, state) => {
      state.storage.sql.exec("UPDATE run SET artifact_id = 'sha256:gone' WHERE run_id = ?", bad);
    });
    await start(26, "readable", inlineRun, 2);
    await reaches(26, "weir_runs_total", "readable", 2);
    expect(await counted(26, "weir_runs_started_total", "unreadable")).toBe(1);
  });
});
