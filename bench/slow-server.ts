/**
 * The server that http3 calls, in a process of its own: 1 KB of JSON after about a millisecond. Ends with the process
 * that forked it.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const ANSWER_BYTES = 1_024;
const ANSWER_AFTER_MS = 1;

export interface SlowServer {
  /** host:port */
  host: string;
  pid: number;
  close(): void;
}

/** Starts it on a port of the loopback; 0 for a free one. */
export async function startSlowServer(port: number): Promise<SlowServer> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), [String(port)]);
  const ended = once(child, "exit").then(() => Promise.reject(new Error(`no server on port ${port}`)));
  // Only the start waits for it; later it ends because we end it.
  ended.catch(() => {});
  const [taken] = await Promise.race([once(child, "message"), ended]);
  return { host: `127.0.0.1:${taken}`, pid: child.pid ?? 0, close: () => child.kill() };
}

function serve(port: number): void {
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const bare = JSON.stringify({ path, filling: "" });
    const body = JSON.stringify({ path, filling: "x".repeat(Math.max(0, ANSWER_BYTES - bare.length)) });
    setTimeout(() => {
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
      response.end(body);
    }, ANSWER_AFTER_MS);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(port, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
  process.once("disconnect", () => process.exit(0));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve(Number(process.argv[2]));
