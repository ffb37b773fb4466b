/**
 * Which processes a start has and how none of them outlives it: workerd does not notice that its parent died, so a
 * watchdog ends it. Knows the operating system; knows nothing of what the processes do.
 */
import { spawn } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * @typedef {{ pid: number, startedAt: string | null }} ProcessIdentity A process number alone may be somebody else's
 * by now; with the time of its start it is one process. Null where the system does not tell.
 */

const ORPHAN_WAIT_MS = 3_000;
const PARENT_POLL_MS = 100;

/** @param {number} pid @returns {ProcessIdentity} */
export function identify(pid) {
  return { pid, startedAt: statusOf(pid)?.startedAt ?? null };
}

/**
 * Tells of every workerd that this process starts. Miniflare keeps the child to itself, Node's own channel does not.
 * @param {(identity: ProcessIdentity) => void} started
 */
export function onWorkerdStart(started) {
  subscribe("child_process", (message) => {
    const child = /** @type {{ process: import("node:child_process").ChildProcess }} */ (message).process;
    child.once("spawn", () => {
      if (child.pid !== undefined && isWorkerd(child.spawnfile)) started(identify(child.pid));
    });
  });
}

/**
 * Ends the workerd that a killed start left behind, if it is still that very process.
 * @param {ProcessIdentity | undefined} left
 * @returns {Promise<boolean>} Whether there was one.
 */
export async function endOrphan(left) {
  if (left === undefined || !Number.isInteger(left.pid) || left.pid <= 1 || left.startedAt === null) return false;
  const isStillIt = () => statusOf(left.pid)?.startedAt === left.startedAt;
  if (!isStillIt() || !isWorkerd(commandOf(left.pid))) return false;
  process.kill(left.pid, "SIGKILL");
  for (let waited = 0; isStillIt() && waited < ORPHAN_WAIT_MS; waited += 20) await sleep(20);
  return true;
}

/**
 * A few lines of shell that wait on a pipe from us and know the runtime's process number. The pipe closes when this
 * process ends, whatever ended it; then they kill the runtime. Written in shell because it costs 1 MB, not 40.
 */
const WATCHDOG = `trap '' INT TERM HUP
pid=
while read -r line; do pid=$line; done
[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null
exit 0`;

export class Watchdog {
  /** @type {import("node:child_process").ChildProcess | null} */
  #child = null;
  #pid = 0;
  #isStopped = false;

  start() {
    const child = spawn("/bin/sh", ["-c", WATCHDOG], { stdio: ["pipe", "ignore", "ignore"] });
    this.#child = child;
    // Without a shell (Windows) there is no watchdog; the next start still ends the orphan it reads of.
    child.once("error", () => {
      this.#isStopped = true;
    });
    child.stdin?.on("error", () => {});
    child.once("exit", () => {
      if (!this.#isStopped) this.start();
    });
    child.unref();
    /** @type {import("node:net").Socket | null} */ (child.stdin)?.unref();
    if (this.#pid !== 0) this.guard(this.#pid);
  }

  /** From now on it is this process that must not outlive us. @param {number} pid */
  guard(pid) {
    this.#pid = pid;
    this.#child?.stdin?.write(`${pid}\n`);
  }

  /** The process it guarded has ended: nobody is to be killed. */
  stop() {
    this.#isStopped = true;
    this.#child?.stdin?.end("\n");
  }
}

/**
 * Tells when the process that started us is gone. `npm start` that is killed leaves its child alone with the port and
 * the state; so what npm started watches npm, and the shell between them. Started otherwise (by hand with `&`, by a
 * supervisor), outliving the parent is what is wanted.
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @param {() => void} gone
 */
export function onParentGone(environment, gone) {
  if (environment.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const grandparent = statusOf(parent)?.parent ?? null;
  const isShell = /(^|\/)(sh|dash|bash|ash|zsh|ksh)$/.test(commandOf(parent));
  const timer = setInterval(() => {
    // A shell that npm left behind got another parent, which is the only trace of npm's end that it shows.
    const shellWasLeft = isShell && grandparent !== null && statusOf(parent)?.parent !== grandparent;
    if (process.ppid === parent && !shellWasLeft) return;
    clearInterval(timer);
    gone();
  }, PARENT_POLL_MS);
  timer.unref();
}

/** @param {string} command */
function isWorkerd(command) {
  return /(^|[\\/])workerd(\.exe)?$/.test(command);
}

/** First word of a process's command line; empty where the system does not tell. @param {number} pid */
function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? "";
  } catch {
    return "";
  }
}

/** @param {number} pid @returns {{ parent: number, startedAt: string } | null} Null when it is gone (or no /proc). */
function statusOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc(5): the second field is the name in parentheses and may hold blanks; fields 3, 4 and 22 are state, parent
    // and start time in clock ticks since boot. A zombie is gone for our purposes.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : { parent: Number(fields[1]), startedAt: fields[19] ?? "" };
  } catch {
    return null;
  }
}
