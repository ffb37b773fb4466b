/**
 * Who watches runs of this shard, and what they are told: the log from their position on, then what is added to it,
 * always read from the log by position, so that nothing is told twice or left out. Commits say which run has changed;
 * one that nobody watches costs them a look into a map.
 */
import { isTerminal } from "#engine/state.ts";
import type { LoadedRun, RunLog } from "#store/shard/run-log.ts";
import { CLOSE_ENDED, CLOSE_SLOW, type Remark, remarkTexts, streamOrderOf, streamTexts } from "#store/shard/stream.ts";
import * as metrics from "#telemetry/catalogue/traffic-metrics.ts";
import type { Logger } from "#telemetry/log.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import { parseSaid } from "../reader.ts";
import { Viewer, type ViewerMemory } from "./viewer.ts";

/** Viewers of one shard; one more is turned away. */
export const VIEWERS_MAX = 4_000;

/** Text that all viewers of a shard may have unread: beyond it the one with the most is let go. */
export const UNREAD_UNITS_MAX = 32 * 1_048_576;

/** Events that are read at once; the commits of other runs come in between. */
export const PAGE_EVENTS = 200;

/** What a viewer may say in one message. */
export const MESSAGE_UNITS_MAX = 1_000;

const PING = '{"type":"ping"}';
const PONG = { type: "pong" };

export interface StreamParts {
  ctx: DurableObjectState;
  runs: RunLog;
  load(runId: string): LoadedRun | null;
  logger: Logger;
  recorder: MetricRecorder;
  /** Whose sockets these are. */
  source: string;
}

export class Streams {
  readonly #parts: StreamParts;
  readonly #viewers = new Map<WebSocket, Viewer>();
  readonly #byRun = new Map<string, Set<Viewer>>();
  readonly #changed = new Set<string>();
  /** Since when somebody watches: how long older events have waited says nothing. */
  readonly #since = new WeakMap<Viewer, number>();
  #isScheduled = false;
  #unread = 0;

  /** Takes up the viewers of the object's life before it hibernated. */
  constructor(parts: StreamParts) {
    this.#parts = parts;
    for (const socket of parts.ctx.getWebSockets()) {
      this.#admit(socket, new Viewer(socket, socket.deserializeAttachment() as ViewerMemory));
    }
    // Sockets of a life that was lost may still be counted.
    this.#tellSize();
  }

  get size(): number {
    return this.#viewers.size;
  }

