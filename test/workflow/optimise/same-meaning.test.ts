/**
 * Every suggested patch keeps what a run does: both versions of random workflows are run with the same answers, in
 * several orders of answering, and compared by status, outputs and what they asked of the world outside.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ok } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { optimise } from "#workflow/optimise/optimise.ts";
import { SUGGESTION_KINDS, type Suggestion } from "#workflow/optimise/suggestion.ts";
import { applyPatch } from "#workflow/patch.ts";
import { holds } from "../../support/property.ts";
import { randomWorkflow } from "../../support/random-workflow.ts";
import {
  type Answer,
  type Ended,
  everyEnd,
  failuresLast,
  NEWEST_FIRST,
  OLDEST_FIRST,
  requestText,
  runToEnd,
} from "../../support/run-to-end.ts";

/** Orders of answering that are looked at where the order matters. */
const ORDERS_MAX = 150;

/** What a server answers, by the request alone; `luck` decides which requests fail. */
function answers(luck: number): Answer {
  return (config: JsonObject) => {
    let hash = luck;
    for (const character of requestText(config)) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
    if ((hash >>> 8) % 6 === 0) return { ok: false, error: { code: "http_status", message: "404" } };
    const body = { even: hash % 2 === 0, value: hash % 100 };
    return { ok: true, output: { status_code: 200, headers: {}, body, url: String(config.url), duration_ms: 1 } };
  };
}

function patched(definition: WorkflowDefinition, { patch }: Suggestion): WorkflowDefinition {
  const after = applyPatch(definition as unknown as Json, patch);
  expect(after).toMatchObject(ok(expect.anything()));
  const checked = checkWorkflow(after.ok ? after.value : null);
  expect(checked.errors).toEqual([]);
  if (checked.definition === null) throw new Error("the patched definition has no shape");
  return checked.definition;
}

/** Whether the order of answers can decide what comes out: where ways meet and the first of them is told apart. */
function dependsOnOrder({ nodes, edges }: WorkflowDefinition): boolean {
  const readsFirst = JSON.stringify([nodes, edges]).includes("run.via");
  return nodes.some(({ id, join }) => (join === "any" || readsFirst) && edges.filter(({ to }) => to === id).length > 1);
}

function withoutMerged(requests: readonly string[], more: readonly string[]): string[] {
  const left = [...requests];
  for (const request of more) {
    const index = left.indexOf(request);
    if (index === -1) return ["a request that the original never made", request];
    left.splice(index, 1);
  }
  return left;
}

function expectSame(kind: string, saved: number, before: Ended, after: Ended): void {
  expect(after.status).toBe(before.status);
  expect(after.outputs).toEqual(before.outputs);
  if (before.status === "completed") {
    const missing = withoutMerged(before.requests, after.requests);
    if (kind !== "duplicate_work") expect(missing).toEqual([]);
    else {
      expect(new Set(missing).size).toBeLessThanOrEqual(1);
      expect(missing.length).toBeLessThanOrEqual(saved);
      expect(after.effects).toEqual(before.effects);
    }
    return;
  }
  const failures = [...before.failed, ...after.failed];
  // An inline node fails the moment it starts: which of its neighbours have begun by then is a matter of order.
  if (failures.every((failure) => failure.kind === "task")) expect(after.effects).toEqual(before.effects);
  if (new Set(failures.map(({ node }) => node)).size === 1) expect(after.error).toEqual(before.error);
}

function outcome({ status, outputs }: Ended): string {
  return JSON.stringify([status, outputs]);
}

/** Patches of each kind that the suite's own cases must hold, so that the property says something of each. */
const COMPARED_MIN = 20;
const counted = new Map<string, number>();

function compare(definition: WorkflowDefinition, suggestion: Suggestion, inputs: Json, answer: Answer): boolean {
  const after = patched(definition, suggestion);
  const saved = suggestion.saves?.requests ?? 0;
  if (!dependsOnOrder(definition)) {
    for (const schedule of [failuresLast(answer), OLDEST_FIRST, NEWEST_FIRST]) {
      const ends = [definition, after].map((version) => runToEnd(version, inputs, answer, schedule));
      const [left, right] = ends;
      if (left === undefined || right === undefined) return false;
      // What is under way when a failure is told may still happen: only "failures last" is the same for both.
      const isTold = schedule !== OLDEST_FIRST && schedule !== NEWEST_FIRST;
      if (isTold || left.status === "completed") expectSame(suggestion.kind, saved, left, right);
      else expect(right.status).toBe(left.status);
    }
    return true;
  }
  const before = everyEnd(definition, inputs, answer, ORDERS_MAX);
  const afterwards = everyEnd(after, inputs, answer, ORDERS_MAX);
  if (before === null || afterwards === null) return false;
  const possible = new Set(before.map(outcome));
  expect(afterwards.map(outcome).filter((each) => !possible.has(each))).toEqual([]);
  return true;
}

describe("suggested patches", () => {
  test("keep status, outputs and effects of random workflows", { timeout: 120_000 }, () => {
    holds(
      fc.property(randomWorkflow(), fc.nat(), fc.constantFrom(0, 7), (definition, luck, n) => {
        for (const suggestion of optimise(definition).suggestions) {
          if (suggestion.patch.length === 0) continue;
          if (compare(definition, suggestion, { n }, answers(luck))) {
            counted.set(suggestion.kind, (counted.get(suggestion.kind) ?? 0) + 1);
          }
        }
      }),
      1_000,
    );
    const patchedKinds = SUGGESTION_KINDS.filter((kind) => kind !== "cacheable");
    for (const kind of patchedKinds) expect([kind, (counted.get(kind) ?? 0) >= COMPARED_MIN]).toEqual([kind, true]);
  });

  test("make valid definitions of larger random workflows", { timeout: 120_000 }, () => {
    holds(
      fc.property(randomWorkflow(40, true), (definition) => {
        for (const suggestion of optimise(definition).suggestions) patched(definition, suggestion);
      }),
      300,
    );
  });
});
