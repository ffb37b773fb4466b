/**
 * How late news come: 200 viewers of one run and 2,000 listeners of a tenant's feed. Lag is from the time that an event
 * bears to its arrival, all on one machine: server, load and listeners share its cores. `node bench/streams.ts`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { type FeedItem, FeedReader } from "../test/support/feed-reader.ts";
import { inFlight } from "../test/support/in-flight.ts";
import { openSocket } from "../test/support/stream-reader.ts";
import { startWeir, type WeirProcess } from "../test/support/weir-process.ts";
import { quantile } from "./statistics.ts";

const VIEWERS = 200;
const LISTENERS = 2_000;
const CONNECTING_AT_ONCE = 50;
const RUNS = 50;

interface Lag {
  what: string;
  deliveries: number;
  p50: number;
  p99: number;
  max: number;
}

/** A chain of short delays: a run that says something again and again. */
function ticking(ticks: number, delayMs: number) {
  const nodes = Array.from({ length: ticks }, (_, index) => ({
    id: `tick${index}`,
    type: "delay",
    config: { duration_ms: delayMs },
  }));
  return { nodes, edges: nodes.slice(1).map(({ id }, index) => ({ from: `tick${index}`, to: id })) };
}

async function start(weir: WeirProcess, definition: object): Promise<string> {
  const { status, body } = await weir.api("POST", "/api/v1/runs", { definition });
  if (status !== 202) throw new Error(`a run was not started: ${status}`);
  return body.run_id;
}

function lagOf(what: string, lags: number[]): Lag {
  const sorted = lags.toSorted((one, other) => one - other);
  const round = (value: number) => Math.round(value);
  const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
  return { what, deliveries: lags.length, p50: round(p50), p99: round(p99), max: sorted.at(-1) ?? Number.NaN };
}

async function measureViewers(weir: WeirProcess): Promise<Lag> {
  const lags: number[] = [];
  const id = await start(weir, ticking(41, 250));
  const openedAt: { at: number } = { at: Number.POSITIVE_INFINITY };
  const ends = await inFlight(VIEWERS, CONNECTING_AT_ONCE, async () => {
    const socket = openSocket(weir, `/api/v1/runs/${id}/stream`);
    const ended = new Promise<void>((resolve) => socket.addEventListener("close", () => resolve()));
    socket.addEventListener("message", ({ data }) => {
      const { at } = JSON.parse(data as string) as { at?: string };
      // What was said before all of them watched is history.
      if (at !== undefined && Date.parse(at) > openedAt.at) lags.push(Date.now() - Date.parse(at));
    });
    await new Promise<void>((resolve) => socket.addEventListener("open", () => resolve()));
    return { ended };
  });
  openedAt.at = Date.now();
  await Promise.all(ends.map(({ ended }) => ended));
  return lagOf(`${VIEWERS} viewers of one run`, lags);
}

async function measureFeed(weir: WeirProcess, everyMs: number): Promise<Lag> {
  const lags: number[] = [];
  const onItem = ({ ended_at }: FeedItem) => {
    if (typeof ended_at === "string") lags.push(Date.now() - Date.parse(ended_at));
  };
  const readers = Array.from({ length: LISTENERS }, () => new FeedReader(weir, { onItem }));
  await inFlight(LISTENERS, CONNECTING_AT_ONCE, (index) => (readers[index] as FeedReader).start());
  await sleep(1_000);
  lags.length = 0;
  for (let n = 0; n < RUNS; n++) {
    await start(weir, ticking(2, 100));
    await sleep(everyMs);
  }
  const wanted = LISTENERS * RUNS;
  for (let waited = 0; lags.length < wanted && waited < 60_000; waited += 100) await sleep(100);
  for (const reader of readers) reader.stop();
  const problems = readers.flatMap((reader) => reader.problems);
  if (lags.length !== wanted || problems.length > 0) {
    throw new Error(`${lags.length} of ${wanted} ends arrived; ${problems.slice(0, 3).join("; ")}`);
  }
  return lagOf(`${LISTENERS} listeners of a feed, a run every ${everyMs} ms`, lags);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const weir = await startWeir({ env: { WEIR_LIMITS: "off", LOG_LEVEL: "warn" } });
  try {
    for (const measure of [
      measureViewers,
      (one: WeirProcess) => measureFeed(one, 500),
      (one: WeirProcess) => measureFeed(one, 2_000),
    ]) {
      const { what, deliveries, p50, p99, max } = await measure(weir);
      process.stdout.write(`${what}: ${deliveries} deliveries, lag p50 ${p50} ms, p99 ${p99} ms, max ${max} ms\n`);
    }
  } finally {
    await weir.stop();
  }
}
