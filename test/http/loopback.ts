/** Real HTTP servers on loopback for the tests of outgoing requests, and what a request needs to reach them. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HttpEnvironment } from "#http/request.ts";
import { noResolver } from "#http/resolver.ts";
import { noSecrets, type Secret } from "#http/secrets.ts";
import { systemClock } from "#kernel/clock.ts";

export interface Received {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface LoopbackServer {
  hostPort: string;
  origin: string;
  /** TCP connections accepted so far: a canary must have none. */
  readonly connections: number;
  received: Received[];
  /** Resolves once a client has gone away before its answer was complete. */
  abandoned: Promise<void>;
}

type Answer = (request: Received, response: ServerResponse) => void;

const servers: Server[] = [];

export async function startServer(answer: Answer = (_, response) => response.end("ok")): Promise<LoopbackServer> {
  const received: Received[] = [];
  const abandoned = Promise.withResolvers<void>();
  let connections = 0;
  const server = createServer(async (request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) abandoned.resolve();
    });
    response.on("error", () => {});
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { method = "", url = "", headers } = request;
    const one = { method, url, headers, body };
    received.push(one);
    answer(one, response);
  });
  server.on("connection", () => connections++);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const hostPort = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    hostPort,
    origin: `http://${hostPort}`,
    get connections() {
      return connections;
    },
    received,
    abandoned: abandoned.promise,
  };
}

export async function stopServers(): Promise<void> {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** An environment that may reach `servers` and nothing else that is private. */
export function environmentFor(
  servers: readonly LoopbackServer[],
  own: Partial<HttpEnvironment> = {},
): HttpEnvironment {
  return {
    fetch: (url, options) => fetch(url, options),
    policy: { allowPrivateHosts: new Set(servers.map(({ hostPort }) => hostPort)), ownOrigins: new Set() },
    resolver: noResolver,
    secrets: noSecrets,
    clock: systemClock,
    idempotencyKey: "run_1/fetch/1",
    ...own,
  };
}

export function secretStore(secrets: Record<string, Secret>) {
  return { get: (name: string) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined) };
}

/** A fetch that sends what is meant for a public host to a loopback server, as DNS would. */
export function mappedFetch(hosts: Record<string, LoopbackServer>): HttpEnvironment["fetch"] {
  return (address, options) => {
    const url = new URL(address);
    const server = hosts[url.host];
    if (server === undefined) return Promise.reject(new TypeError(`no route to ${url.host}`));
    return fetch(`${server.origin}${url.pathname}${url.search}`, options);
  };
}
