/**
 * A server outside Weir that sees what really arrives: the witness for effects. Counts connections, requests and
 * idempotency keys; answers what a route tells it to.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export interface Witness {
  readonly port: number;
  readonly host: string;
  readonly url: string;
  connections: number;
  /** Requests by idempotency key. */
  readonly keys: Map<string, number>;
  readonly requests: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[];
  close(): Promise<void>;
}

/** Answers `{ "ok": true, "path": … }` unless `answer` does something else. */
export async function startWitness(answer: Answer = answerOk): Promise<Witness> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      const key = String(request.headers["idempotency-key"] ?? "");
      witness.keys.set(key, (witness.keys.get(key) ?? 0) + 1);
      witness.requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
      answer(request, response, body);
    });
  });
  server.on("connection", () => {
    witness.connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const witness: Witness = {
    port,
    host: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}`,
    connections: 0,
    keys: new Map(),
    requests: [],
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return witness;
}

export function answerOk(request: IncomingMessage, response: ServerResponse): void {
  answerJson(response, 200, { ok: true, path: request.url });
}

export function answerJson(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
