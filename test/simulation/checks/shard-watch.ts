/**
 * Watches the tables of one shard: after every step it reads what is new in the log, lets the models judge it, and
 * compares what the object has in memory with what folding the log gives.
 */
import { apply, createState } from "#engine/apply.ts";
import type { RunEvent } from "#engine/events.ts";
import { type RunState, serialiseState } from "#engine/state.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { type LoadedRun, RunLog } from "#store/shard/run-log.ts";
import { judgeRelatives } from "../model/relative-rules.ts";
import type { RunModel } from "../model/run-model.ts";
import { take } from "../model/take.ts";
import { must } from "../model/violation.ts";
import type { Choices } from "../platform/choices.ts";
import type { ObjectHost } from "../platform/object-host.ts";
import { Cursor } from "../platform/object-life.ts";
import type { Trace } from "../platform/trace.ts";
import { cachedRuns } from "./cached-runs.ts";

export interface WatchParts {
  host: ObjectHost;
  /** Models of all runs, of every shard. */
  runs: Map<string, RunModel>;
  /** The model of a run whose log begins with this event. */
  begin(first: RunEvent, watch: ShardWatch): RunModel;
  trace: Trace;
  /** A live run has no more events than this after its snapshot, or four times its nodes. */
  snapshotEvents: number;
  /** Transactions may have failed, and been done again piece by piece. */
  mayRepeatWrites: boolean;
}

/** Statements that one row of the log may come with, besides one for each value beside it: header, snapshot, key, definition. */
const WRITES_PER_ROW = 8;
const WRITES_BESIDE = 12;

/** What stands where the events of a run did. */
const WRECKED = "the row was wrecked";

/** How an event names a value that stands beside the log. */
const BESIDE = '"stored_bytes":';

interface EventRow {
  id: number;
  run_id: string;
  events: string;
}

export class ShardWatch {
  readonly host: ObjectHost;
  readonly #parts: WatchParts;
  readonly #folded = new Map<string, RunState>();
  #lastId = 0;

  constructor(parts: WatchParts) {
    this.host = parts.host;
    this.#parts = parts;
  }

