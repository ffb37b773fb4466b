import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  approvalId,
  nextUlid,
  parseApprovalId,
  parseRunId,
  parseShardName,
  runId,
  SHARDS_MAX,
  shardName,
  ulidFrom,
} from "#kernel/ids.ts";

const run = runId({ region: "we", shard: 0xabc }, nextUlid(1_800_000_000_000));

describe("a run's id", () => {
  test("names its shard, from the first to the last that there can be", () => {
    for (const shard of [0, 1, SHARDS_MAX - 1]) {
      const address = { region: "we" as const, shard };
      const id = runId(address, nextUlid(1));
      expect(id).toHaveLength(run.length);
      expect(parseRunId(id, SHARDS_MAX)).toEqual(address);
      expect(parseRunId(id, shard)).toBeNull();
      expect(parseShardName(shardName(address))).toEqual(address);
    }
    expect(parseRunId(runId({ region: "we", shard: SHARDS_MAX }, nextUlid(1)), SHARDS_MAX + 1)).toBeNull();
  });
});

describe("an approval's id", () => {
  test("names run, visit and node, whatever the node is called", () => {
    for (const node of ["approve", "a", "-", "1-2-3", "_".repeat(64)]) {
      const address = { runId: run, visit: 12, node };
      expect(parseApprovalId(approvalId(address))).toEqual(address);
    }
  });

  test("of another form is that of nothing", () => {
    const good = approvalId({ runId: run, visit: 1, node: "a" });
    for (const id of [
      "",
      run,
      good.replace("apr_", ""),
      good.replace("-1-", "-0-"),
      good.replace("-1-", "-01-"),
      good.replace("-1-", "-1234567890-"),
      good.replace("-1-", "-"),
      `${good}.`,
      `${good}\n`,
      approvalId({ runId: run, visit: 1, node: "" }),
      approvalId({ runId: run, visit: 1, node: "x".repeat(65) }),
    ]) {
      expect(parseApprovalId(id)).toBeNull();
    }
  });
});

describe("a ULID from a digest", () => {
  const digest = "00ff".repeat(16);

  test("is always the same, sorts by its time and makes a run's id", () => {
    const made = ulidFrom(1_800_000_000_000, digest);
    expect(made).toBe(ulidFrom(1_800_000_000_000, digest));
    expect(made < ulidFrom(1_800_000_000_001, digest)).toBe(true);
    expect(parseRunId(runId({ region: "xx", shard: 1 }, made), 2)).toEqual({ region: "xx", shard: 1 });
  });

  test("differs with the digest", () => {
    const digests = Array.from({ length: 500 }, (_, n) => createHash("sha256").update(String(n)).digest("hex"));
    expect(new Set(digests.map((each) => ulidFrom(1, each))).size).toBe(500);
  });
});
