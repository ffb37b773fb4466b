/** The export of traces behind a position of the shard's log: what a collector takes, refuses or leaves for later. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { RunEvent } from "#engine/events.ts";
import { Positions } from "#store/shard/positions.ts";
import { RunLog } from "#store/shard/run-log.ts";
import type { Logger } from "#telemetry/log.ts";
import { collectorAddress, type PostJson } from "#telemetry/otlp-collector.ts";
import { spansOfGeneration } from "#telemetry/traces/run-spans.ts";
import { EXPORT_SPANS_MAX, TraceExporter, type TraceExporterParts } from "../../workers/coordinator/trace-exporter.ts";
import { inlineRun, runOf, type Stub, shard, startRequest, TENANT } from "./support.ts";

type Answer = Response | Error;

interface World {
  sql: SqlStorage;
  /** Names of the spans of each request. */
  sent: string[][];
  /** What the collector answers from now on, the last one for good. */
  answers: Answer[];
  logged: string[];
  exporter(more?: Partial<TraceExporterParts>): TraceExporter;
}

/** Runs `work` inside the shard's object, next to its log. */
function inside(stub: Stub, work: (world: World) => Promise<void>): Promise<void> {
  return runInDurableObject(stub, async (_, { storage: { sql } }) => {
    const runs = new RunLog(sql, 0);
    const world: World = { sql, sent: [], answers: [], logged: [], exporter };
    const note = (message: string) => void world.logged.push(message);
    const logger = { debug: note, info: note, warn: note, error: note } as unknown as Logger;
    const post: PostJson = async (_url, { body }) => {
      const { resourceSpans } = JSON.parse(body) as {
        resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[];
      };
      world.sent.push(
        resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map((s) => s.name))),
      );
      const answer = world.answers.length > 1 ? world.answers.shift() : world.answers[0];
      if (answer instanceof Error) throw answer;
      return answer?.clone() ?? Response.json({});
    };
    function exporter(more: Partial<TraceExporterParts> = {}): TraceExporter {
      return new TraceExporter({
        collector: collectorAddress("http://collector.test", "v1/traces", ""),
        share: 1,
        origin: { service: "weir", version: "1", env: "local" },
        runs,
        positions: new Positions(sql),
        logger,
        post,
        ended: (runId) => {
          const events: RunEvent[] = runs.events(runId, 0, Number.POSITIVE_INFINITY);
          return { events, spans: spansOfGeneration(events, 1, () => null) };
        },
        ...more,
      });
    }
    await work(world);
  });
}

const start = async ({ stub, address }: ReturnType<typeof shard>, count: number) => {
  for (let run = 0; run < count; run++) runOf(await stub.start(TENANT, await startRequest(address, inlineRun)));
};

const position = (sql: SqlStorage) => new Positions(sql).text("traces_through");
const from = (sql: SqlStorage, row: number) => new Positions(sql).set("traces_through", row);