  /** Looks at what the step that has just ended wrote. */
  look(): void {
    const { disk } = this.host;
    if (!disk.isTouched) return;
    disk.isTouched = false;
    if (!this.#hasTables) return;
    const rows = disk.look(
      "SELECT id, run_id, events FROM event WHERE id > ? ORDER BY id",
      this.#lastId,
    ) as unknown as EventRow[];
    const touched = new Set<RunModel>();
    for (const row of rows) touched.add(this.#takeRow(row));
    for (const run of touched) this.#compare(run);
    for (const run of this.#relativesOf(touched)) judgeRelatives(run);
    if (rows.length > 0) this.#count();
    this.#judgeCost(rows, touched);
    disk.writes = 0;
  }

  /** The object was lost: runs whose latest events went with it are read again from what is left, with their relatives. */
  forgetLost(): void {
    const { disk } = this.host;
    const hasTables = this.#hasTables;
    const left = hasTables ? disk.look("SELECT run_id, max(last_seq) AS seq FROM event GROUP BY run_id") : [];
    const seqs = new Map(left.map((row) => [String(row.run_id), Number(row.seq)]));
    this.#lastId = hasTables ? Number(disk.look("SELECT max(id) AS id FROM event")[0]?.id ?? 0) : 0;
    const lost = this.#relativesOf(this.#own.filter((run) => seqs.get(run.runId) !== run.seq)).filter(
      (run) => !run.isWrecked,
    );
    for (const { runId } of lost) {
      this.#parts.runs.delete(runId);
      this.#folded.delete(runId);
    }
    if (lost.length === 0 || !hasTables) return;
    const ids = JSON.stringify(lost.map((run) => run.runId));
    const sql = "SELECT id, run_id, events FROM event WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY id";
    for (const row of disk.look(sql, ids)) this.#takeRow(row as unknown as EventRow);
  }

  /** From now on the rows of one live run cannot be read any more. */
  wreck(choices: Choices): void {
    const { disk, name } = this.host;
    const live = this.#own.filter((run) => !run.isTerminal && run.replayOf === null);
    if (live.length === 0) return;
    // Rather one of which something is still to be heard.
    const busy = live.filter((run) => run.visibleStatus() === "running");
    const run = choices.pick(`wreck/${name}`, busy.length > 0 ? busy : live);
    run.isWrecked = true;
    disk.run("UPDATE event SET events = ? WHERE run_id = ?", [WRECKED, run.runId]);
    disk.run("UPDATE stored_value SET text = ? WHERE run_id = ? AND path = '>snapshot'", [WRECKED, run.runId]);
    disk.flush();
    disk.isTouched = false;
    disk.writes = 0;
  }

  /** Loads every run anew, as a new life of the object would. */
  reload(): void {
    for (const [runId, folded] of this.#folded) {
      if (this.#parts.runs.get(runId)?.isWrecked === false) this.#compareLoaded(runId, folded);
    }
  }

  /** A value that stands beside the log. */
  readStored(runId: string, path: string, visit: number): Json {
    const rows = this.host.disk.look(
      "SELECT text FROM stored_value WHERE run_id = ? AND path = ? AND visit = ? ORDER BY chunk",
      runId,
      path,
      visit,
    );
    must(rows.length > 0, "10", () => `the value of ${path}/${visit} of ${runId} is not there`);
    return JSON.parse(rows.map((row) => String(row.text)).join("")) as Json;
  }

  get #own(): RunModel[] {
    return [...this.#parts.runs.values()].filter((run) => run.shard === this.host.name);
  }

  /** These runs, and those that came of the same one. */
  #relativesOf(runs: Iterable<RunModel>): RunModel[] {
    const roots = new Set([...runs].map((run) => run.rootId));
    return this.#own.filter((run) => roots.has(run.rootId));
  }

  /** They are part of what a lost object may not have flushed. */
  get #hasTables(): boolean {
    return this.host.disk.look("SELECT 1 FROM sqlite_schema WHERE name = 'event'").length > 0;
  }

  #takeRow(row: EventRow): RunModel {
    this.#lastId = Math.max(this.#lastId, row.id);
    const events = JSON.parse(row.events) as RunEvent[];
    const { runs, begin, trace } = this.#parts;
    let run = runs.get(row.run_id);
    for (const event of events) {
      trace.note(() => `event    ${row.run_id.slice(-4)} ${describe(event)}`);
      if (run === undefined) {
        must(event.type === "run.queued", "6", () => `the log of ${row.run_id} begins with ${event.type}`);
        run = begin(event, this);
        runs.set(row.run_id, run);
        this.#folded.set(row.run_id, createState(event));
        take(run, event);
        continue;
      }
      take(run, event);
      apply(this.#folded.get(row.run_id) as RunState, event);
    }
    must(run !== undefined, "6", () => `a row of ${row.run_id} holds no event`);
    run.endTransition();
    return run;
  }

  /** Invariant 10: the cached state, the folded log and the model agree. */
  #compare(run: RunModel): void {
    const folded = this.#folded.get(run.runId) as RunState;
    const { life } = this.host;
    const cached = life === null ? undefined : cachedRuns(life).get(run.runId);
    if (cached !== undefined) mustBeSame(run.runId, "the cached state", cached, folded);
    if (run.seq % 16 === 0) this.#compareLoaded(run.runId, folded);
    must(folded.status === run.status, "10", () => `${run.runId} is ${folded.status}, and its log says ${run.status}`);
    for (const [id, node] of run.nodes) {
      const status = folded.nodes.get(id)?.status ?? "pending";
      must(status === node.status, "10", () => `${id} of ${run.runId} is ${status}, and its log says ${node.status}`);
    }
  }

