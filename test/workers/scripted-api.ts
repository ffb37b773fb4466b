/** The API over shards that answer what a test tells them to: for what the API itself makes of an answer. */
import { env } from "cloudflare:workers";
import { createApp } from "#api/app.ts";
import type { Services } from "#api/services.ts";
import { BulkRunner } from "#store/bulk-runner.ts";
import type { CoordinatorRpc } from "#store/shard/protocol.ts";
import { Shards } from "#store/shards.ts";
import type { Env } from "../../workers/env.ts";
import { servicesOf } from "../../workers/services.ts";
import { KEY } from "./support.ts";

export interface Sent {
  body?: unknown;
  key?: string;
  headers?: Record<string, string>;
}

/** `shard` stands for every shard; `more` replaces services. */
export function scriptedApi(shard: Partial<CoordinatorRpc>, more: Partial<Services> = {}) {
  const settings = { shards: 4, previousShards: null, shardsEver: 4, region: "xx" as const };
  const real = servicesOf(env as unknown as Env);
  const shards = new Shards({ getByName: () => shard } as never, settings);
  const services = { ...real, shards, bulk: new BulkRunner(real.jobs, shards, real.logger), ...more };
  const app = createApp<Env>(() => services);
  return async (method: string, path: string, { body, key = KEY, headers = {} }: Sent = {}) => {
    const response = await app.request(`http://weir.test${path}`, {
      method,
      headers: {
        ...(key === "" ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = text !== "" && response.headers.get("content-type") === "application/json";
    // biome-ignore lint/suspicious/noExplicitAny: tests read what the API answers and assert on it
    const parsed: any = isJson ? JSON.parse(text) : null;
    return { status: response.status, headers: response.headers, text, body: parsed };
  };
}
