/** How patches of a run look in answers, what a request for one holds, and the patch number that `If-Match` names. */
import { z } from "@hono/zod-openapi";
import { DECISIONS, PATCH_SOURCES } from "#engine/events.ts";
import { PATCH_STATUSES } from "#engine/state.ts";
import { ApiError } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { DESCRIPTION_LENGTH_MAX, PATCH_OPERATIONS_MAX } from "#workflow/limits.ts";
import { COMMENTS_LENGTH_MAX } from "./limits.ts";

const time = z.string().openapi({ format: "date-time" });

export const runPatch = z
  .object({
    seq: z.int(),
    status: z.enum(PATCH_STATUSES),
    description: z.string().nullable(),
    by: z.string(),
    source: z.enum(PATCH_SOURCES),
    node: z.string().optional(),
    summary: z.array(z.string()).openapi({ description: "what it changes, one sentence a change" }),
    operations: z.array(z.any()).openapi({ description: "JSON Patch (RFC 6902)" }),
    reason: z.string().optional(),
    proposed_at: time,
    decided_at: time.nullable(),
    decided_by: z.string().nullable(),
  })
  .openapi("RunPatch");

const diff = z.object({
  operations: z.array(z.any()).openapi({ description: "JSON Patch (RFC 6902): what changes in the whole" }),
  summary: z.array(z.string()).openapi({ description: "one sentence a change" }),
});

export const patchPreview = z.object({ diff }).openapi("RunPatchPreview");
export const patchOutcome = z.object({ seq: z.int(), status: z.enum(PATCH_STATUSES), diff }).openapi("RunPatchOutcome");

/** Each operation is judged with its pointer by what applies them, so here it is any JSON. */
const operations = z
  .array(z.custom<Json>(() => true).openapi({ description: "an operation of RFC 6902", type: "object" }))
  .min(1)
  .max(PATCH_OPERATIONS_MAX);

export const patchBody = z
  .strictObject({
    operations,
    description: z.string().max(DESCRIPTION_LENGTH_MAX).optional(),
    dry_run: z.boolean().optional().openapi({ description: "judge it and show what would change" }),
  })
  .openapi("PatchRun");

export const patchDecisionBody = z
  .strictObject({ decision: z.enum(DECISIONS), comments: z.string().max(COMMENTS_LENGTH_MAX).optional() })
  .openapi("PatchDecision");

export const ifPatchMatches = z.object({
  "if-match": z.string().optional().openapi({ description: 'the `patch_seq` that the patch was made for, as `"<n>"`' }),
});

/** The one patch number that the header allows; null when it allows any. */
export function patchNumberOf(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch.trim() === "*") return null;
  const match = /^\s*(?:"(\d{1,9})"|(\d{1,9}))\s*$/.exec(ifMatch);
  const number = match?.[1] ?? match?.[2];
  if (number !== undefined) return Number(number);
  throw new ApiError(
    "precondition_failed",
    `If-Match is ${ifMatch.slice(0, 100)}, which is no patch number of a run: send its patch_seq, for instance "0"`,
  );
}
