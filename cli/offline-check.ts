/** The save-time checks on this machine: the same code that the API runs, without what only a deployment knows. */
import { checkWorkflow } from "#workflow/check.ts";
import { summarise } from "#workflow/summary.ts";
import type { Validation } from "../client/weir.ts";

export function checkOffline(document: unknown): Validation {
  const { definition, errors, warnings } = checkWorkflow(document);
  return {
    valid: errors.length === 0,
    errors,
    warnings,
    summary: definition === null ? null : summarise(definition),
    suggestions: [],
  };
}
