/**
 * The shape of a workflow definition as it is posted, stored and patched. Only the shape: what must hold between
 * its parts (edge ends, cycles, references) is `check.ts`.
 */
import { z } from "zod";
import { isJsonObject, type JsonObject } from "#kernel/json.ts";
import {
  ATTEMPTS_MAX,
  BACKOFF_MS_MAX,
  BACKOFF_MULTIPLIER_MAX,
  DESCRIPTION_LENGTH_MAX,
  EDGES_MAX,
  METADATA_TAGS_MAX,
  NAME_LENGTH_MAX,
  NODE_ID_PATTERN,
  NODES_MAX,
  SCHEMA_URL_LENGTH_MAX,
  TAG_PATTERN,
  TIMEOUT_MS_MAX,
} from "./limits.ts";

/** Names that are keys of every object; as node ids they would read as something else than the node. */
const RESERVED_IDS = new Set(["__proto__", "constructor", "prototype"]);

export const nodeIdSchema = z
  .string()
  .regex(NODE_ID_PATTERN, "must be 1 to 64 letters, digits, _ or -")
  .refine((id) => !RESERVED_IDS.has(id), "is a reserved name");

/** An object whose inside is judged elsewhere; handed on as it is, so that no key of it is lost or read specially. */
export const jsonObjectSchema = z.custom<JsonObject>(isJsonObject, "must be an object").meta({ type: "object" });

export const tagSchema = z
  .string()
  .regex(TAG_PATTERN, "must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit");

export const retrySchema = z.strictObject({
  max_attempts: z.int().min(1).max(ATTEMPTS_MAX).optional(),
  backoff_ms: z.int().min(0).max(BACKOFF_MS_MAX).optional(),
  backoff_multiplier: z.number().min(1).max(BACKOFF_MULTIPLIER_MAX).optional(),
  jitter: z.boolean().optional(),
});

export const nodeSchema = z.strictObject({
  id: nodeIdSchema,
  type: z.string().min(1).max(64),
  config: jsonObjectSchema.optional(),
  timeout_ms: z.int().min(1).max(TIMEOUT_MS_MAX).optional(),
  join: z.enum(["all", "any"]).optional(),
  retry: retrySchema.optional(),
  on_error: z.enum(["fail", "continue"]).optional(),
});

export const edgeSchema = z.strictObject({
  from: nodeIdSchema,
  to: nodeIdSchema,
  condition: z.string().min(1).optional(),
  branch: z.enum(["if", "else"]).optional(),
  on: z.enum(["success", "failure"]).optional(),
});

export const PATCH_POLICIES = ["open", "gated"] as const;

export const metadataSchema = z.strictObject({
  name: z.string().max(NAME_LENGTH_MAX).optional(),
  description: z.string().max(DESCRIPTION_LENGTH_MAX).optional(),
  version: z.string().max(NAME_LENGTH_MAX).optional(),
  tags: z.array(z.string().max(NAME_LENGTH_MAX)).max(METADATA_TAGS_MAX).optional(),
  /** Whether a patch of a run is applied at once, or kept until somebody decides. */
  patch_policy: z.enum(PATCH_POLICIES).optional(),
});

export const workflowSchema = z.strictObject({
  /** Where editors find the JSON Schema of this document. Not part of the definition: dropped when it is taken in. */
  $schema: z.string().max(SCHEMA_URL_LENGTH_MAX).optional(),
  nodes: z.array(nodeSchema).min(1, "a workflow needs at least one node").max(NODES_MAX),
  edges: z.array(edgeSchema).max(EDGES_MAX).default([]),
  inputs: jsonObjectSchema.optional(),
  metadata: metadataSchema.optional(),
});

export type WorkflowDefinition = Omit<z.infer<typeof workflowSchema>, "$schema">;
export type NodeDefinition = z.infer<typeof nodeSchema>;
export type EdgeDefinition = z.infer<typeof edgeSchema>;