describe("export of traces", () => {
  test("begins with what happens now; without a collector it forgets where it was, and has nothing to do", async () => {
    const place = shard(41);
    await start(place, 2);
    await inside(place.stub, async ({ exporter, sent, sql }) => {
      const first = exporter();
      expect([first.backlog, first.dueInMs]).toEqual([0, null]);
      await first.flush();
      expect(sent).toEqual([]);
      expect(position(sql)).not.toBeNull();
      const off = exporter({ collector: null });
      expect([off.backlog, off.dueInMs, position(sql)]).toEqual([0, null, null]);
    });
  });

  test("ended runs share a request, and each is sent once", async () => {
    const place = shard(42);
    await start(place, 3);
    await inside(place.stub, async ({ exporter, sent, sql }) => {
      from(sql, 0);
      await exporter().flush();
      expect(sent).toEqual([Array(3).fill(["invoke_workflow test", "node a"]).flat()]);
      // Another life goes on behind the position.
      await exporter().flush();
      expect(sent).toHaveLength(1);
    });
  });

  test.each<[string, Answer]>([
    ["503", new Response("", { status: 503 })],
    ["429", new Response("", { status: 429 })],
    ["502", new Response("", { status: 502 })],
    ["a lost connection", new TypeError("fetch failed")],
  ])("after %s all of it is sent again, by a later life too", async (name, answer) => {
    const place = shard(43 + ["503", "429", "502"].indexOf(name));
    await start(place, 2);
    await inside(place.stub, async ({ exporter, sent, answers, sql }) => {
      from(sql, 0);
      answers.push(answer, Response.json({}));
      const first = exporter();
      await first.flush();
      expect(position(sql)).toBe("0");
      expect(first.dueInMs).toBeGreaterThan(0);
      // Not before the pause is over.
      await first.flush();
      expect(sent).toHaveLength(1);
      await exporter().flush();
      expect(sent).toHaveLength(2);
      expect(sent[1]).toEqual(sent[0]);
      expect(position(sql)).not.toBe("0");
    });
  });

  test("Retry-After is waited for", async () => {
    const place = shard(47);
    await start(place, 1);
    await inside(place.stub, async ({ exporter, answers, sql }) => {
      from(sql, 0);
      answers.push(new Response("", { status: 503, headers: { "retry-after": "120" } }));
      const first = exporter();
      await first.flush();
      expect(first.dueInMs).toBeGreaterThan(110_000);
    });
  });

  test.each([400, 401, 413, 500])(
    "what is refused with %i is given up, told, and keeps nothing back",
    async (status) => {
      const place = shard(48);
      await start(place, 1);
      await inside(place.stub, async ({ exporter, answers, logged, sql }) => {
        from(sql, 0);
        answers.push(new Response("", { status }));
        const first = exporter();
        await first.flush();
        expect([first.backlog, logged]).toEqual([0, ["the collector refused spans; they are not sent again"]]);
      });
    },
  );

  test("what a collector did not keep of a request is told", async () => {
    const place = shard(49);
    await start(place, 1);
    await inside(place.stub, async ({ exporter, answers, logged, sql }) => {
      from(sql, 0);
      answers.push(Response.json({ partialSuccess: { rejectedSpans: "1", errorMessage: "no" } }));
      await exporter().flush();
      expect(logged).toEqual(["the collector did not keep some spans"]);
    });
  });

  test("a request has at most so many spans; the position follows what was taken", async () => {
    const place = shard(50);
    await start(place, 4);
    await inside(place.stub, async ({ exporter, sent, answers, sql }) => {
      from(sql, 0);
      const many = (count: number) => ({
        ended: (runId: string) => {
          const events = new RunLog(sql, 0).events(runId, 0, Number.POSITIVE_INFINITY);
          const [root] = spansOfGeneration(events, 1, () => null);
          return root === undefined ? null : { events, spans: Array(count).fill(root) };
        },
      });
      answers.push(Response.json({}), Response.json({}), new Response("", { status: 503 }));
      await exporter(many(EXPORT_SPANS_MAX)).flush();
      expect(sent.map((names) => names.length)).toEqual([EXPORT_SPANS_MAX, EXPORT_SPANS_MAX, EXPORT_SPANS_MAX]);
      answers.splice(0, answers.length, Response.json({}));
      sent.length = 0;
      await exporter(many(EXPORT_SPANS_MAX + 1)).flush();
      // The two that were taken are not sent again.
      expect(sent.map((names) => names.length)).toEqual([EXPORT_SPANS_MAX, 1, EXPORT_SPANS_MAX, 1]);
    });
  });

  test("a run that cannot be read keeps no other from being sent", async () => {
    const place = shard(51);
    await start(place, 2);
    await inside(place.stub, async ({ exporter, sent, logged, sql }) => {
      from(sql, 0);
      let asked = 0;
      const runs = new RunLog(sql, 0);
      await exporter({
        ended: (runId) => {
          if (asked++ === 0) throw new Error("unreadable");
          const events = runs.events(runId, 0, Number.POSITIVE_INFINITY);
          return { events, spans: spansOfGeneration(events, 1, () => null) };
        },
      }).flush();
      expect(sent).toHaveLength(1);
      expect(sent[0]).toHaveLength(2);
      expect(logged).toEqual(["a run could not be traced"]);
    });
  });
});
