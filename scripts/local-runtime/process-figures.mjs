/** Tells Weir every few seconds what its runtime uses: a Worker cannot read that of itself. Linux only. */
import { readFileSync } from "node:fs";

const INTERVAL_MS = 5_000;

/** USER_HZ of proc(5): 100 on every architecture that workerd runs on. */
const TICKS_PER_SECOND = 100;

/** @param {number} pid @returns {{ resident_memory_bytes: number, cpu_seconds: number, threads: number, start_time_seconds: number } | null} */
export function figuresOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc(5): the second field is the name in parentheses and may hold blanks; of those after it 12 and 13 are user
    // and system time, 18 the number of threads, 20 the start in ticks since boot.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const bootSeconds = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]);
    const figures = {
      resident_memory_bytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024,
      cpu_seconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      threads: Number(fields[17]),
      start_time_seconds: bootSeconds + Number(fields[19]) / TICKS_PER_SECOND,
    };
    return Object.values(figures).every(Number.isFinite) ? figures : null;
  } catch {
    return null;
  }
}

/**
 * @param {import("./api-client.mjs").ApiClient} api
 * @param {() => { pid: number, restarts: number } | null} runtime Null while it does not run.
 * @returns {() => void} Ends it.
 */
export function tellProcessFigures(api, runtime) {
  const timer = setInterval(async () => {
    const now = runtime();
    const figures = now === null ? null : figuresOf(now.pid);
    if (now === null || figures === null) return;
    // It may be restarting: the next time will do.
    await api.call("POST", "/internal/process", { ...figures, restarts: now.restarts }).catch(() => undefined);
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
