/** `weir metrics`: requests, resources and runs of the last hours. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { metricsLooks } from "../metrics-report.ts";

export const metrics = new Command("metrics")
  .description("requests, resources and runs of the last hours")
  .option("--window <time>", "15m, 6h, 7d; at most 90d", "1h")
  .action(async ({ window }, command) => {
    const { weir, output, signal } = contextOf(command);
    const summary = await weir.metrics.summary(window, { signal });
    output.answer(summary, metricsLooks(summary, output));
  });
