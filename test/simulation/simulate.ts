/** `npm run simulate`: the door. Runs seeds or a script, says what became of them, and ends with 1 when a check was broken. */
import { readFileSync } from "node:fs";
import { installModuleHooks } from "./module-hooks.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { type Tally, Threads } from "./threads.ts";

const print = (text: string) => void process.stdout.write(`${text}\n`);

/** Exit code of a command line that cannot be understood. */
const USAGE_EXIT = 2;

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    const { message } = error as Error;
    print(message === "" ? USAGE : `simulate: ${message}\n${USAGE}`);
    return message === "" ? 0 : USAGE_EXIT;
  }
  return options.script !== null || options.trace ? tellOne(options) : runSeeds(options);
}

/** One scenario, with all that happens. */
async function tellOne({ script, from, bug }: Options): Promise<number> {
  installModuleHooks(bug);
  const { reportOf } = await import("./report.ts");
  const { scenarioOf } = await import("./scenario/generate.ts");
  const scenario = script === null ? scenarioOf(from) : (JSON.parse(readFileSync(script, "utf8")) as Scenario);
  const report = await reportOf(scenario);
  print(report);
  return report.includes("\nCheck ") ? 1 : 0;
}

async function runSeeds({ seeds, from, threads: count, goOn, shrinks, bug }: Options): Promise<number> {
  const threads = new Threads(Math.min(count, Math.ceil(seeds / 20)), bug);
  const beganMs = performance.now();
  const summary = ({ seeds: done, steps, events }: Tally) =>
    `${done} seeds from ${from}, ${events} events, ${steps} steps, ${((performance.now() - beganMs) / 1000).toFixed(1)} s`;
  try {
    const { isTTY } = process.stdout;
    const tally = await threads.run({ from, seeds, goOn }, (so) => {
      if (isTTY) process.stdout.write(`\r${summary(so)} of ${seeds}`);
    });
    if (isTTY) process.stdout.write("\r\u001b[K");
    const [first] = tally.failures;
    if (first === undefined) {
      print(`${summary(tally)}: every check holds`);
      return 0;
    }
    print(await threads.tell(first.seed, shrinks));
    print("");
    for (const { seed, check, message } of tally.failures)
      print(`seed ${seed} breaks ${check}: ${message.slice(0, 500)}`);
    print(`${summary(tally)}: ${tally.failures.length} failed`);
    return 1;
  } finally {
    await threads.close();
  }
}

process.exitCode = await main();
