/** What a pass has to say: a kind, a sentence, the nodes it is about, and a patch that keeps what the run does. */

import { NAMED_IDS_MAX } from "./limits.ts";
import type { PatchOperation } from "./revision.ts";

export const SUGGESTION_KINDS = [
  "dead_branch",
  "duplicate_work",
  "parallel_requests",
  "cacheable",
  "critical_path",
] as const;
export type SuggestionKind = (typeof SUGGESTION_KINDS)[number];

/** Estimates; what a suggestion has no effect on is left out. */
export interface Savings {
  /** HTTP requests fewer in a run that takes this way. */
  requests?: number;
  /** Inline nodes fewer. */
  node_runs?: number;
  /** How much shorter the way gets, in the weights of `critical-path.ts`. */
  path_weight?: number;
}

export interface Suggestion {
  kind: SuggestionKind;
  /** One plain sentence. */
  message: string;
  nodes: string[];
  /** RFC 6902 operations against the posted definition; empty when nothing can be changed without a change of meaning. */
  patch: PatchOperation[];
  /** What an author should know before applying the patch. */
  note?: string;
  saves?: Savings;
}

/** Node ids in a sentence: `"a", "b" and 3 more`. */
export function nameNodes(ids: readonly string[]): string {
  const shown = ids.length <= NAMED_IDS_MAX ? ids : ids.slice(0, NAMED_IDS_MAX - 1);
  const names = shown.map((id) => `"${id}"`);
  if (shown.length < ids.length) names.push(`${ids.length - shown.length} more`);
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
