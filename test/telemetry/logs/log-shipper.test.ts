/** Bringing log records away: in slices, with a few tries, bounded, and counting what was lost. */
import { describe, expect, test } from "vitest";
import {
  LogShipper,
  type LogTarget,
  PAUSE_MS_MAX,
  RECORDS_PER_REQUEST_MAX,
  RECORDS_UNDER_WAY_MAX,
  TRIES_MAX,
} from "#telemetry/logs/log-shipper.ts";
import type { TailRecord } from "#telemetry/logs/tail-records.ts";

const records = (count: number): TailRecord[] =>
  Array.from({ length: count }, (_, index) => ({
    atMs: 1,
    level: "info",
    msg: `${index}`,
    service: "s",
    traceId: null,
    fields: {},
  }));

function world(answer: (url: string, request: number) => Response | Error | Promise<Response>) {
  const sent: { url: string; messages: string[] }[] = [];
  const waits: number[] = [];
  const complaints: string[] = [];
  const target = (name: string): LogTarget => ({
    name,
    address: { url: `http://${name}.test`, headers: {} },
    bodyOf: (some) =>
      JSON.stringify(some.map(({ msg, fields }) => (fields.dropped ? `dropped ${fields.dropped}` : msg))),
  });
  const shipper = (...names: string[]) =>
    new LogShipper({
      targets: names.map(target),
      post: async (url, { body }) => {
        sent.push({ url, messages: JSON.parse(body) });
        const given = await answer(url, sent.length);
        if (given instanceof Error) throw given;
        return given;
      },
      nowMs: () => 1,
      wait: async (ms) => void waits.push(ms),
      complain: (message) => void complaints.push(message),
    });
  return { sent, waits, complaints, shipper };
}

const fine = () => new Response(null, { status: 204 });
const busy = (headers = {}) => new Response("", { status: 503, headers });

describe("shipping", () => {
  test("slices hold as many as a request may, for each target", async () => {
    const { sent, shipper } = world(fine);
    await shipper("a", "b").ship(records(RECORDS_PER_REQUEST_MAX + 1));
    const sizes = (name: string) => sent.filter(({ url }) => url.includes(name)).map(({ messages }) => messages.length);
    expect(sizes("a.test")).toEqual([RECORDS_PER_REQUEST_MAX, 1]);
    expect(sizes("b.test")).toEqual([RECORDS_PER_REQUEST_MAX, 1]);
  });

  test("nothing is sent for nothing, and to nobody", async () => {
    const { sent, shipper } = world(fine);
    await shipper("a").ship([]);
    await shipper().ship(records(3));
    expect(sent).toEqual([]);
  });

  test("a busy target is tried again after pauses that double", async () => {
    const { sent, waits, shipper } = world((_, request) => (request < TRIES_MAX ? busy() : fine()));
    const one = shipper("a");
    await one.ship(records(1));
    expect([sent.length, waits, one.dropped("a")]).toEqual([TRIES_MAX, [500, 1_000], 0]);
  });

  test("after so many tries records are lost, counted, and the count is told once with what comes next", async () => {
    let isUp = false;
    const { sent, complaints, shipper } = world(() => (isUp ? fine() : busy()));
    const one = shipper("a");
    await one.ship(records(2));
    expect([sent.length, one.dropped("a"), complaints]).toEqual([TRIES_MAX, 2, ["log records were dropped"]]);
    isUp = true;
    await one.ship(records(1));
    expect([sent.at(-1)?.messages, one.dropped("a")]).toEqual([["0", "dropped 2"], 0]);
    await one.ship(records(1));
    expect(sent.at(-1)?.messages).toEqual(["0"]);
  });

  test.each([
    [PAUSE_MS_MAX / 1_000, 2],
    [PAUSE_MS_MAX / 1_000 + 1, 1],
  ])("Retry-After of %i s: %i tries", async (seconds, tries) => {
    const { sent, shipper } = world((_, request) => (request === 1 ? busy({ "retry-after": `${seconds}` }) : fine()));
    await shipper("a").ship(records(1));
    expect(sent).toHaveLength(tries);
  });

  test("what is refused is not tried again; a lost connection is", async () => {
    const refused = world(() => new Response("", { status: 400 }));
    await refused.shipper("a").ship(records(1));
    expect(refused.sent).toHaveLength(1);
    const lost = world((_, request) => (request === 1 ? new TypeError("fetch failed") : fine()));
    const one = lost.shipper("a");
    await one.ship(records(1));
    expect([lost.sent.length, one.dropped("a")]).toEqual([2, 0]);
  });

  test("one target that is down costs the other nothing", async () => {
    const { shipper } = world((url) => (url.includes("a.test") ? busy() : fine()));
    const both = shipper("a", "b");
    await both.ship(records(3));
    expect([both.dropped("a"), both.dropped("b")]).toEqual([3, 0]);
  });

  test("beyond what may be under way records are dropped, and counted", async () => {
    const held = Promise.withResolvers<Response>();
    const { sent, shipper } = world(() => held.promise);
    const one = shipper("a");
    const first = one.ship(records(RECORDS_UNDER_WAY_MAX - 1));
    const second = one.ship(records(3));
    expect(one.dropped("a")).toBe(2);
    held.resolve(fine());
    await Promise.all([first, second]);
    expect(sent.length).toBeGreaterThan(1);
    await one.ship(records(1));
    expect(one.dropped("a")).toBe(0);
  });
});
