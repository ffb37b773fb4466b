/** `weir artifact`: definitions by content address. */
import { Command } from "@commander-js/extra-typings";
import { artifactGet } from "./artifact-get.ts";

export const artifact = new Command("artifact")
  .description("definitions by their content address")
  .addCommand(artifactGet);
