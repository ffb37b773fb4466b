/** Takes the next event of a run into its model, by the rule for its type; throws what is wrong with it. */
import type { RunEvent } from "#engine/events.ts";
import { ENDING_RULES } from "./ending-rules.ts";
import { NODE_RULES } from "./node-rules.ts";
import { PATCH_RULES } from "./patch-rules.ts";
import { REPLAY_RULES } from "./replay-rules.ts";
import type { RunModel } from "./run-model.ts";
import { RUN_RULES } from "./run-rules.ts";
import { TASK_RULES } from "./task-rules.ts";
import { must } from "./violation.ts";
import { WAITING_RULES } from "./waiting-rules.ts";

const RULES = {
  ...RUN_RULES,
  ...NODE_RULES,
  ...TASK_RULES,
  ...ENDING_RULES,
  ...WAITING_RULES,
  ...PATCH_RULES,
  ...REPLAY_RULES,
};

export function take(run: RunModel, event: RunEvent): void {
  run.append(event);
  const rule = RULES[event.type] as ((run: RunModel, event: RunEvent) => void) | undefined;
  must(rule !== undefined, "rules", () => `the model knows no event ${event.type}`);
  rule(run, event);
  run.statuses.push(run.visibleStatus());
}
