/**
 * What telemetry costs: chain5 on two Weirs, one with all of it on and one with `WEIR_TELEMETRY=off`, in turn, each
 * pair in the other order than the one before, so that what else the machine does falls on both alike.
 */
import { type Measurement, measure } from "./measurement.ts";
import type { Options } from "./options.ts";
import { quantile } from "./statistics.ts";
import { Target } from "./target.ts";
import { workloadOf } from "./workloads.ts";

/** Of the runs a second without telemetry, this share must be left with it. */
const SHARE_MIN = 0.85;

interface Pair {
  on: Measurement;
  off: Measurement;
}

/** `opened` is told of each Weir, so that it ends whatever happens. */
export async function measureTelemetryCost(
  options: Options,
  server: string,
  opened: (weir: Target) => void,
  told: (what: string) => void,
): Promise<string> {
  const { runs: count, inFlight, repetitions } = options;
  const workload = workloadOf("chain5", server);
  const weirs = { on: await Target.open(options, server), off: null as Target | null };
  opened(weirs.on);
  weirs.off = await Target.open(options, server, { WEIR_TELEMETRY: "off" });
  const off = weirs.off;
  opened(off);
  const once = (weir: Target) =>
    measure(weir.pid, { count, inFlight }, async (n) => void (await weir.run(workload, n)));
  for (const weir of [weirs.on, off]) {
    await weir.save(workload);
    told("warm-up");
    await once(weir);
  }
  const pairs: Pair[] = [];
  for (let i = 0; i < repetitions; i++) {
    told(`pair ${i + 1} of ${repetitions}`);
    if (i % 2 === 0) {
      const first = await once(weirs.on);
      pairs.push({ on: first, off: await once(off) });
    } else {
      const first = await once(off);
      pairs.push({ on: await once(weirs.on), off: first });
    }
  }
  return describe(pairs, count, inFlight);
}

function describe(pairs: readonly Pair[], count: number, inFlight: number): string {
  const rate = ({ seconds }: Measurement) => count / seconds;
  const line = ({ on, off }: Pair) =>
    `  ${rate(on).toFixed(0).padStart(6)} runs/s on ${rate(off).toFixed(0).padStart(6)} off ` +
    `${((100 * rate(on)) / rate(off)).toFixed(1).padStart(6)} %   CPU ${cpu(on)} ms each on, ${cpu(off)} off`;
  const shares = pairs.map(({ on, off }) => rate(on) / rate(off)).sort((left, right) => left - right);
  const cpuShares = pairs
    .flatMap(({ on, off }) =>
      on.weir_cpu_ms_each === null || off.weir_cpu_ms_each === null ? [] : [on.weir_cpu_ms_each / off.weir_cpu_ms_each],
    )
    .sort((left, right) => left - right);
  const share = quantile(shares, 0.5);
  return [
    `chain5, ${count} runs with ${inFlight} in flight, telemetry on and off in turn:`,
    ...pairs.map(line),
    `  median: ${(100 * share).toFixed(1)} % of the runs a second without it (goal ≥ ${100 * SHARE_MIN} %)` +
      (cpuShares.length === 0 ? "" : `, ${quantile(cpuShares, 0.5).toFixed(2)} times its CPU`),
  ].join("\n");
}

function cpu({ weir_cpu_ms_each: each }: Measurement): string {
  return each === null ? "?" : each.toFixed(2);
}
