/** `weir doctor`: checks a deployment from the outside and says what to mend. */
import { Command } from "@commander-js/extra-typings";
import { contextOf } from "../context.ts";
import { examine, type Finding } from "../examination.ts";
import { EXIT } from "../failure.ts";
import { fields, type Style } from "../output.ts";

const SIGNS: Readonly<Record<Finding["outcome"], { sign: string; style: Style }>> = {
  ok: { sign: "✓", style: "green" },
  note: { sign: "·", style: "dim" },
  warn: { sign: "!", style: "yellow" },
  bad: { sign: "✗", style: "red" },
};

export const doctor = new Command("doctor")
  .description("check a deployment and say what to mend; exit code 1 when something must be mended")
  .option("--no-run", "leave out the checks that start a run")
  .action(async (options, command) => {
    const context = contextOf(command);
    const { output } = context;
    const { paint } = output;
    const findings: Finding[] = [];
    for await (const finding of examine(context, { mayRun: options.run })) {
      findings.push(finding);
      if (output.mode === "compact") output.line(fields(finding.outcome, finding.name, finding.detail, finding.mend));
      if (output.mode !== "pretty") continue;
      const { sign, style } = SIGNS[finding.outcome];
      output.line(`${paint(style, sign)} ${paint("bold", finding.name.padEnd(14))} ${finding.detail}`);
      if (finding.mend !== undefined) output.line(`  ${" ".repeat(14)} ${paint("cyan", `→ ${finding.mend}`)}`);
    }
    const bad = findings.filter(({ outcome }) => outcome === "bad").length;
    const warned = findings.filter(({ outcome }) => outcome === "warn").length;
    if (output.mode === "json") output.line(JSON.stringify({ healthy: bad === 0, findings }));
    else if (output.mode === "pretty") output.lines(["", verdict(bad, warned)]);
    if (bad > 0) process.exitCode = EXIT.failed;
  });

function verdict(bad: number, warned: number): string {
  if (bad > 0) return `${bad} to mend${warned > 0 ? `, ${warned} to look at` : ""}`;
  return warned > 0 ? `nothing to mend, ${warned} to look at` : "all well";
}
