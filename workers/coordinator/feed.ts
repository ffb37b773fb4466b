/**
 * Tells the fanouts of tenants whose feed somebody listens to which runs have changed, always read from the log by
 * position: what is sent twice is taken once, and what was not taken is sent again. A tenant to whom nobody listens
 * costs a commit one look into a map.
 */
import { Backoff } from "#kernel/backoff.ts";
import type { FanoutRpc, FeedPage, FeedRun } from "#store/fanout/protocol.ts";
import { summaryOfState } from "#store/run-summary.ts";
import type { Positions } from "#store/shard/positions.ts";
import type { LoadedRun, RunLog } from "#store/shard/run-log.ts";
import type { Logger } from "#telemetry/log.ts";

/** How long a change may wait for others to share its push. */
export const FEED_DELAY_MS = 50;

/** Rows of the log between two pushes; a listener that missed more must read the list again. */
export const FEED_ROWS_MAX = 5_000;

/** Rows, also of other tenants, that are looked through for them. */
export const FEED_SCAN_MAX = 50_000;

/** What could not be told for its size is tried again after this. */
const BEHIND_MS = 1_000;

/** Pause after a fanout could not be told, doubling up to half a minute. */
const RETRY_MS = 250;
const RETRY_MS_MAX = 30_000;

export interface FeedParts {
  shard: string;
  /** Undefined: nobody can listen. */
  fanouts: { getByName(tenant: string): FanoutRpc } | undefined;
  runs: RunLog;
  positions: Positions;
  load(runId: string): LoadedRun | null;
  logger: Logger;
}

interface Audience {
  until: number;
  /** Up to where the fanout has been told; null: it has to be asked. */
  through: number | null;
  /** The first row that may be news; null: there is none. */
  from: number | null;
  timer: ReturnType<typeof setTimeout> | null;
  isPushing: boolean;
  backoff: Backoff;
}

export class Feed {
  readonly #parts: FeedParts;
  readonly #audiences = new Map<string, Audience>();

  /** Takes up who listened in the object's life before. */
  constructor(parts: FeedParts) {
    this.#parts = parts;
    const kept = JSON.parse(parts.positions.text("listened_until") ?? "{}") as Record<string, number>;
    for (const [tenant, until] of Object.entries(kept)) {
      this.#schedule(tenant, this.#admit(tenant, until), 0);
    }
  }

  /** Tenants to whom somebody listens. */
  get tenants(): string[] {
    return [...this.#audiences.keys()];
  }

  /** A commit has added to a run's log, no row of it before `from`. */
  changed(tenant: string, from: number): void {
    const audience = this.#audiences.get(tenant);
    if (audience === undefined) return;
    audience.from ??= from;
    this.#schedule(tenant, audience, FEED_DELAY_MS);
  }

  /** Somebody listens until a time; answers with what is news since the fanout was told last. */
  listen(tenant: string, { after, until }: { after: number | null; until: number }): FeedPage {
    const audience = this.#audiences.get(tenant) ?? this.#admit(tenant, until);
    audience.until = until;
    this.#remember();
    const begin = after ?? this.#parts.positions.number("projected_through");
    const isKnown = audience.through === begin && !audience.isPushing;
    const page = this.#read(tenant, begin, isKnown ? audience.from : begin + 1);
    // With a push under way the fanout takes one of the two; what becomes of the push then tells where to go on.
    if (!audience.isPushing) this.#told(tenant, audience, page);
    return page;
  }

  #admit(tenant: string, until: number): Audience {
    const audience = {
      until,
      through: null,
      from: null,
      timer: null,
      isPushing: false,
      backoff: new Backoff(RETRY_MS, RETRY_MS_MAX),
    };
    this.#audiences.set(tenant, audience);
    return audience;
  }

  #drop(tenant: string): void {
    this.#audiences.delete(tenant);
    this.#remember();
  }

  #remember(): void {
    const kept = Object.fromEntries([...this.#audiences].map(([tenant, { until }]) => [tenant, until]));
    this.#parts.positions.set("listened_until", JSON.stringify(kept));
  }

  #schedule(tenant: string, audience: Audience, inMs: number): void {
    if (audience.isPushing) return;
    audience.timer ??= setTimeout(() => this.#push(tenant, audience), inMs);
  }

  async #push(tenant: string, audience: Audience): Promise<void> {
    audience.timer = null;
    const { fanouts, logger, shard } = this.#parts;
    if (this.#audiences.get(tenant) !== audience || fanouts === undefined) return;
    if (Date.now() >= audience.until) return this.#drop(tenant);
    const { through, from } = audience;
    if (through !== null && from === null) return;
    audience.isPushing = true;
    let inMs = FEED_DELAY_MS;
    try {
      const page: FeedPage =
        through === null
          ? { shard, after: null, through: 0, items: [], is_cut: false }
          : this.#read(tenant, through, from);
      audience.from = null;
      const reply = await fanouts.getByName(tenant).push(tenant, page);
      audience.backoff.succeeded();
      if (!reply.is_listening) return this.#drop(tenant);
      if (reply.through === page.through) this.#told(tenant, audience, page);
      else {
        audience.through = reply.through ?? this.#parts.positions.number("projected_through");
        audience.from = audience.through + 1;
      }
    } catch (error) {
      audience.from = from ?? audience.from;
      inMs = audience.backoff.failed();
      logger.warn("the feed of a tenant could not be told", { tenant, failures: audience.backoff.failures, error });
    } finally {
      audience.isPushing = false;
      if (audience.from !== null || audience.through === null) this.#schedule(tenant, audience, inMs);
    }
  }

  /** A page was, or will be, taken: what is left begins behind it. */
  #told(tenant: string, audience: Audience, { through }: FeedPage): void {
    audience.through = through;
    if (audience.isPushing) return;
    audience.from = through < this.#parts.runs.lastId ? through + 1 : null;
    if (audience.from !== null) this.#schedule(tenant, audience, BEHIND_MS);
  }

  /** All that is news from a row on, in one turn: each run once, as it stands. */
  #read(tenant: string, after: number, from: number | null): FeedPage {
    const { runs, positions, shard } = this.#parts;
    if (from === null) return { shard, after, through: runs.lastId, items: [], is_cut: false };
    const rows = runs.changesOf(tenant, Math.max(from, after + 1), FEED_ROWS_MAX, FEED_SCAN_MAX);
    if (rows === null) {
      // Lists show everything up to there. When D1 itself is far behind, the feed waits for it.
      const listed = positions.number("projected_through");
      return { shard, after, through: Math.max(listed, after), items: [], is_cut: listed > after };
    }
    const firstSeqs = new Map<string, number>();
    for (const { run_id, first_seq } of rows) {
      const first = firstSeqs.get(run_id) ?? first_seq;
      // A Map iterates in order of insertion: that of the last change.
      firstSeqs.delete(run_id);
      firstSeqs.set(run_id, first);
    }
    const items = [...firstSeqs].flatMap(([runId, first]) => this.#item(runId, first - 1) ?? []);
    return { shard, after, through: runs.lastId, items, is_cut: false };
  }

  /** A run that cannot be read keeps no other from being told. */
  #item(runId: string, after: number): string | null {
    try {
      const run = this.#parts.load(runId);
      if (run === null) return null;
      const item: FeedRun = { ...summaryOfState(run.state), after };
      return JSON.stringify(item);
    } catch (error) {
      this.#parts.logger.error("a run could not be told to the feed", { run_id: runId, error });
      return null;
    }
  }
}
