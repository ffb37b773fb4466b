/** `weir patch`: changes of a run's workflow while it runs. */
import { Command } from "@commander-js/extra-typings";
import { patchDecide } from "./patch-decide.ts";
import { patchList } from "./patch-list.ts";
import { patchPropose } from "./patch-propose.ts";
import { patchRevert } from "./patch-revert.ts";
import { patchShow } from "./patch-show.ts";

export const patch = new Command("patch")
  .description("change the workflow of a run while it runs")
  .addCommand(patchList)
  .addCommand(patchShow)
  .addCommand(patchPropose)
  .addCommand(patchDecide)
  .addCommand(patchRevert);
