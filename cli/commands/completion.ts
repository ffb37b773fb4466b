/** `weir completion`: the script that makes a shell complete commands, options and their values. */

import tab from "@bomb.sh/tab/commander";
import type { Command } from "@commander-js/extra-typings";

/** Adds the command; to be called last, since it completes what is there by then. */
export function addCompletion(program: Command): void {
  tab(program as never, { completionCommandName: "completion" });
}