  /** Answers an upgrade: 101 with the socket, 404 for a run that is not the tenant's, 503 when too many watch. */
  open(request: Request): Response {
    const { tenant, runId, after, format } = streamOrderOf(request);
    if (this.#parts.load(runId)?.state.tenant !== tenant) return new Response(null, { status: 404 });
    if (this.#viewers.size >= VIEWERS_MAX) return new Response(null, { status: 503 });
    const { 0: client, 1: server } = new WebSocketPair();
    const { ctx } = this.#parts;
    // Pings in this wording are answered without waking the object.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, JSON.stringify(PONG)));
    ctx.acceptWebSocket(server);
    const viewer = new Viewer(server, { runId, format, cursor: after, unread: 0, heardAt: null });
    viewer.remember();
    this.#admit(server, viewer);
    this.#wake(runId);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** A commit has added to a run's log. */
  changed(runId: string): void {
    if (this.#byRun.has(runId)) this.#wake(runId);
  }

  isWatched(runId: string): boolean {
    return this.#byRun.has(runId);
  }

  /** Tells what the log does not hold: only those hear it who have the log and are not far behind with reading. */
  say(runId: string, remarks: readonly Remark[]): void {
    const seq = this.#parts.load(runId)?.state.seq;
    for (const viewer of [...(this.#byRun.get(runId) ?? [])]) {
      if (viewer.cursor !== seq || !viewer.hasRoom) continue;
      this.#send(viewer, { texts: remarkTexts(remarks, viewer.format), through: viewer.cursor, lastAt: null });
    }
    this.#boundUnread();
  }

  /** A viewer says `{"ack": seq}`: what it has read; or asks whether somebody is there. */
  heard(socket: WebSocket, message: string | ArrayBuffer): void {
    const viewer = this.#viewers.get(socket);
    if (viewer === undefined) return;
    this.#parts.recorder.count(metrics.socketMessages, ["in"]);
    const said = typeof message === "string" && message.length <= MESSAGE_UNITS_MAX ? parseSaid(message) : null;
    if (said?.type === "ping") viewer.tell(PONG);
    else if (typeof said?.ack === "number") {
      const before = viewer.unread;
      viewer.acknowledge(said.ack, Date.now());
      this.#unread += viewer.unread - before;
      this.#wake(viewer.runId);
    } else {
      const text = 'a viewer may say {"ack": seq} and {"type": "ping"}';
      viewer.tell({ error: { code: "invalid", message: text } });
    }
  }

  /** The socket is gone. */
  left(socket: WebSocket): void {
    if (this.#viewers.has(socket)) this.#parts.recorder.count(metrics.socketsClosed, ["left"]);
    this.#forget(socket);
  }

  #forget(socket: WebSocket): void {
    const viewer = this.#viewers.get(socket);
    if (viewer === undefined) return;
    this.#viewers.delete(socket);
    this.#unread -= viewer.unread;
    const others = this.#byRun.get(viewer.runId);
    others?.delete(viewer);
    if (others?.size === 0) this.#byRun.delete(viewer.runId);
    this.#tellSize();
  }

  #admit(socket: WebSocket, viewer: Viewer): void {
    this.#viewers.set(socket, viewer);
    this.#since.set(viewer, Date.now());
    this.#unread += viewer.unread;
    const viewers = this.#byRun.get(viewer.runId) ?? new Set();
    this.#byRun.set(viewer.runId, viewers.add(viewer));
    this.#tellSize();
  }

  #tellSize(): void {
    this.#parts.recorder.set(metrics.sockets, [], this.#viewers.size, this.#parts.source);
  }

  #wake(runId: string): void {
    this.#changed.add(runId);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => this.#tellChanged(), 0);
  }

  #tellChanged(): void {
    this.#isScheduled = false;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const runId of changed) {
      try {
        this.#tell(runId);
      } catch (error) {
        this.#parts.logger.error("viewers of a run could not be told", { run_id: runId, error });
        for (const viewer of this.#byRun.get(runId) ?? []) this.#dismiss(viewer, 1011, "try again");
      }
    }
  }

  /** One page to each who is behind: read and written out once for all who stand at the same event. */
  #tell(runId: string): void {
    const viewers = this.#byRun.get(runId);
    if (viewers === undefined) return;
    const run = this.#parts.load(runId);
    if (run === null) {
      for (const viewer of viewers) this.#dismiss(viewer, 1012, "the run has moved to the archive: try again");
      return;
    }
    const { seq, status } = run.state;
    const pages = new Map<string, Page>();
    const nowMs = Date.now();
    for (const viewer of [...viewers]) {
      const isBehind = viewer.cursor < seq;
      if (isBehind && viewer.isStalled(nowMs)) this.#letGo(viewer);
      else if (isBehind && viewer.isReady) this.#send(viewer, pageFor(pages, viewer, this.#parts.runs));
      else if (!isBehind && isTerminal(status)) this.#dismiss(viewer, CLOSE_ENDED, "ended");
    }
    this.#boundUnread();
    const hasMore = [...viewers].some((viewer) => (viewer.cursor < seq ? viewer.isReady : isTerminal(status)));
    if (hasMore) this.#wake(runId);
  }

  #send(viewer: Viewer, page: Page): void {
    const before = viewer.unread;
    const isThere = viewer.send(page.texts, page.through);
    this.#unread += viewer.unread - before;
    const { recorder } = this.#parts;
    recorder.count(metrics.socketMessages, ["out"], page.texts.length);
    const { lastAt } = page;
    const isNews = lastAt !== null && lastAt >= (this.#since.get(viewer) ?? 0);
    if (isNews) recorder.observe(metrics.socketLag, [], Math.max(0, Date.now() - lastAt) / 1_000);
    if (!isThere) this.#dismiss(viewer, 1011, "gone");
  }

  #boundUnread(): void {
    while (this.#unread > UNREAD_UNITS_MAX) {
      let slowest: Viewer | null = null;
      for (const viewer of this.#viewers.values()) if (viewer.unread > (slowest?.unread ?? 0)) slowest = viewer;
      if (slowest === null) return;
      this.#letGo(slowest);
    }
  }

  #letGo(viewer: Viewer): void {
    this.#dismiss(viewer, CLOSE_SLOW, `too far behind: resume after=${viewer.cursor}`);
  }

  #dismiss(viewer: Viewer, code: number, reason: string): void {
    const why = code === CLOSE_ENDED ? "ended" : code === CLOSE_SLOW ? "slow" : "error";
    this.#parts.recorder.count(metrics.socketsClosed, [why]);
    this.#forget(viewer.socket);
    viewer.close(code, reason);
  }
}

interface Page {
  texts: string[];
  through: number;
  /** When the last of its events was committed; null for what is in no log. */
  lastAt: number | null;
}

function pageFor(pages: Map<string, Page>, { runId, cursor, format }: Viewer, runs: RunLog): Page {
  const key = `${format} ${cursor}`;
  let page = pages.get(key);
  if (page === undefined) {
    const events = runs.events(runId, cursor, PAGE_EVENTS);
    page = {
      texts: streamTexts(events, format),
      through: events.at(-1)?.seq ?? cursor,
      lastAt: events.at(-1)?.at ?? 0,
    };
    pages.set(key, page);
  }
  return page;
}
