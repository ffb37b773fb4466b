/**
 * A real Weir for end-to-end tests: what `npm start` runs, in a process group of its own, on a free port and a
 * temporary state folder. Killing parts of it is what it is for.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const BIN = path.join(ROOT, "node_modules/.bin");
const READY = /^weir ready on (\S+)$/gm;
const READY_WAIT_MS = 30_000;
const STOP_WAIT_MS = 10_000;

export interface WeirOptions {
  /** State folder; without it a temporary one that `stop` removes. */
  state?: string;
  env?: Record<string, string>;
  /** 0 by default: a free one. Give the former one to start again where clients still look. */
  port?: number;
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what the API answers and assert on it
  body: any;
}

export interface WeirProcess {
  readonly url: string;
  readonly key: string;
  readonly pid: number;
  readonly state: string;
  /** Calls the API with the operator key; `headers` may replace it. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  workerdPid(): Promise<number>;
  /** SIGKILL to workerd alone; it comes back by itself, see `waitForReady`. */
  kill9Workerd(): Promise<void>;
  /** SIGKILL to every process of the group. */
  kill9All(): Promise<void>;
  /** SIGTERM; gives the exit code, and removes a temporary state folder. */
  stop(): Promise<number | null>;
  /** Everything written so far, both streams. */
  output(): string;
  /** Resolves once the ready line was printed `times` times in all; gives the milliseconds it waited. */
  waitForReady(times: number): Promise<number>;
}

/** Starts Weir and resolves when it is ready; rejects with its output when it ends before. */
export async function startWeir(options: WeirOptions = {}): Promise<WeirProcess> {
  const isTemporary = options.state === undefined;
  const state = options.state ?? (await mkdtemp(path.join(os.tmpdir(), "weir-state-")));
  const child = spawn(path.join(BIN, "node"), ["scripts/start.mjs"], {
    cwd: ROOT,
    // A group of its own, so that all of it can be killed at once and nothing else.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      PATH: `${BIN}${path.delimiter}${process.env.PATH ?? ""}`,
      PORT: String(options.port ?? 0),
      WEIR_STATE: state,
      WEIR_EXAMPLES: "0",
      ...options.env,
    },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("node_modules/.bin/node did not start: run npm ci");
  const written = record(child);
  const group = () => process.kill(-pid, "SIGKILL");

  const waitForReady = async (times: number): Promise<number> => {
    const from = Date.now();
    while (readyLines(written.text).length < times) {
      if (hasEnded(child)) throw new Error(`weir ended (${child.exitCode ?? child.signalCode}):\n${written.text}`);
      if (Date.now() - from > READY_WAIT_MS) {
        group();
        throw new Error(`weir is not ready after ${READY_WAIT_MS} ms:\n${written.text}`);
      }
      await sleep(5);
    }
    return Date.now() - from;
  };
  await waitForReady(1);
  const url = readyLines(written.text)[0] ?? "";
  const key = options.env?.WEIR_OPERATOR_KEY ?? (await readFile(path.join(state, "operator-key"), "utf8")).trim();

  const workerdPid = async () => {
    const memory = JSON.parse(await readFile(path.join(state, "runtime.json"), "utf8"));
    return memory.workerd.pid as number;
  };
  const removeState = () => (isTemporary ? rm(state, { recursive: true, force: true }) : undefined);
  return {
    url,
    key,
    pid,
    state,
    workerdPid,
    waitForReady,
    output: () => written.text,
    async api(method, route, body, headers = {}) {
      const response = await fetch(new URL(route, url), {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: jsonOrText(text) };
    },
    async kill9Workerd() {
      process.kill(await workerdPid(), "SIGKILL");
    },
    async kill9All() {
      if (hasEnded(child)) return;
      const ended = once(child, "exit");
      group();
      await ended;
    },
    async stop() {
      if (!hasEnded(child)) {
        const ended = once(child, "exit");
        child.kill("SIGTERM");
        const late = setTimeout(group, STOP_WAIT_MS);
        await ended;
        clearTimeout(late);
      }
      await removeState();
      return child.exitCode;
    },
  };
}

function record(child: ChildProcess): { text: string } {
  const written = { text: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8");
    stream?.on("data", (chunk: string) => {
      written.text += chunk;
    });
  }
  return written;
}

function readyLines(text: string): string[] {
  return [...text.matchAll(READY)].map(([, url]) => url ?? "");
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
