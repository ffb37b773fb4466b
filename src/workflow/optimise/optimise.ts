/**
 * Analysis at validation: what in a workflow is never used, done twice, or waits without need. Every pass looks at the
 * same facts and proposes patches that keep what the run does; where it cannot prove that, it says nothing.
 */
import type { Problem } from "#kernel/errors.ts";
import type { WorkflowDefinition } from "../definition.ts";
import { cacheableAnswers } from "./cacheable-answers.ts";
import { deadBranches } from "./dead-branches.ts";
import { duplicateWork } from "./duplicate-work.ts";
import { Inspection } from "./inspection.ts";
import { longestChain } from "./longest-chain.ts";
import { parallelRequests } from "./parallel-requests.ts";
import { readsNodesAsAWhole } from "./reading.ts";
import type { Suggestion } from "./suggestion.ts";

export interface Optimised {
  warnings: Problem[];
  suggestions: Suggestion[];
}

/** `definition` must have been found without errors. Each patch is against it as posted, and stands alone. */
export function optimise(definition: WorkflowDefinition): Optimised {
  const inspection = new Inspection(definition);
  const dead = deadBranches(inspection);
  // An expression over all of `nodes` sees every node there is: none may come or go.
  if (readsNodesAsAWhole(inspection.graph)) return dead;
  const parallel = parallelRequests(inspection);
  return {
    warnings: dead.warnings,
    suggestions: [
      ...dead.suggestions,
      ...duplicateWork(inspection),
      ...parallel.map(({ suggestion }) => suggestion),
      ...cacheableAnswers(inspection),
      ...longestChain(definition, parallel),
    ],
  };
}
