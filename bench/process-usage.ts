/** What a process has used, as Linux tells in /proc; null where it does not. */
import { readFileSync } from "node:fs";

export interface Usage {
  cpuSeconds: number;
  rssMb: number;
  /** Bytes that it caused to be sent to the disk. */
  writtenBytes: number | null;
}

/** USER_HZ of proc(5): 100 on every architecture that workerd runs on. */
const TICKS_PER_SECOND = 100;

export function usageOf(pid: number | null): Usage | null {
  if (pid === null) return null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc(5): the second field is the name in parentheses and may hold blanks; fields 14 and 15 are user and system.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      rssMb: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1_024,
      writtenBytes: writtenBytesOf(pid),
    };
  } catch {
    return null;
  }
}

function writtenBytesOf(pid: number): number | null {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? Number.NaN);
  } catch {
    return null;
  }
}
