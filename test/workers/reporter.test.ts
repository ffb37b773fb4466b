/** Reports of task results: what shares a call to a shard, and what waits for nobody. */
import { describe, expect, test } from "vitest";
import type { ShardAddress } from "#kernel/ids.ts";
import type { Shards } from "#store/shards.ts";
import type { Logger } from "#telemetry/log.ts";
import { type Report, Reporter } from "../../workers/consumers/reporter.ts";

const address: ShardAddress = { region: "xx", shard: 0 };
const never = () => new Promise<void>(() => {});

/** A reporter, with the paths of the results in each call that it makes. */
function reporter(): { reporter: Reporter; calls: string[][]; report(path: string): void } {
  const calls: string[][] = [];
  const shard = {
    tasksEnded: async (results: { path: string }[]) => {
      calls.push(results.map((result) => result.path));
      return results.map(() => "accepted");
    },
  };
  const shards = { call: (_: ShardAddress, ask: (to: typeof shard) => Promise<unknown>) => ask(shard) };
  const made = new Reporter(shards as unknown as Shards, {} as Logger);
  const message = { ack() {}, retry() {} };
  const report = (path: string) => made.report(address, { result: { path }, bytes: 1, message } as unknown as Report);
  return { reporter: made, calls, report };
}

describe("reporter", () => {
  test("results wait for the last task under way and then share a call", async () => {
    const { reporter: made, calls, report } = reporter();
    const second = Promise.withResolvers<void>();
    const last = made.during(async () => {
      await second.promise;
      report("b");
    });
    await made.during(async () => report("a"));
    expect(calls).toEqual([]);
    second.resolve();
    await last;
    await made.drain();
    expect(calls).toEqual([["a", "b"]]);
  });

  test("a task that is alone under way reports in the same turn", async () => {
    const { reporter: made, calls, report } = reporter();
    await made.during(async () => {
      report("a");
      expect(calls).toEqual([["a"]]);
    });
    await made.drain();
  });

  test("a task that does not end holds up no result", async () => {
    const { reporter: made, calls, report } = reporter();
    void made.during(never);
    await made.during(async () => report("a"));
    await made.drain();
    expect(calls).toEqual([["a"]]);
  });

  test("a task that fails lets the others go", async () => {
    const { reporter: made, calls, report } = reporter();
    const broken = Promise.withResolvers<void>();
    const failing = made.during(() => broken.promise);
    await made.during(async () => report("a"));
    broken.reject(new Error("broken"));
    await expect(failing).rejects.toThrow("broken");
    await made.drain();
    expect(calls).toEqual([["a"]]);
  });
});
