/** `GET /runs/{id}/logs`: levels, node, tail, since and after, of running and ended runs, for those who may read. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;
let id: string;

const logs = async (query = "", of = id) => (await weir.api("GET", `/api/v1/runs/${of}/logs${query}`)).body;
const events = async (query: string) => (await logs(query)).items.map((item: { event: string }) => item.event);

beforeAll(async () => {
  weir = await startWeir();
  const definition = {
    nodes: [
      { id: "good", type: "transform", config: { expression: "1" } },
      { id: "bad", type: "transform", config: { expression: "1 / 0" } },
    ],
    edges: [{ from: "good", to: "bad" }],
  };
  const started = await weir.api("POST", "/api/v1/runs", { definition, wait_ms: 10_000 });
  id = started.body.run_id;
  expect(started.body.status).toBe("failed");
});
afterAll(() => weir.stop());

describe("logs of a run", () => {
  test("by level, node and tail", async () => {
    expect(await events("")).toEqual([
      "run.queued",
      "run.started",
      "node.started",
      "node.completed",
      "node.started",
      "node.failed",
      "run.failed",
    ]);
    expect(await events("?level=debug")).toContain("edge.resolved");
    expect(await events("?level=error")).toEqual(["node.failed", "run.failed"]);
    expect(await events("?node=bad")).toEqual(["node.started", "node.failed"]);
    expect(await events("?tail=1")).toEqual(["run.failed"]);
    const { items } = await logs("?level=error&node=bad");
    expect(items[0]).toMatchObject({
      level: "error",
      service: "coordinator",
      run_id: id,
      node_id: "bad",
      attempt: 1,
      tenant: "default",
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      error: { code: expect.any(String), message: expect.any(String) },
    });
  });

  test("since a time or for a span of it, and after an event", async () => {
    const all = await events("?level=debug");
    expect(await events("?level=debug&since=1h")).toEqual(all);
    expect(await events("?level=debug&since=2020-01-01T00:00:00Z")).toEqual(all);
    expect(await events("?since=2100-01-01T00:00:00Z")).toEqual([]);
    const page = await logs("?after=2");
    expect(page.items[0].event).toBe("node.started");
    expect(await logs(`?after=${page.next_after}`)).toEqual({ items: [], next_after: page.next_after, terminal: true });
  });

  test("of a run that goes on is not terminal", async () => {
    const definition = { nodes: [{ id: "w", type: "wait_for_event", config: { event: "go" } }] };
    const { body } = await weir.api("POST", "/api/v1/runs", { definition });
    const page = await logs("", body.run_id);
    expect(page.terminal).toBe(false);
    expect(page.items.at(-1)).toMatchObject({ event: "node.waiting", msg: "waits for the event go" });
  });

  test.each(["level=loud", "tail=2001", "tail=-1", "since=yesterday", "after=x", "colour=red"])(
    "?%s is refused with its name",
    async (query) => {
      const { status, body } = await weir.api("GET", `/api/v1/runs/${id}/logs?${query}`);
      expect(status).toBe(422);
      expect(JSON.stringify(body.error.details)).toContain(query.split("=")[0]);
    },
  );

  test("of a run that is not there is 404, and without a key 401", async () => {
    expect((await weir.api("GET", "/api/v1/runs/run_xx00001HF0000000000000000000000/logs")).status).toBe(404);
    expect((await fetch(new URL(`/api/v1/runs/${id}/logs`, weir.url))).status).toBe(401);
  });
});
