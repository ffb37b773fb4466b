/** Counts a process's fsync and fdatasync calls with strace while something runs; strace slows it, so time nothing then. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const ATTACH_MS_MAX = 5_000;

/** The number of calls, or why they could not be counted. */
export type SyncCount = { syncs: number } | { because: string };

export async function countSyncs(pid: number | null, run: () => Promise<void>): Promise<SyncCount> {
  if (pid === null) return { because: "the process of workerd is not known: give --state" };
  const strace = spawn("strace", ["-f", "-c", "-e", "trace=fsync,fdatasync", "-p", String(pid)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const written = { text: "" };
  strace.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    written.text += chunk;
  });
  const refusal = await attached(strace, written);
  if (refusal !== null) return { because: refusal };
  const ended = once(strace, "exit");
  try {
    await run();
  } finally {
    strace.kill("SIGINT");
    await ended;
  }
  return { syncs: callsIn(written.text) };
}

/** Null once strace follows the process, else why it does not. */
async function attached(strace: ChildProcess, written: { text: string }): Promise<string | null> {
  const failed = once(strace, "exit").then(
    () => `strace ended: ${written.text.trim().slice(0, 200)}`,
    (error: Error) => `strace is not there: ${error.message}`,
  );
  const late = new Promise<string>((resolve) => {
    setTimeout(resolve, ATTACH_MS_MAX, "strace does not attach").unref();
  });
  const follows = new Promise<null>((resolve) => {
    strace.stderr?.on("data", () => {
      if (/attached/.test(written.text)) resolve(null);
    });
  });
  const refusal = await Promise.race([follows, failed, late]);
  if (refusal !== null) strace.kill();
  return refusal;
}

/** Sums the column "calls" of `strace -c`: % time, seconds, usecs/call, calls, errors, syscall. */
function callsIn(summary: string): number {
  const rows = summary.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?f(?:data)?sync$/gm);
  return [...rows].reduce((sum, [, calls]) => sum + Number(calls), 0);
}
