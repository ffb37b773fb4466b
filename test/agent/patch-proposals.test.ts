/** What an attempt's patches gather, and what the model is told of each. */
import { describe, expect, test } from "vitest";
import { PATCH_UNITS_MAX } from "#agent/limits.ts";
import { PatchProposals, type PatchProposalsParts } from "#agent/patch-proposals.ts";
import { REASON_LENGTH_MAX } from "#engine/agent-patches.ts";
import { PATCHES_PER_RESULT_MAX } from "#engine/limits.ts";
import type { AgentPatch } from "#engine/task.ts";
import { fail, ok } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";

function proposals(judge: PatchProposalsParts["judge"] = async () => ok({ summary: ["node x added"] }), gated = false) {
  const patches: AgentPatch[] = [];
  const policy = { allowPrivateHosts: new Set<string>(), ownOrigins: new Set<string>() };
  return { patches, changes: new PatchProposals({ node: "think", patches, isGated: gated, policy, judge }) };
}
const adding = (value: Json): Json[] => [{ op: "add", path: "/nodes/-", value }];
const x = adding({ id: "x", type: "parallel" });

describe("patches of an attempt", () => {
  test("an accepted one is gathered, and stands before the next one that is judged", async () => {
    const seen: Json[][][] = [];
    const { patches, changes } = proposals(async (earlier) => {
      seen.push(earlier);
      return ok({ summary: ["node x added"] });
    });
    expect(await changes.propose(x, "why")).toEqual(ok({ diff: ["node x added"] }));
    await changes.propose(adding({ id: "y" }), null);
    expect(seen).toEqual([[], [x]]);
    expect(patches).toEqual([
      { operations: x, description: "why" },
      { operations: adding({ id: "y" }), description: null },
    ]);
  });

  test("of a gated workflow says that a human decides", async () => {
    expect(await proposals(undefined, true).changes.propose(x, null)).toMatchObject({ value: { gated: true } });
  });

  test("a refused one is gathered with its reason, and is nothing to what comes after it", async () => {
    const problem = { pointer: "/operations/0", message: "no" };
    const answers = [fail([problem]), ok({ summary: [] })];
    const seen: Json[][][] = [];
    const { patches, changes } = proposals(async (earlier) => {
      seen.push(earlier);
      return answers.shift() ?? null;
    });
    expect(await changes.propose(x, null)).toEqual(
      fail({
        reason: "it breaks a rule",
        problems: [problem],
        example: [expect.objectContaining({ path: "/nodes/-" }), expect.objectContaining({ path: "/edges/-" })],
      }),
    );
    await changes.propose(x, null);
    expect(seen).toEqual([[], []]);
    expect(patches[0]).toEqual({ operations: x, description: null, rejected: "it breaks a rule; /operations/0: no" });
  });

  test("a URL that the guard refuses is refused before the run is asked", async () => {
    const { patches, changes } = proposals(async () => expect.unreachable());
    const operations = adding({ id: "x", type: "http", config: { url: "http://localhost/" } });
    const told = await changes.propose(operations, null);
    expect(told).toMatchObject({
      error: { reason: "a URL is not allowed", problems: [{ pointer: "/operations/0/value/config/url" }] },
    });
    expect(patches[0]?.rejected).toContain("localhost");
  });

  test("of a run that does not wait any more leave nothing", async () => {
    const { patches, changes } = proposals(async () => null);
    expect(await changes.propose(x, null)).toMatchObject({
      error: { reason: expect.stringContaining("does not wait") },
    });
    expect(patches).toEqual([]);
  });

  test("as many as a result carries, and not one more", async () => {
    const { patches, changes } = proposals(async () => fail([]));
    for (let i = 0; i < PATCHES_PER_RESULT_MAX; i++) await changes.propose(x, null);
    expect(patches).toHaveLength(PATCHES_PER_RESULT_MAX);
    expect(await changes.propose(x, null)).toMatchObject({ error: { reason: expect.stringContaining("at most") } });
    expect(patches).toHaveLength(PATCHES_PER_RESULT_MAX);
  });

  test("what is too large together is on record without its operations", async () => {
    const { patches, changes } = proposals();
    const filled = (more: number): Json[] => [{ ...(x[0] as object), note: "n".repeat(more) }];
    const overhead = JSON.stringify([filled(0)]).length;
    expect(await changes.propose(filled(PATCH_UNITS_MAX - overhead), null)).toMatchObject({ ok: true });
    expect(await changes.propose(x, "more")).toMatchObject({ ok: false });
    expect(patches[1]).toMatchObject({
      operations: [],
      description: "more",
      rejected: expect.stringContaining("at most"),
    });
    const other = proposals();
    expect(await other.changes.propose(filled(PATCH_UNITS_MAX - overhead + 1), null)).toMatchObject({ ok: false });
  });

  test("reasons are cut", async () => {
    const { patches, changes } = proposals(async () => fail([{ pointer: "", message: "n".repeat(5_000) }]));
    await changes.propose(x, null);
    expect(patches[0]?.rejected).toHaveLength(REASON_LENGTH_MAX);
  });
});
