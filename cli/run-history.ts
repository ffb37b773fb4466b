/** What runs have logged so far, in the order it happened, and what the tenant's runs log from now on. */
import type { RunEvent, RunItem, Weir } from "../client/weir.ts";
import { type LogLine, logLineOf } from "./event-line.ts";

/** Events of one answer; the API's bound. */
const PAGE_EVENTS = 1_000;
/** Runs that the log of the whole installation looks back on, the newest ones, and of how many at once. */
const RUNS_MAX = 50;
const RUNS_AT_ONCE = 8;
const LIST_MAX = 200;
const POLL_MS = 1_000;
const ENDED: ReadonlySet<string> = new Set(["completed", "failed", "cancelled"]);

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

/** Lines of all runs of the tenant as they come; ends by the signal alone. */
export async function* followTenant(weir: Weir, known: History, signal: AbortSignal): AsyncGenerator<LogLine> {
  const { after, ended } = known;
  const from = new Date().toISOString();
  for (;;) {
    const { items } = await weir.runs.list({ limit: LIST_MAX }, { signal });
    const listed = new Set(items.map((run) => run.run_id));
    for (const { run_id: id, status, submitted_at: submittedAt } of items.reverse()) {
      // One that had ended before anybody looked is history.
      if (!after.has(id) && ENDED.has(status) && submittedAt < from) ended.add(id);
      if (!ended.has(id)) yield* newLines(weir, id, known, signal);
    }
    for (const id of after.keys()) {
      if (listed.has(id)) continue;
      // Long runs leave the first page; they are followed to their end all the same.
      if (ended.has(id)) after.delete(id);
      else yield* newLines(weir, id, known, signal);
    }
    await pause(POLL_MS, signal);
  }
}

async function* newLines(weir: Weir, id: string, { after, ended }: History, signal: AbortSignal) {
  const read = await readEvents(weir, id, after.get(id) ?? 0, signal);
  for (const event of read.events) yield logLineOf(id, event);
  after.set(id, read.after);
  if (read.hasEnded) ended.add(id);
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

/** Ends early, without an error, when the signal does; the next call then says so. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
  });
}
