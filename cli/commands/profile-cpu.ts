/** `weir profile cpu`: what the Worker's JavaScript does for some seconds. */
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { attachToLocalRuntime, keepProfile } from "../local-inspector.ts";
import { whole } from "../options.ts";

export const profileCpu = new Command("cpu")
  .description("a CPU profile of the local runtime, for DevTools' Performance panel")
  .option("--seconds <number>", "for so long", whole(1, 600), 10)
  .option("--out <file>", "where to write it; by default weir-<time>.cpuprofile")
  .option("--inspector-port <port>", "as WEIR_INSPECTOR_PORT was when Weir was started", whole(1, 65_535))
  .action(async ({ seconds, out, inspectorPort }, command) => {
    const { output, signal } = contextOf(command);
    const profiler = await attachToLocalRuntime(inspectorPort);
    output.note(`profiling for ${seconds} s; Ctrl+C ends it early`);
    const profile = await profiler.profile(() => sleep(seconds * 1_000, undefined, { signal }).catch(() => {}));
    profiler.close();
    output.line(keepProfile(out, "cpuprofile", JSON.stringify(profile)));
  });
