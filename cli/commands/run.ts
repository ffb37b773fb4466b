/** `weir run`: one run or many. */
import { Command } from "@commander-js/extra-typings";
import { runCancel } from "./run-cancel.ts";
import { runDetails } from "./run-details.ts";
import { runExplain } from "./run-explain.ts";
import { runList } from "./run-list.ts";
import { runPause } from "./run-pause.ts";
import { runResume } from "./run-resume.ts";
import { runSignal } from "./run-signal.ts";
import { runStart } from "./run-start.ts";
import { runStatus } from "./run-status.ts";
import { runWait } from "./run-wait.ts";

export const run = new Command("run")
  .description("start runs, look at them, act on them")
  .addCommand(runStart)
  .addCommand(runStatus)
  .addCommand(runDetails)
  .addCommand(runExplain)
  .addCommand(runWait)
  .addCommand(runList)
  .addCommand(runCancel)
  .addCommand(runPause)
  .addCommand(runResume)
  .addCommand(runSignal);
