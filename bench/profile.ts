/** `--profile`: runs each workload under workerd's CPU profiler, keeps the profiles and says where the time went. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildWorker } from "../scripts/local-runtime/build.mjs";
import { freePort } from "../test/support/loopback.ts";
import { describeHotSpots, Sources } from "./hot-spots.ts";
import { drive } from "./load.ts";
import type { Options } from "./options.ts";
import { Profiler } from "./profiler.ts";
import { Target } from "./target.ts";
import { workloadOf } from "./workloads.ts";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const SPOTS = 25;

export async function profileWorkloads(
  options: Options,
  server: string,
  opened: (target: Target) => void,
): Promise<string> {
  const port = await freePort();
  const target = await Target.open(options, server, { WEIR_INSPECTOR_PORT: String(port) });
  opened(target);
  const [bundle] = await buildWorker(ROOT, path.join(ROOT, "workers/index.ts"));
  const sources = new Sources(String(bundle?.contents));
  const folder = path.dirname(options.out);
  mkdirSync(folder, { recursive: true });
  const profiler = await Profiler.attach(port);
  const parts: string[] = [];
  const load = { count: options.runs, inFlight: options.inFlight };
  for (const name of options.workloads) {
    const workload = workloadOf(name, server);
    await target.save(workload);
    const once = async (n: number) => void (await target.run(workload, n));
    await drive(load, once);
    const profile = await profiler.profile(async () => void (await drive(load, once)));
    const file = path.join(folder, `${path.basename(options.out, ".json")}-${name}.cpuprofile`);
    writeFileSync(file, JSON.stringify(profile));
    parts.push(
      `${name}, ${load.inFlight} in flight: ${file}`,
      describeHotSpots(profile, sources, load.count, SPOTS),
      "",
    );
  }
  profiler.close();
  return parts.join("\n");
}
