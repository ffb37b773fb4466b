/**
 * The tool `patch_workflow`: asks for a change of the run under way, or proposes one of a stored workflow. What may be
 * changed is judged behind the ports, on the result; here only the form is.
 */
import { z } from "zod";
import type { Json } from "#kernel/json.ts";
import { tagSchema } from "#workflow/definition.ts";
import { DESCRIPTION_LENGTH_MAX, PATCH_OPERATIONS_MAX, POINTER_LENGTH_MAX } from "#workflow/limits.ts";
import { anyJson } from "../argument-values.ts";
import type { ToolAnswer } from "../tool.ts";
import { defineTool, refused } from "./define-tool.ts";

const pointer = z
  .string()
  .max(POINTER_LENGTH_MAX)
  .regex(/^(\/|$)/, "must be a JSON Pointer such as /nodes/-");

const operationSchema = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("add"), path: pointer, value: anyJson }),
  z.strictObject({ op: z.literal("remove"), path: pointer }),
  z.strictObject({ op: z.literal("replace"), path: pointer, value: anyJson }),
  z.strictObject({ op: z.literal("move"), path: pointer, from: pointer }),
  z.strictObject({ op: z.literal("copy"), path: pointer, from: pointer }),
  z.strictObject({ op: z.literal("test"), path: pointer, value: anyJson }),
]);

export const patchWorkflow = defineTool({
  name: "patch_workflow",
  arguments: z.strictObject({
    patch_spec: z.strictObject({
      operations: z.array(operationSchema).min(1).max(PATCH_OPERATIONS_MAX),
      description: z.string().max(DESCRIPTION_LENGTH_MAX).describe("what the change is for, in a sentence").optional(),
    }),
    workflow_tag: tagSchema.optional(),
  }),
  example: {
    patch_spec: {
      operations: [
        { op: "add", path: "/nodes/-", value: { id: "check", type: "transform", config: { expression: "output" } } },
        { op: "add", path: "/edges/-", value: { from: "think", to: "check" } },
      ],
      description: "check the answer before it is saved",
    },
  },
  readsOnly: () => false,
  async run({ patch_spec, workflow_tag }, context): Promise<ToolAnswer> {
    const operations = patch_spec.operations as Json[];
    const description = patch_spec.description ?? null;
    if (workflow_tag !== undefined) {
      const proposed = await context.ports.proposeWorkflowChange(workflow_tag, operations, description);
      if (!proposed.ok) return refused(proposed.error);
      const { proposal_id } = proposed.value;
      return { ok: true, result: { proposal_id, note: "kept for a human to decide; nothing has changed yet" } };
    }
    const applied = await context.ports.proposePatch(operations, description);
    if (applied.ok) {
      const { diff, gated } = applied.value;
      const note = gated
        ? "kept for a human to decide on"
        : "it takes effect with your final answer, before your successors start";
      return { ok: true, result: { applied: gated !== true, diff, note } };
    }
    const { reason, problems, example } = applied.error;
    const details = problems.map(({ pointer: at, message }) => `${at || "patch"}: ${message}`).join("; ");
    return { ok: false, error: `the patch was refused: ${reason}${details === "" ? "" : ` (${details})`}`, example };
  },
});
