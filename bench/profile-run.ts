/**
 * `npm run profile -- --seconds 10`: a CPU profile of workerd under a mixed load, then a snapshot of its heap, as files that
 * the browser's developer tools open. The load is that of the bench; the Weir is one of its own.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildWorker } from "../scripts/local-runtime/build.mjs";
import { freePort } from "../test/support/loopback.ts";
import { describeHotSpots, Sources } from "./hot-spots.ts";
import { readOptions } from "./options.ts";
import { Profiler } from "./profiler.ts";
import { startSlowServer } from "./slow-server.ts";
import { Target } from "./target.ts";
import { WORKLOAD_NAMES, workloadOf } from "./workloads.ts";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const SECONDS_MAX = 300;
const IN_FLIGHT = 50;
const SPOTS = 25;
const USAGE = `npm run profile -- [--seconds N] [--out FOLDER]   N from 1 to ${SECONDS_MAX} (10); FOLDER: dist/profile`;

interface Order {
  seconds: number;
  folder: string;
}

function readOrder(args: string[]): Order {
  const { values } = parseArgs({
    args,
    options: { seconds: { type: "string", default: "10" }, out: { type: "string", default: "dist/profile" } },
  });
  const seconds = Number(values.seconds);
  if (!/^\d+$/.test(values.seconds) || seconds < 1 || seconds > SECONDS_MAX) {
    throw new Error(`--seconds must be a whole number from 1 to ${SECONDS_MAX}, not "${values.seconds}"`);
  }
  return { seconds, folder: path.resolve(values.out) };
}

/** Runs of all workloads in turn, as many in flight as in the bench, until the time is up; gives how many there were. */
async function loadFor(target: Target, server: string, seconds: number): Promise<number> {
  const workloads = WORKLOAD_NAMES.map((name) => workloadOf(name, server));
  const until = performance.now() + seconds * 1_000;
  let runs = 0;
  const lane = async () => {
    while (performance.now() < until) {
      const n = runs++;
      const workload = workloads[n % workloads.length];
      if (workload !== undefined) await target.run(workload, n);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return runs;
}

async function profile({ seconds, folder }: Order): Promise<void> {
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  const server = await startSlowServer(0);
  const port = await freePort();
  const target = await Target.open(readOptions([], Date.now()), server.host, { WEIR_INSPECTOR_PORT: String(port) });
  try {
    for (const name of WORKLOAD_NAMES) await target.save(workloadOf(name, server.host));
    // Warm: code that is compiled once is not what is looked for.
    await loadFor(target, server.host, 1);
    const profiler = await Profiler.attach(port);
    let runs = 0;
    const cpu = await profiler.profile(async () => {
      runs = await loadFor(target, server.host, seconds);
    });
    const heap = await profiler.heapSnapshot();
    profiler.close();
    mkdirSync(folder, { recursive: true });
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
    const [cpuFile, heapFile] = [`weir-${stamp}.cpuprofile`, `weir-${stamp}.heapsnapshot`].map((name) =>
      path.join(folder, name),
    ) as [string, string];
    writeFileSync(cpuFile, JSON.stringify(cpu));
    writeFileSync(heapFile, heap);
    const [bundle] = await buildWorker(ROOT, path.join(ROOT, "workers/index.ts"));
    print(`${runs} runs in ${seconds} s, ${IN_FLIGHT} in flight\n`);
    print(describeHotSpots(cpu, new Sources(String(bundle?.contents)), runs, SPOTS));
    print(
      `\nCPU profile:   ${cpuFile}\nheap snapshot: ${heapFile}\nBoth open in the developer tools of Chrome (Performance, Memory).`,
    );
  } finally {
    await target.close();
    server.close();
  }
}

try {
  await profile(readOrder(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`profile: ${error instanceof Error ? error.message : error}\n${USAGE}\n`);
  process.exitCode = 2;
}
