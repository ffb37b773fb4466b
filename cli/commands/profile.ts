/** `weir profile`: where the local runtime spends its time or memory. */
import { Command } from "@commander-js/extra-typings";
import { profileCpu } from "./profile-cpu.ts";
import { profileHeap } from "./profile-heap.ts";

export const profile = new Command("profile")
  .description("of the local runtime: a file that DevTools opens")
  .addCommand(profileCpu)
  .addCommand(profileHeap);
