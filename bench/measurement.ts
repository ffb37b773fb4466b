/** One measured load: how fast it went, and what Weir's process and the driver used for it. */
import { setTimeout as sleep } from "node:timers/promises";
import { drive, type Load, type Timing } from "./load.ts";
import { type Usage, usageOf } from "./process-usage.ts";

export interface Measurement extends Timing {
  count: number;
  in_flight: number;
  /** User and system time of workerd for each call, with what follows within `SETTLE_MS` (rows to D1). */
  weir_cpu_ms_each: number | null;
  /** Cores in use while the load ran. */
  weir_cores: number | null;
  driver_cores: number;
  written_kb_each: number | null;
  rss_before_mb: number | null;
  rss_after_mb: number | null;
}

/** A little longer than the coordinator gathers rows for D1, so that a run pays for its own. */
const SETTLE_MS = 800;

export async function measure(
  pid: number | null,
  load: Load,
  once: (n: number) => Promise<void>,
): Promise<Measurement> {
  const before = usageOf(pid);
  const driverBefore = process.cpuUsage();
  const timing = await drive(load, once);
  const driver = process.cpuUsage(driverBefore);
  const loaded = usageOf(pid);
  await sleep(SETTLE_MS);
  const after = usageOf(pid);
  const cpu = difference(before, after, (usage) => usage.cpuSeconds);
  const loadedCpu = difference(before, loaded, (usage) => usage.cpuSeconds);
  const written = difference(before, after, (usage) => usage.writtenBytes);
  return {
    ...timing,
    count: load.count,
    in_flight: load.inFlight,
    weir_cpu_ms_each: cpu === null ? null : (cpu * 1_000) / load.count,
    weir_cores: loadedCpu === null ? null : loadedCpu / timing.seconds,
    driver_cores: (driver.user + driver.system) / 1e6 / timing.seconds,
    written_kb_each: written === null ? null : written / 1_024 / load.count,
    rss_before_mb: before?.rssMb ?? null,
    rss_after_mb: after?.rssMb ?? null,
  };
}

function difference(before: Usage | null, after: Usage | null, read: (usage: Usage) => number | null): number | null {
  const from = before === null ? null : read(before);
  const to = after === null ? null : read(after);
  return from === null || to === null ? null : to - from;
}
