/** The step `jq_transform`. jq is loaded when a pipeline first needs it. */
import { z } from "zod";
import { refuse, stepType } from "./step.ts";

export const jqTransform = stepType({
  schema: z.strictObject({
    step: z.literal("jq_transform"),
    query: z.string().min(1).describe("a jq 1.8 program, without modules, input, env and strftime"),
  }),
  run: async ({ query }, input, { tool, work }) => {
    const { compileJq } = await import("../jq/jq.ts");
    const program = compileJq(query);
    if (!program.ok) refuse(`the query cannot be used: ${program.error}`);
    const values = program.value.run(input, work, tool.nowMs());
    if (!values.ok) refuse(values.error);
    return program.value.givesSeveral ? values.value : (values.value[0] ?? null);
  },
});
