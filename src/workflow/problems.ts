/** From zod's issues to problems with JSON Pointers, one for each thing that is wrong. */
import type { z } from "zod";
import type { Problem } from "#kernel/errors.ts";
import { jsonPointer } from "#kernel/json.ts";

/** At most this many problems are reported of one document. */
export const PROBLEMS_MAX = 100;

export function problemsOf(error: z.ZodError, base: readonly (string | number)[] = []): Problem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, base)).slice(0, PROBLEMS_MAX);
}

function problemsOfIssue(issue: z.core.$ZodIssue, base: readonly (string | number)[]): Problem[] {
  const path = [...base, ...issue.path.map((token) => (typeof token === "symbol" ? String(token) : token))];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ pointer: jsonPointer([...path, key]), message: `unknown field "${key}"` }));
  }
  if (issue.code === "invalid_union") {
    // The branch that got furthest says best what is wrong.
    const branches = issue.errors.filter((branch) => branch.length > 0);
    const deepest = branches.sort((left, right) => depthOf(right) - depthOf(left))[0];
    if (deepest !== undefined) return deepest.flatMap((inner) => problemsOfIssue(inner, path));
  }
  return [{ pointer: jsonPointer(path), message: issue.message }];
}

function depthOf(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(...issues.map((issue) => issue.path.length));
}
