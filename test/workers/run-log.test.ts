/** The log of a run in a shard's tables: snapshots, chunks, positions. The fold itself: `test/engine`. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { apply, createState } from "#engine/apply.ts";
import type { RunEvent, RunQueued } from "#engine/events.ts";
import type { RunState } from "#engine/state.ts";
import { newNodeState } from "#engine/state.ts";
import { RunLog, SNAPSHOT_EVENTS_MIN } from "#store/shard/run-log.ts";
import { CHUNK_UNITS } from "#store/shard/stored-values.ts";
import { shard } from "./support.ts";

const RUN = "run_xx00001HF0000000000000000000000";

function queued(): RunQueued {
  const what = { tenant: "t", run_id: RUN, workflow: null, artifact_id: "a", inputs: { value: null } };
  return { type: "run.queued", seq: 1, at: 1, ...what, labels: {}, priority: 3, trigger: "test" };
}

function warnings(state: RunState, count: number): RunEvent[] {
  return Array.from({ length: count }, () => {
    const event: RunEvent = { type: "warning", seq: state.seq + 1, at: 2, code: "missing_field", message: "m" };
    apply(state, event);
    return event;
  });
}

describe("run log", () => {
  test("a snapshot larger than a row may be is kept in chunks, replaced by the next, and folded on", async () => {
    await runInDurableObject(shard(0).stub, (_, { storage: { sql } }) => {
      const log = new RunLog(sql, 0);
      const first = queued();
      const state = createState(first);
      // A thousand nodes with outputs just below the bound for standing in the log: four megabytes.
      for (let i = 0; i < 1_000; i++) {
        state.nodes.set(`n${i}`, { ...newNodeState(), status: "completed", output: { value: "ö".repeat(2_000) } });
      }
      const { run } = log.create(state, [first], null);
      log.append(run, warnings(state, 4_000), null);
      const chunks = () =>
        sql.exec("SELECT count(*) AS n, max(length(text)) AS longest FROM stored_value WHERE run_id = ?", RUN).one();
      expect(chunks().n).toBeGreaterThan(3);
      expect(Number(chunks().longest)).toBeLessThanOrEqual(CHUNK_UNITS);
      expect(log.load(RUN)?.state).toEqual(state);

      state.nodes.clear();
      state.nodes.set("only", newNodeState());
      log.append(run, warnings(state, SNAPSHOT_EVENTS_MIN), null);
      // The next is due once the log has grown by as much as the last took.
      expect(chunks().n).toBeGreaterThan(3);
      log.append(run, warnings(state, 40_000), null);
      expect(chunks().n).toBe(1);
      log.append(run, warnings(state, SNAPSHOT_EVENTS_MIN - 1), null);
      expect(log.load(RUN)).toMatchObject({
        state,
        dueAt: run.dueAt,
        snapshotSeq: state.seq - SNAPSHOT_EVENTS_MIN + 1,
      });
      expect(log.events(RUN, 0, 100_000).map((event) => event.seq)).toEqual(
        Array.from({ length: state.seq }, (_, index) => index + 1),
      );
    });
  });

  test("values are cut between characters and come back as they were", async () => {
    await runInDurableObject(shard(1).stub, (_, { storage: { sql } }) => {
      const log = new RunLog(sql, 0);
      const value = `${"x".repeat(CHUNK_UNITS - 2)}\u{1f600}${"y".repeat(10)}`;
      log.values.store(RUN, "a", 1, JSON.stringify(value));
      expect(JSON.parse(log.values.read(RUN, "a", 1))).toBe(value);
    });
  });

  test("ids of rows are never given out again, even when all rows are gone", async () => {
    await runInDurableObject(shard(2).stub, (_, { storage: { sql } }) => {
      const log = new RunLog(sql, 0);
      const first = queued();
      log.create(createState(first), [first], null);
      expect(log.lastId).toBe(1);
      log.remove(RUN);
      const next = new RunLog(sql, 1);
      next.create(createState(first), [first], null);
      expect(next.lastId).toBe(2);
    });
  });

  test("what changes nothing writes nothing: a run that has ended is left as it is", async () => {
    await runInDurableObject(shard(3).stub, (_, { storage: { sql } }) => {
      const writes: string[] = [];
      const noted = {
        exec: (query: string, ...bindings: unknown[]) => {
          if (!query.trimStart().startsWith("SELECT")) writes.push(query);
          return sql.exec(query, ...bindings);
        },
      };
      const log = new RunLog(noted as unknown as SqlStorage, 0);
      const first = queued();
      const state = createState(first);
      const { run } = log.create(state, [first], null);
      const ended: RunEvent = { type: "run.completed", seq: 2, at: 3 };
      apply(state, ended);
      log.append(run, [ended], null);
      expect(sql.exec("SELECT due_at, ended_at FROM run WHERE run_id = ?", RUN).one()).toEqual({
        due_at: null,
        ended_at: 3,
      });
      writes.length = 0;
      log.append(run, [], null);
      expect(writes).toEqual([]);
    });
  });
});
