/** `weir profile heap`: what the Worker holds in memory. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { attachToLocalRuntime, keepProfile } from "../local-inspector.ts";
import { whole } from "../options.ts";

export const profileHeap = new Command("heap")
  .description("a heap snapshot of the local runtime, for DevTools' Memory panel")
  .option("--out <file>", "where to write it; by default weir-<time>.heapsnapshot")
  .option("--inspector-port <port>", "as WEIR_INSPECTOR_PORT was when Weir was started", whole(1, 65_535))
  .action(async ({ out, inspectorPort }, command) => {
    const { output } = contextOf(command);
    const profiler = await attachToLocalRuntime(inspectorPort);
    const snapshot = await profiler.heapSnapshot();
    profiler.close();
    output.line(keepProfile(out, "heapsnapshot", snapshot));
  });
