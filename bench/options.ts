/** The command line, parsed once. */
import path from "node:path";
import { parseArgs } from "node:util";
import { WORKLOAD_NAMES, type WorkloadName } from "./workloads.ts";

export const USAGE = `npm run bench -- [options]
  --runs N          calls of one load (500)
  --in-flight N     of them at once (50)
  --repetitions N   of everything; the table shows medians (3)
  --only a,b        workloads: ${WORKLOAD_NAMES.join(", ")}
  --url URL --key KEY [--state DIR] [--server-port N]
                    a running Weir instead of one of its own; its state folder tells its process, and it must have been
                    started with WEIR_ALLOW_PRIVATE_HOSTS=127.0.0.1:N for http3
  --out FILE        results as JSON (dist/bench/<time>.json)
  --compare FILE    ratios to earlier results
  --telemetry       only what telemetry costs: chain5 with it on and off, in turn
  --flat            only whether a step costs the same early and late in a run of thousands
  --profile         no figures: a CPU profile of workerd for each workload, and where the time goes`;

export interface Options {
  runs: number;
  inFlight: number;
  repetitions: number;
  workloads: readonly WorkloadName[];
  running: { url: string; key: string; state: string | null } | null;
  serverPort: number;
  out: string;
  compare: string | null;
  flat: boolean;
  telemetry: boolean;
  profile: boolean;
}

/** Throws with one line about what is wrong; an empty one when only the usage was asked for. */
export function readOptions(args: readonly string[], nowMs: number): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "500" },
      "in-flight": { type: "string", default: "50" },
      repetitions: { type: "string", default: "3" },
      only: { type: "string", default: WORKLOAD_NAMES.join(",") },
      url: { type: "string" },
      key: { type: "string" },
      state: { type: "string" },
      "server-port": { type: "string", default: "0" },
      out: { type: "string" },
      compare: { type: "string" },
      flat: { type: "boolean", default: false },
      telemetry: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) throw new Error("");
  const wanted = values.only.split(",");
  const unknown = wanted.find((name) => !WORKLOAD_NAMES.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`--only names ${WORKLOAD_NAMES.join(", ")}, not "${unknown}"`);
  if ((values.url === undefined) !== (values.key === undefined)) throw new Error("--url and --key go together");
  if (values.telemetry && values.url !== undefined)
    throw new Error("--telemetry needs Weirs of its own: leave out --url");
  if (values.profile && values.url !== undefined) throw new Error("--profile needs a Weir of its own: leave out --url");
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(":", "");
  return {
    runs: whole("--runs", values.runs, 1, 100_000),
    inFlight: whole("--in-flight", values["in-flight"], 1, 1_000),
    repetitions: whole("--repetitions", values.repetitions, 1, 50),
    workloads: WORKLOAD_NAMES.filter((name) => wanted.includes(name)),
    running:
      values.url === undefined || values.key === undefined
        ? null
        : { url: values.url, key: values.key, state: values.state ?? null },
    serverPort: whole("--server-port", values["server-port"], 0, 65_535),
    out: path.resolve(values.out ?? `dist/bench/${stamp}.json`),
    compare: values.compare ?? null,
    flat: values.flat,
    telemetry: values.telemetry,
    profile: values.profile,
  };
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}, not "${text}"`);
}
