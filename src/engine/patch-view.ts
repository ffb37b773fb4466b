/** Patches of a run as people see them. */
import { rfc3339, rfc3339OrNull } from "#kernel/clock.ts";
import type { Json } from "#kernel/json.ts";
import { PATCH_PATH, type ReadStored } from "./scope.ts";
import type { PatchState, RunState } from "./state.ts";

export interface PatchView {
  seq: number;
  status: PatchState["status"];
  source: PatchState["source"];
  by: string;
  /** The agent node that proposed it. */
  node?: string;
  description: string | null;
  /** What it changes, in words. */
  summary: string[];
  operations: Json[];
  /** Why it was rejected. */
  reason?: string;
  proposed_at: string;
  decided_at: string | null;
  decided_by: string | null;
}

export function patchViews(state: RunState, readStored: ReadStored): PatchView[] {
  return state.patches.map(({ patch, operations, reason, proposed_at, decided_at, ...rest }) => ({
    seq: patch,
    ...rest,
    operations: ("value" in operations ? operations.value : readStored(PATCH_PATH, patch)) as Json[],
    ...(reason === null ? {} : { reason }),
    proposed_at: rfc3339(proposed_at),
    decided_at: rfc3339OrNull(decided_at),
  }));
}
