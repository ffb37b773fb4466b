/** `weir tail`: every event of the tenant as it happens. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { renderLogLine } from "../event-line.ts";
import { printTenant } from "./logs.ts";

export const tail = new Command("tail")
  .description("every event of the tenant as it happens, until Ctrl+C")
  .action(async (_options, command) => {
    const context = contextOf(command);
    const { output } = context;
    const nothing = { lines: [], after: new Map<string, number>(), ended: new Set<string>() };
    output.note("waiting for events; Ctrl+C ends");
    await printTenant(context, nothing, { level: "debug" }, (line) => output.line(renderLogLine(line, output, true)));
  });
