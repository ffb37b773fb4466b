/** `weir sql`: a query over points, as a table, as JSON, or as CSV. */
import { Command, Option } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { csvLines, type Rows, rowTable } from "../rows.ts";

export const sql = new Command("sql")
  .description("query points in the dialect of Analytics Engine; readable column names work as well")
  .argument("<query>")
  .addOption(
    new Option("--format <format>", "json is the API's answer")
      .choices(["table", "json", "csv"] as const)
      .default("table" as const),
  )
  .action(async (query, { format }, command) => {
    const { weir, output, signal } = contextOf(command);
    const text = await weir.metrics.sqlText(query, { signal });
    const result = resultOf(text);
    // The query asked for a format of its own: that is what is printed.
    if (result === null) output.lines([text.trimEnd()]);
    else if (format === "json" || output.mode === "json") output.line(text);
    else if (format === "csv") output.lines(csvLines(result));
    else if (output.mode === "compact") output.lines(csvLines(result, "\t").slice(1));
    else output.lines(rowTable(result, output));
  });

function resultOf(text: string): Rows | null {
  try {
    const parsed = JSON.parse(text) as Partial<Rows>;
    return Array.isArray(parsed.meta) && Array.isArray(parsed.data) ? (parsed as Rows) : null;
  } catch {
    return null;
  }
}
