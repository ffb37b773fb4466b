/** The tool `delegate_to_agent`: a child run of another workflow, whose outputs come back. */
import { z } from "zod";
import { utf8Length } from "#kernel/json.ts";
import { tagSchema } from "#workflow/definition.ts";
import { anyObject } from "../argument-values.ts";
import { defineTool, refused } from "./define-tool.ts";
import { DELEGATED_INPUTS_BYTES_MAX } from "./limits.ts";
import { boundedResult } from "./result.ts";

export const delegateToAgent = defineTool({
  name: "delegate_to_agent",
  arguments: z.strictObject({
    agent: tagSchema.describe("tag of a workflow"),
    inputs: anyObject,
  }),
  example: { agent: "summarise-document", inputs: { url: "https://example.com/report" } },
  readsOnly: () => false,
  async run({ agent, inputs }, context) {
    const bytes = utf8Length(JSON.stringify(inputs));
    if (bytes > DELEGATED_INPUTS_BYTES_MAX) {
      return refused(`"inputs" has ${bytes} bytes; at most ${DELEGATED_INPUTS_BYTES_MAX} are handed over`);
    }
    const outputs = await context.ports.delegate(agent, inputs);
    return outputs.ok ? { ok: true, result: boundedResult(outputs.value) } : refused(outputs.error);
  },
});
