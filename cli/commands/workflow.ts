/** `weir workflow`: definitions and their versions. */
import { Command } from "@commander-js/extra-typings";
import { workflowDelete } from "./workflow-delete.ts";
import { workflowDiff } from "./workflow-diff.ts";
import { workflowHistory } from "./workflow-history.ts";
import { workflowList } from "./workflow-list.ts";
import { workflowMove } from "./workflow-move.ts";
import { workflowPull } from "./workflow-pull.ts";
import { workflowPush } from "./workflow-push.ts";
import { workflowRedo } from "./workflow-redo.ts";
import { workflowShow } from "./workflow-show.ts";
import { workflowUndo } from "./workflow-undo.ts";
import { workflowValidate } from "./workflow-validate.ts";

export const workflow = new Command("workflow")
  .description("definitions: check them, store them, look at what changed")
  .addCommand(workflowValidate)
  .addCommand(workflowPush)
  .addCommand(workflowPull)
  .addCommand(workflowList)
  .addCommand(workflowShow)
  .addCommand(workflowDiff)
  .addCommand(workflowHistory)
  .addCommand(workflowUndo)
  .addCommand(workflowRedo)
  .addCommand(workflowMove)
  .addCommand(workflowDelete);
