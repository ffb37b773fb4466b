/** Small workflows for the passes' tests, and both versions of one: as posted, and as a suggestion's patch makes it. */
import { expect } from "vitest";
import type { Json, JsonObject } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { optimise } from "#workflow/optimise/optimise.ts";
import type { Suggestion, SuggestionKind } from "#workflow/optimise/suggestion.ts";
import { applyPatch } from "#workflow/patch.ts";
import { type Answer, type Ended, failuresLast, NEWEST_FIRST, runToEnd } from "../../support/run-to-end.ts";

export interface Workflow {
  nodes: object[];
  edges: object[];
}

export const get = (id: string, config: object = {}, more: object = {}) => ({
  id,
  type: "http",
  config: { url: `https://api.example.com/${id}`, ...config },
  ...more,
});
export const post = (id: string, config: object = {}) => get(id, { method: "POST", ...config });
export const value = (id: string, expression: string, more: object = {}) => ({
  id,
  type: "transform",
  config: { expression },
  ...more,
});
export const pass = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
export const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });

/** Edges along a chain of nodes. */
export const chain = (...ids: string[]) => ids.slice(1).map((to, index) => edge(ids[index] ?? "", to));

export function definitionOf(workflow: object): WorkflowDefinition {
  const { definition, errors } = checkWorkflow(workflow);
  expect(errors).toEqual([]);
  if (definition === null) throw new Error("the definition has no shape");
  return definition;
}

export function suggestionsOf(workflow: object, kind: SuggestionKind): Suggestion[] {
  return optimise(definitionOf(workflow)).suggestions.filter((suggestion) => suggestion.kind === kind);
}

export function patchedBy(workflow: object, { patch }: Suggestion): WorkflowDefinition {
  const after = applyPatch(workflow as Json, patch);
  if (!after.ok) throw new Error(JSON.stringify(after.error));
  return definitionOf(after.value as object);
}

/** Answers by path; a status of 400 or more fails the attempt. */
export const answering =
  (statuses: Record<string, number> = {}): Answer =>
  (config: JsonObject) => {
    const path = new URL(String(config.url)).pathname.slice(1);
    const status = statuses[path] ?? 200;
    if (status >= 400) return { ok: false, error: { code: "http_status", message: String(status) } };
    return { ok: true, output: { status_code: status, body: { path, number: path.length } } };
  };

/** Runs both versions with the same answers and expects the same of them; gives the end of the original. */
export function expectSameRuns(workflow: object, suggestion: Suggestion, inputs: Json, answer = answering()): Ended {
  const after = patchedBy(workflow, suggestion);
  const [ended] = [failuresLast(answer), NEWEST_FIRST].map((schedule) => {
    const [left, right] = [workflow, after].map((version) => runToEnd(version, inputs, answer, schedule));
    expect({ status: right?.status, outputs: right?.outputs }).toEqual({
      status: left?.status,
      outputs: left?.outputs,
    });
    return { left, right };
  });
  if (ended?.left === undefined || ended.right === undefined) throw new Error("both versions ran");
  expect(ended.right.effects).toEqual(ended.left.effects);
  expect(ended.right.error).toEqual(ended.left.error);
  return ended.left;
}
