/** The command line as a whole: global options, commands, and how help and usage errors look. */
import { Command, Option } from "@commander-js/extra-typings";
import { version } from "../package.json";
import { approvals } from "./commands/approvals.ts";
import { approve } from "./commands/approve.ts";
import { artifact } from "./commands/artifact.ts";
import { bench } from "./commands/bench.ts";
import { budgets } from "./commands/budgets.ts";
import { cache } from "./commands/cache.ts";
import { addCompletion } from "./commands/completion.ts";
import { config } from "./commands/config.ts";
import { doctor } from "./commands/doctor.ts";
import { init } from "./commands/init.ts";
import { keys } from "./commands/keys.ts";
import { logs } from "./commands/logs.ts";
import { metrics } from "./commands/metrics.ts";
import { patch } from "./commands/patch.ts";
import { profile } from "./commands/profile.ts";
import { reject } from "./commands/reject.ts";
import { replay } from "./commands/replay.ts";
import { replayNode } from "./commands/replay-node.ts";
import { run } from "./commands/run.ts";
import { sql } from "./commands/sql.ts";
import { status } from "./commands/status.ts";
import { tail } from "./commands/tail.ts";
import { top } from "./commands/top.ts";
import { trace } from "./commands/trace.ts";
import { workflow } from "./commands/workflow.ts";
import { OUTPUT_MODES } from "./output.ts";
import { URL_DEFAULT } from "./settings.ts";

const EXAMPLES = `
Examples:
  weir run start flight-delays --wait
  weir run start workflow.json --inputs '{"n": 1}' -f
  weir logs -f run_…
  weir workflow push workflow.json
  weir doctor

Exit codes: 0 done, 1 the thing asked about failed or is invalid, 2 usage, not found, unauthorised or unreachable,
130 interrupted.`;

export function createProgram() {
  const program = new Command("weir")
    .description("Weir at the command line: start workflows, watch them, act on them.")
    .version(version)
    .option("--url <url>", `where Weir listens (also WEIR_URL; otherwise ${URL_DEFAULT})`)
    .option("--key <key>", "API key (also WEIR_KEY, which other users of the machine do not see)")
    .addOption(
      new Option("-o, --output <mode>", "pretty for people, json as the API answers, compact for other programs")
        .choices(OUTPUT_MODES)
        .default("pretty" as const),
    )
    .option("--no-color", "no colours (also NO_COLOR=1)")
    .option("--profile <name>", 'a profile of "weir config" (also WEIR_PROFILE)')
    .addHelpText("after", EXAMPLES)
    .addCommand(run)
    .addCommand(replay)
    .addCommand(replayNode)
    .addCommand(approvals)
    .addCommand(approve)
    .addCommand(reject)
    .addCommand(patch)
    .addCommand(workflow)
    .addCommand(artifact)
    .addCommand(logs)
    .addCommand(tail)
    .addCommand(trace)
    .addCommand(metrics)
    .addCommand(sql)
    .addCommand(status)
    .addCommand(top)
    .addCommand(doctor)
    .addCommand(keys)
    .addCommand(cache)
    .addCommand(budgets)
    .addCommand(init)
    .addCommand(config)
    .addCommand(bench)
    .addCommand(profile);
  addCompletion(program as unknown as Command);
  return program;
}
