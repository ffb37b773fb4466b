/** `weir logs`: what runs have logged, and what they log from now on. */
import { Command, Option } from "@commander-js/extra-typings";
import { EVENT_LEVELS as LEVELS, type EventLevel as Level } from "#engine/event-words.ts";
import { type Context, contextOf } from "../context.ts";
import { type LogLine, logLineOf, renderLogLine } from "../event-line.ts";
import { span, whole } from "../options.ts";
import { followTenant, type History, readHistory, recentRuns } from "../run-history.ts";

const TAIL_MAX = 100_000;
/** Lines of the whole installation that are shown when nothing else is said. */
const TAIL_DEFAULT = 100;

export interface LineFilter {
  level: Level;
  node?: string | undefined;
  service?: string | undefined;
  sinceMs?: number | undefined;
}

export const logs = new Command("logs")
  .description("logs of runs, or of the whole tenant without an id")
  .argument("[run_id...]")
  .option("-f, --follow", "go on with what comes, until the runs have ended")
  .option("-n, --tail <number>", "only the last so many lines", whole(0, TAIL_MAX))
  .option("--since <time>", 'only lines of the last "30s", "5m", "2h"', span)
  .option("--node <id>", "only lines of this node")
  .addOption(new Option("--level <level>", "this level and above").choices(LEVELS).default("info" as const))
  .addOption(new Option("--filter <what>", "errors: only what went wrong").choices(["errors", "all"] as const))
  .option("--service <name>", "only lines of coordinator, http-worker, agent-runner, hitl-worker")
  .action(async (ids, options, command) => {
    const context = contextOf(command);
    const filter: LineFilter = {
      level: options.filter === "errors" ? "error" : options.level,
      node: options.node,
      service: options.service,
      sinceMs: options.since === undefined ? undefined : Date.now() - options.since,
    };
    const isOfTenant = ids.length === 0;
    const wanted = [...new Set(ids)];
    const runs = isOfTenant
      ? (await recentRuns(context.weir, filter.sinceMs, context.signal)).map((run) => run.run_id)
      : wanted;
    const withRun = isOfTenant || wanted.length > 1;
    const history = await readHistory(context.weir, runs, context.signal);
    const print = (line: LogLine) => context.output.line(renderLogLine(line, context.output, withRun));
    const lines = history.lines.filter((line) => passes(line, filter));
    const tail = options.tail ?? (isOfTenant ? TAIL_DEFAULT : lines.length);
    // `slice(-0)` would be all of them.
    for (const line of lines.slice(lines.length - Math.min(tail, lines.length))) print(line);
    if (options.follow !== true) return;
    if (isOfTenant) await printTenant(context, history, filter, print);
    else await Promise.all(wanted.map((id) => followRun(context, id, history, filter, print)));
  });

/** Prints what the tenant's runs log from now on, until Ctrl+C. */
export async function printTenant(
  { weir, signal }: Context,
  history: History,
  filter: LineFilter,
  print: (line: LogLine) => void,
  ready: () => void = () => {},
): Promise<void> {
  for await (const line of followTenant(weir, history, signal, ready)) if (passes(line, filter)) print(line);
}

async function followRun(
  { weir, signal }: Context,
  id: string,
  { after, ended }: History,
  filter: LineFilter,
  print: (line: LogLine) => void,
): Promise<void> {
  if (ended.has(id)) return;
  for await (const event of weir.runs.stream(id, { after: after.get(id) ?? 0, signal })) {
    const line = logLineOf(id, event);
    if (passes(line, filter)) print(line);
  }
}

function passes(line: LogLine, { level, node, service, sinceMs }: LineFilter): boolean {
  return (
    LEVELS.indexOf(line.level) >= LEVELS.indexOf(level) &&
    (node === undefined || line.node === node) &&
    (service === undefined || line.service === service) &&
    (sinceMs === undefined || Date.parse(line.at) >= sinceMs)
  );
}
