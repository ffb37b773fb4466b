/** A posted definition, judged: the save-time checks, and what only the API can add to them. */
import { refusedUrlsOf } from "#http/literal-urls.ts";
import type { UrlPolicy } from "#http/url-guard.ts";
import { ApiError, type Problem } from "#kernel/errors.ts";
import { type CheckedWorkflow, checkWorkflow } from "#workflow/check.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";

/** The checks, and a warning for each literal URL that the guard would refuse at run time. */
export function checkDocument(document: unknown, urlPolicy: UrlPolicy): CheckedWorkflow {
  const checked = checkWorkflow(document);
  const refused = refusedUrlsOf(checked.definition?.nodes ?? [], urlPolicy);
  return { ...checked, warnings: [...checked.warnings, ...refused] };
}

/** The definition of a document without errors; `invalid` with all of them, under `pointer`, otherwise. */
export function acceptDocument(
  document: unknown,
  pointer: string,
  urlPolicy: UrlPolicy,
): { definition: WorkflowDefinition; warnings: Problem[] } {
  const { definition, errors, warnings } = checkDocument(document, urlPolicy);
  if (definition === null || errors.length > 0) {
    throw new ApiError(
      "invalid",
      `the workflow has ${errors.length === 1 ? "a problem" : `${errors.length} problems`}`,
      {
        details: errors.map((problem) => ({ ...problem, pointer: pointer + problem.pointer })),
      },
    );
  }
  return { definition, warnings };
}
