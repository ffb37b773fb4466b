/** What runs have logged so far, in the order it happened, and what the tenant's runs log from now on. */
import type { RunEvent, RunItem, Weir } from "../client/weir.ts";
import { type LogLine, logLineOf } from "./event-line.ts";

/** Events of one answer; the API's bound. */
const PAGE_EVENTS = 1_000;
/** Runs that the log of the whole installation looks back on, the newest ones, and of how many at once. */
const RUNS_MAX = 50;
const RUNS_AT_ONCE = 8;
const LIST_MAX = 200;

export interface History {
  lines: LogLine[];
  /** Where the log of each run goes on. */
  after: Map<string, number>;
  ended: Set<string>;
}

/** Everything that these runs have logged. */
export async function readHistory(weir: Weir, runs: readonly string[], signal: AbortSignal): Promise<History> {
  const history: History = { lines: [], after: new Map(), ended: new Set() };
  const queue = [...runs];
  const readNext = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      const { events, after, hasEnded } = await readEvents(weir, id, 0, signal);
      for (const event of events) history.lines.push(logLineOf(id, event));
      history.after.set(id, after);
      if (hasEnded) history.ended.add(id);
    }
  };
  await Promise.all(Array.from({ length: RUNS_AT_ONCE }, readNext));
  // Sorting is stable, so events of one run stay in their own order.
  history.lines.sort((left, right) => left.at.localeCompare(right.at));
  return history;
}

/** The newest runs of the tenant that were submitted since, oldest first. */
export async function recentRuns(weir: Weir, sinceMs: number | undefined, signal: AbortSignal): Promise<RunItem[]> {
  const since = sinceMs === undefined ? {} : { submitted_after: new Date(sinceMs).toISOString() };
  const { items } = await weir.runs.list({ limit: RUNS_MAX, ...since }, { signal });
  return items.reverse();
}

/** Lines of all runs of the tenant as they come, told by its feed; ends by the signal alone. `ready` is called once. */
export async function* followTenant(
  weir: Weir,
  known: History,
  signal: AbortSignal,
  ready: () => void,
): AsyncGenerator<LogLine> {
  const from = new Date().toISOString();
  for await (const frame of weir.feed({ signal })) {
    if (frame.type === "ready") ready();
    if (frame.type === "runs") {
      for (const { run_id: id, after, seq } of frame.runs) yield* linesBetween(weir, id, after, seq, known, signal);
    } else if (frame.type === "reset" || known.after.size > 0) {
      yield* missedLines(weir, from, known, signal);
    }
  }
}

/** What was logged before the feed began, or is not in it. */
async function* missedLines(weir: Weir, from: string, known: History, signal: AbortSignal) {
  const { items } = await weir.runs.list({ limit: LIST_MAX }, { signal });
  const ids = new Set(known.after.keys());
  for (const { run_id: id, submitted_at: submittedAt } of items.reverse()) if (submittedAt >= from) ids.add(id);
  for (const id of ids) {
    const read = await readEvents(weir, id, known.after.get(id) ?? 0, signal);
    for (const event of read.events) yield logLineOf(id, event);
    // The feed may tell of it again.
    known.after.set(id, read.after);
  }
}

/** The lines of a run's events after one number up to another, as far as they are not known. */
async function* linesBetween(weir: Weir, id: string, from: number, to: number, known: History, signal: AbortSignal) {
  for (let after = Math.max(from, known.after.get(id) ?? 0); after < to; ) {
    const page = await weir.runs.events(id, { after, limit: Math.min(PAGE_EVENTS, to - after) }, { signal });
    for (const event of page.items) yield logLineOf(id, event as RunEvent);
    if (page.items.length === 0) return;
    after = page.next_after;
  }
}

async function readEvents(weir: Weir, id: string, from: number, signal: AbortSignal) {
  const events: RunEvent[] = [];
  for (let after = from; ; ) {
    const page = await weir.runs.events(id, { after, limit: PAGE_EVENTS }, { signal });
    events.push(...(page.items as RunEvent[]));
    after = page.next_after;
    if (page.items.length < PAGE_EVENTS) return { events, after, hasEnded: page.terminal };
  }
}