  #compareLoaded(runId: string, folded: RunState): void {
    const { disk } = this.host;
    const sql = { exec: (query: string, ...bindings: string[]) => new Cursor(disk.look(query, ...bindings)) };
    const loaded = new RunLog(sql as unknown as SqlStorage, 0).load(runId);
    must(loaded !== null, "10", () => `${runId} cannot be loaded`);
    mustBeSame(runId, "the state as loaded", loaded, folded);
  }

  /** Invariant 14. */
  #count(): void {
    const [counted] = this.host.disk.look(
      "SELECT count(*) AS runs, count(due_at) AS live, count(ended_at) AS ended FROM run",
    );
    const own = this.#own;
    const ended = own.filter((run) => run.isTerminal).length;
    const isRight = counted?.runs === own.length && counted.ended === ended && counted.live === own.length - ended;
    must(isRight, "14", () => `${own.length} runs, ${ended} ended; the shard counts ${JSON.stringify(counted)}`);
  }

  /** Invariant 15: what a transition writes, and what loading a run must read, has a bound. */
  #judgeCost(rows: readonly EventRow[], touched: ReadonlySet<RunModel>): void {
    const { disk } = this.host;
    const values = rows.reduce((sum, row) => sum + row.events.split(BESIDE).length - 1, 0);
    const allowed = rows.length * WRITES_PER_ROW + values + WRITES_BESIDE;
    const isBounded = this.#parts.mayRepeatWrites || disk.writes <= allowed;
    must(isBounded, "15", () => `${disk.writes} statements were written for ${rows.length} rows of the log`);
    for (const run of touched) if (!run.isTerminal) this.#judgeSnapshot(run);
  }

  /** A live run is folded from few events, or from no more text than its snapshot has. */
  #judgeSnapshot(run: RunModel): void {
    const { disk } = this.host;
    // A node that a patch brought is known for good, also when the patch is taken back.
    const nodes = Math.max(run.definition.nodes.size, run.nodes.size);
    const most = Math.max(this.#parts.snapshotEvents, (nodes + run.partsMost) * 4);
    if (run.seq <= most) return;
    const seq = Number(disk.look("SELECT seq FROM snapshot WHERE run_id = ?", run.runId)[0]?.seq ?? 0);
    if (run.seq - seq < most) return;
    const [since] = disk.look(
      "SELECT sum(length(events)) AS units FROM event WHERE run_id = ? AND first_seq > ?",
      run.runId,
      seq,
    );
    const [held] = disk.look(
      "SELECT sum(length(text)) AS units FROM stored_value WHERE run_id = ? AND path = '>snapshot'",
      run.runId,
    );
    const isBounded = seq > 0 && Number(since?.units) <= Number(held?.units);
    must(isBounded, "15", () => `${run.runId} has ${run.seq - seq} events after its last snapshot`);
  }
}

function mustBeSame(runId: string, what: string, run: LoadedRun, folded: RunState): void {
  const given = serialiseState(run.state);
  const expected = serialiseState(folded);
  // Members may stand in another order where a snapshot was read.
  const found = given === expected ? null : differenceOf(JSON.parse(given), JSON.parse(expected), "");
  must(found === null, "10", () => `${what} of ${runId} is not what its log gives: ${found}`);
}

/** The first place where two values differ; null when there is none. */
function differenceOf(left: Json, right: Json, at: string): string | null {
  if (typeof left !== "object" || left === null || typeof right !== "object" || right === null) {
    return left === right ? null : `${at} is ${JSON.stringify(left)}, not ${JSON.stringify(right)}`;
  }
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const [mine, other] = [left, right].map((value) => (value as JsonObject)[key] ?? null) as [Json, Json];
    const found = differenceOf(mine, other, `${at}/${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** An event in one line. */
function describe(event: RunEvent): string {
  const { seq, at: _, type, ...rest } = event;
  const { metrics: __, system: ___, output, inputs: ____, ...told } = rest as Record<string, unknown>;
  const text = JSON.stringify(told);
  const value = output === undefined ? "" : ` → ${JSON.stringify(output).slice(0, 80)}`;
  return `${seq} ${type} ${text}${value}`;
}
