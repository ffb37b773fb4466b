/** How workflows, their versions and what is wrong with them look in answers; and the way from a path to a tag. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { rfc3339 } from "#kernel/clock.ts";
import { ApiError } from "#kernel/errors.ts";
import type { TagRecord, VersionRecord } from "#store/workflows.ts";
import { tagSchema } from "#workflow/definition.ts";
import { INLINE_WEIGHT, TASK_WEIGHT, WAITING_WEIGHT } from "#workflow/optimise/critical-path.ts";
import { SUGGESTION_KINDS } from "#workflow/optimise/suggestion.ts";
import { isMatch } from "./etag.ts";
import type { AppEnv } from "./services.ts";

export const problem = z.object({ pointer: z.string(), message: z.string() }).openapi("Problem");

/** One step of a JSON Patch that Weir writes; a patch that it reads may hold any operation of the RFC. */
const operation = z.union([
  z.object({ op: z.enum(["test", "add", "replace"]), path: z.string(), value: z.unknown() }),
  z.object({ op: z.literal("remove"), path: z.string() }),
]);

export const suggestion = z
  .object({
    kind: z.enum(SUGGESTION_KINDS).openapi({
      description:
        "dead_branch: no run takes it; duplicate_work: done twice on the same input; parallel_requests: wait for one " +
        "another without need; cacheable: the answer could be kept; critical_path: the longest chain, and what shortens it",
    }),
    message: z.string().openapi({ description: "one sentence for the author" }),
    nodes: z.array(z.string()).openapi({ description: "ids of the nodes that it is about" }),
    patch: z.array(operation).openapi({
      description:
        "JSON Patch (RFC 6902) against the posted definition: a run of the result has the same status and outputs and " +
        "changes the same outside. Each suggestion stands alone: validate the result before the next. Empty when " +
        "nothing can be changed without a change of meaning",
    }),
    note: z.string().optional().openapi({ description: "what to know before applying the patch" }),
    saves: z
      .object({
        requests: z.int().optional().openapi({ description: "HTTP requests fewer in a run" }),
        node_runs: z.int().optional().openapi({ description: "inline nodes fewer in a run" }),
        path_weight: z
          .int()
          .optional()
          .openapi({
            description: `how much shorter the way gets: an inline node weighs ${INLINE_WEIGHT}, a task ${TASK_WEIGHT}, a waiting node ${WAITING_WEIGHT}`,
          }),
      })
      .optional()
      .openapi({ description: "estimates" }),
  })
  .openapi("Suggestion");

export const workflowItem = z
  .object({
    tag: z.string(),
    artifact_id: z.string(),
    version: z.int(),
    description: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .openapi("WorkflowSummary");

export const workflowVersion = z
  .object({ version: z.int(), artifact_id: z.string(), description: z.string().nullable(), created_at: z.string() })
  .openapi("WorkflowVersion");

export function versionOf({
  version,
  artifactId,
  description,
  createdAt,
}: VersionRecord): z.infer<typeof workflowVersion> {
  return { version, artifact_id: artifactId, description, created_at: rfc3339(createdAt) };
}

/** Tags are listed behind any text, whether it is one or not. */
export const ANY_TEXT = /^.*$/s;

/** As documentation only: definitions are judged by the save-time checks, which report everything at once. */
export const definitionDocument = z.unknown().openapi({ description: "a workflow definition", type: "object" });

export const tagParams = z.object({ tag: z.string() });

export function workflowItemOf(record: TagRecord): z.infer<typeof workflowItem> {
  return {
    tag: record.tag,
    artifact_id: record.artifactId,
    version: record.version,
    description: record.description,
    created_at: rfc3339(record.createdAt),
    updated_at: rfc3339(record.updatedAt),
  };
}

export function etagOf(record: TagRecord | null): string | undefined {
  return record === null ? undefined : `"${record.revision}"`;
}

/** The tag of a path; a malformed one is an absent one. */
export async function findTag(context: Context<AppEnv>, tag: string): Promise<TagRecord> {
  const { workflows } = context.get("services");
  const isWellFormed = tagSchema.safeParse(tag).success;
  const record = isWellFormed ? await workflows.tag(context.get("principal").tenant, tag) : null;
  if (record === null) throw new ApiError("not_found", `there is no workflow "${tag.slice(0, 100)}"`);
  return record;
}

/** Refuses a change that was made in view of another state (RFC 9110, 13.1.1). */
export function checkIfMatch(context: Context<AppEnv>, record: TagRecord | null): void {
  const expected = context.req.header("If-Match");
  const etag = etagOf(record);
  if (expected === undefined || isMatch(expected, etag)) return;
  const message = `If-Match is ${expected.slice(0, 100)}, the workflow is at ${etag ?? "nothing"}`;
  throw new ApiError("precondition_failed", message);
}
