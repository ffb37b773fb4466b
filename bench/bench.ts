/** `npm run bench`: the door. Reads the command line, opens what is needed, and sees that all of it ends again. */
import { measureFlatness } from "./flatness.ts";
import { describeMachine, describeVersions } from "./machine.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { profileWorkloads } from "./profile.ts";
import { type Results, readResults, writeResults } from "./results.ts";
import { runSession } from "./session.ts";
import { startSlowServer } from "./slow-server.ts";
import { describeComparison, describeResults } from "./table.ts";
import { Target } from "./target.ts";
import { measureTelemetryCost } from "./telemetry-cost.ts";

/** However it goes, the bench ends by then. */
const BENCH_MS_MAX = 20 * 60_000;

const print = (text: string) => void process.stdout.write(`${text}\n`);
const complain = (text: string) => void process.stderr.write(`${text}\n`);

async function bench(options: Options): Promise<void> {
  const machine = describeMachine();
  const server = await startSlowServer(options.serverPort);
  const targets: Target[] = [];
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= (async () => {
      server.close();
      await Promise.all(targets.map((target) => target.close()));
    })();
    return closing;
  };
  const stop = (why: string) => {
    complain(`bench: ${why}`);
    void close().finally(() => process.exit(1));
  };
  setTimeout(stop, BENCH_MS_MAX, `more than ${BENCH_MS_MAX / 60_000} minutes`).unref();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop(signal));
  try {
    const opened = (weir: Target) => void targets.push(weir);
    if (options.telemetry) {
      print(await measureTelemetryCost(options, server.host, opened, complain));
      return;
    }
    if (options.profile) {
      print(await profileWorkloads(options, server.host, opened));
      return;
    }
    const weir = await Target.open(options, server.host);
    targets.push(weir);
    if (options.flat) {
      print(await measureFlatness(weir, server.host));
      return;
    }
    const session = await runSession(weir, server.host, options, complain);
    const { runs, inFlight, repetitions, running } = options;
    const settings = { runs, in_flight: inFlight, repetitions, own_weir: running === null };
    const date = new Date().toISOString();
    const results: Results = { v: 1, date, machine, versions: describeVersions(), settings, ...session };
    writeResults(options.out, results);
    print(describeResults(results));
    if (options.compare !== null) print(`\n${describeComparison(results, readResults(options.compare))}`);
    print(`\nkept in ${options.out}`);
  } finally {
    await close();
  }
}

let options: Options | null = null;
try {
  options = readOptions(process.argv.slice(2), Date.now());
} catch (error) {
  const problem = error instanceof Error ? error.message : String(error);
  complain(problem === "" ? USAGE : `bench: ${problem}\n\n${USAGE}`);
  process.exitCode = problem === "" ? 0 : 2;
}
if (options !== null) {
  try {
    await bench(options);
  } catch (error) {
    complain(`bench: ${error instanceof Error ? error.stack : error}`);
    process.exitCode = 1;
  }
}
