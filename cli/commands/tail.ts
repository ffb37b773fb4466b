/** `weir tail`: every event of the tenant as it happens. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { type LogLine, renderLogLine } from "../event-line.ts";
import { printTenant } from "./logs.ts";

export const tail = new Command("tail")
  .description("every event of the tenant as it happens, until Ctrl+C")
  .action(async (_options, command) => {
    const context = contextOf(command);
    const { output } = context;
    const nothing = { lines: [], after: new Map<string, number>(), ended: new Set<string>() };
    const print = (line: LogLine) => output.line(renderLogLine(line, output, true));
    // Said once it is true: who cannot be reached is told nothing else.
    const ready = () => output.note("waiting for events; Ctrl+C ends");
    await printTenant(context, nothing, { level: "debug" }, print, ready);
  });
