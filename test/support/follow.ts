/** Talking to a running Weir in the words of its API, for end-to-end tests: start, look, wait until something holds. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { ApiAnswer, WeirProcess } from "./weir-process.ts";

const UNTIL_MS = 30_000;

export interface Follower {
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  get(path: string, headers?: Record<string, string>): Promise<ApiAnswer>;
  remove(path: string, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** Starts a run of a definition; gives its id. */
  start(definition: unknown, inputs?: object): Promise<string>;
  /** The run once it has ended. */
  end(runId: string): Promise<ApiAnswer["body"]>;
  /** The run once `holds` of it. */
  until(runId: string, holds: (run: ApiAnswer["body"]) => boolean): Promise<ApiAnswer["body"]>;
  /** Starts a run and waits for its end. */
  run(definition: unknown, inputs?: object): Promise<ApiAnswer["body"]>;
  events(runId: string): Promise<ApiAnswer["body"][]>;
}

export function follow(weir: () => WeirProcess): Follower {
  const post: Follower["post"] = (path, body, headers) => weir().api("POST", `/api/v1${path}`, body, headers);
  const get: Follower["get"] = (path, headers) => weir().api("GET", `/api/v1${path}`, undefined, headers);
  const until: Follower["until"] = async (runId, holds) => {
    const latest = Date.now() + UNTIL_MS;
    for (;;) {
      const { body } = await get(`/runs/${runId}`);
      if (holds(body)) return body;
      if (Date.now() > latest) throw new Error(`not so after ${UNTIL_MS} ms: ${JSON.stringify(body)}`);
      await sleep(50);
    }
  };
  const start: Follower["start"] = async (definition, inputs = {}) => {
    const { status, body } = await post("/runs", { definition, inputs });
    expect([status, body.error]).toEqual([202, undefined]);
    return body.run_id;
  };
  const end: Follower["end"] = (runId) => until(runId, (run) => run.ended_at !== null && run.ended_at !== undefined);
  return {
    post,
    get,
    remove: (path, headers) => weir().api("DELETE", `/api/v1${path}`, undefined, headers),
    start,
    end,
    until,
    run: async (definition, inputs) => end(await start(definition, inputs)),
    async events(runId) {
      const items: ApiAnswer["body"][] = [];
      for (let after = 0, terminal = false; !terminal; ) {
        const { body } = await get(`/runs/${runId}/events?after=${after}&limit=1000`);
        items.push(...body.items);
        if (body.items.length === 0) break;
        after = body.next_after;
        terminal = body.terminal;
      }
      return items;
    },
  };
}

export function expectError(answer: ApiAnswer, status: number, code: string): void {
  expect(answer).toMatchObject({ status, body: { error: { code, request_id: expect.stringMatching(/^req_/) } } });
}
