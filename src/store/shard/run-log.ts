/**
 * Runs in a shard's tables: their headers, logs and snapshots; large values are `stored-values.ts`. Writes are meant to be called inside
 * the coordinator's transaction; everything is synchronous.
 */

import { fold } from "#engine/apply.ts";
import type { RunEvent } from "#engine/events.ts";
import { nextDueAt, parseState, type RunState, serialiseState } from "#engine/state.ts";
import { CHUNK_UNITS, StoredValues } from "./stored-values.ts";

/** Events after which a snapshot is due; more for larger graphs, whose snapshots cost more. */
export const SNAPSHOT_EVENTS_MIN = 256;

/** Where a snapshot's state stands among a run's stored values; no node can have this id. */
const SNAPSHOT_PATH = ">snapshot";

export interface RunHeader {
  run_id: string;
  tenant: string;
  artifact_id: string;
  due_at: number | null;
  ended_at: number | null;
  [column: string]: SqlStorageValue;
}

export interface LoadedRun {
  state: RunState;
  /** `due_at` as stored. */
  dueAt: number | null;
  /** `seq` of the snapshot, 0 without one; its text, and that of the events since. */
  snapshotSeq: number;
  snapshotUnits: number;
  unitsSince: number;
  /** Units of text that the state was folded from: about what it weighs in memory. */
  units: number;
}

/** One transition of a run, as it stands in the log. */
export interface LogRow {
  id: number;
  run_id: string;
  events: RunEvent[];
}

export class RunLog {
  readonly #sql: SqlStorage;
  readonly values: StoredValues;
  #nextId: number;

  /** `floor`: ids at or below it were given out before, even if their rows are gone. */
  constructor(sql: SqlStorage, floor: number) {
    this.#sql = sql;
    this.values = new StoredValues(sql);
    const last = sql.exec<{ id: number | null }>("SELECT max(id) AS id FROM event").one().id ?? 0;
    this.#nextId = Math.max(last, floor) + 1;
  }

  /** Id of the newest row. */
  get lastId(): number {
    return this.#nextId - 1;
  }

  header(runId: string): RunHeader | null {
    return this.#sql.exec<RunHeader>("SELECT * FROM run WHERE run_id = ?", runId).toArray()[0] ?? null;
  }

  /** Folds the run's log onto its snapshot; null when the shard does not hold the run. */
  load(runId: string): LoadedRun | null {
    const header = this.header(runId);
    if (header === null) return null;
    const snapshot = this.#sql.exec<{ seq: number }>("SELECT seq FROM snapshot WHERE run_id = ?", runId).toArray()[0];
    const text = snapshot === undefined ? "" : this.values.read(runId, SNAPSHOT_PATH, 0);
    const read = { units: text.length };
    const base = text === "" ? undefined : parseState(text);
    const state = fold(this.#eventsAfter(runId, snapshot?.seq ?? 0, read), base);
    const unitsSince = read.units - text.length;
    const snapshotSeq = snapshot?.seq ?? 0;
    return { state, dueAt: header.due_at, snapshotSeq, snapshotUnits: text.length, unitsSince, units: read.units };
  }

  /** Events numbered above `after`, oldest first, at most `limit`. */
  events(runId: string, after: number, limit: number): RunEvent[] {
    const found: RunEvent[] = [];
    for (const event of this.#eventsAfter(runId, after)) {
      if (found.length === limit) break;
      found.push(event);
    }
    return found;
  }

  /** `read.units` grows by the text that was parsed. */
  *#eventsAfter(runId: string, after: number, read = { units: 0 }): Generator<RunEvent> {
    // Rows do not overlap and stand in order: the one that holds `after + 1` is the last that begins at or before it.
    const first = this.#sql
      .exec<{ first_seq: number }>(
        "SELECT first_seq FROM event WHERE run_id = ? AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1",
        runId,
        after + 1,
      )
      .toArray()[0];
    if (first === undefined) return;
    const rows = this.#sql.exec<{ events: string }>(
      "SELECT events FROM event WHERE run_id = ? AND first_seq >= ? ORDER BY first_seq",
      runId,
      first.first_seq,
    );
    for (const row of rows) {
      read.units += row.events.length;
      for (const event of JSON.parse(row.events) as RunEvent[]) if (event.seq > after) yield event;
    }
  }

  /** Writes a run's first transition; answers with the run and the units its events take as text. */
  create(state: RunState, events: readonly RunEvent[], wakeAt: number | null): { run: LoadedRun; units: number } {
    const run: LoadedRun = {
      state,
      dueAt: dueAtOf(state, wakeAt),
      snapshotSeq: 0,
      snapshotUnits: 0,
      unitsSince: 0,
      units: 0,
    };
    this.#sql.exec(
      "INSERT INTO run (run_id, tenant, artifact_id, due_at, ended_at) VALUES (?, ?, ?, ?, ?)",
      state.run_id,
      state.tenant,
      state.artifact_id,
      run.dueAt,
      state.ended_at,
    );
    return { run, units: this.#append(run, events) };
  }

  /** Writes a later transition; the header only when it must change. `wakeAt` asks for an earlier look. */
  append(run: LoadedRun, events: readonly RunEvent[], wakeAt: number | null): number {
    const { state } = run;
    const dueAt = dueAtOf(state, wakeAt);
    // What changes nothing writes nothing: a result that comes twice, a look at a run that has ended.
    const isSame = events.length === 0 && dueAt === run.dueAt;
    if (!isSame && (dueAt === null || run.dueAt === null || dueAt < run.dueAt)) {
      this.#sql.exec("UPDATE run SET due_at = ?, ended_at = ? WHERE run_id = ?", dueAt, state.ended_at, state.run_id);
      run.dueAt = dueAt;
    }
    return this.#append(run, events);
  }

  /** Stores the due time as it really is: after a look that found it earlier than the truth. */
  correctDueAt(run: LoadedRun, wakeAt: number | null): void {
    const dueAt = dueAtOf(run.state, wakeAt);
    if (dueAt === run.dueAt) return;
    this.#sql.exec("UPDATE run SET due_at = ? WHERE run_id = ?", dueAt, run.state.run_id);
    run.dueAt = dueAt;
  }

  /** Puts off the next look at a run that cannot be loaded. */
  postpone(runId: string, dueAt: number): void {
    this.#sql.exec("UPDATE run SET due_at = ? WHERE run_id = ? AND due_at IS NOT NULL", dueAt, runId);
  }

  #append(run: LoadedRun, events: readonly RunEvent[]): number {
    let units = 0;
    for (const { first, last, text } of rowsOf(events)) {
      this.#sql.exec(
        "INSERT INTO event (id, run_id, first_seq, last_seq, events) VALUES (?, ?, ?, ?, ?)",
        this.#nextId,
        run.state.run_id,
        first,
        last,
        text,
      );
      this.#nextId += 1;
      units += text.length;
    }
    const { state } = run;
    run.unitsSince += units;
    const interval = Math.max(SNAPSHOT_EVENTS_MIN, state.nodes.size * 4);
    // A large state (a map's results) is written again only once the log has grown by as much: its cost stays in proportion.
    const isDue = state.seq - run.snapshotSeq >= interval && run.unitsSince >= run.snapshotUnits;
    if (isDue && state.ended_at === null) this.#snapshot(run);
    return units;
  }

  #snapshot(run: LoadedRun): void {
    const { run_id: runId, seq } = run.state;
    // The state before may have taken more chunks.
    this.values.forget(runId, SNAPSHOT_PATH);
    const text = serialiseState(run.state);
    this.values.store(runId, SNAPSHOT_PATH, 0, text);
    this.#sql.exec(
      "INSERT INTO snapshot (run_id, seq) VALUES (?1, ?2) ON CONFLICT (run_id) DO UPDATE SET seq = ?2",
      runId,
      seq,
    );
    run.snapshotSeq = seq;
    run.snapshotUnits = text.length;
    run.unitsSince = 0;
  }

  /** Runs to look at by `nowMs`, the most overdue first. */
  due(nowMs: number, limit: number): string[] {
    return this.#sql
      .exec<{ run_id: string }>("SELECT run_id FROM run WHERE due_at <= ? ORDER BY due_at LIMIT ?", nowMs, limit)
      .toArray()
      .map((row) => row.run_id);
  }

  /** When the next run is due; null when none is. */
  nextDueAt(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(due_at) AS at FROM run WHERE due_at IS NOT NULL").one().at;
  }

  /** Runs that have not ended. */
  live(): string[] {
    return this.#sql
      .exec<{ run_id: string }>("SELECT run_id FROM run WHERE due_at IS NOT NULL")
      .toArray()
      .map((row) => row.run_id);
  }

  /** Runs whose log grew after row `after`, with the row up to which that is told; oldest first. */
  changedSince(after: number, limit: number): { runIds: string[]; through: number } {
    const runIds = new Set<string>();
    let through = after;
    const rows = this.#sql.exec<{ id: number; run_id: string }>(
      "SELECT id, run_id FROM event WHERE id > ? ORDER BY id LIMIT ?",
      after,
      limit,
    );
    for (const row of rows) {
      runIds.add(row.run_id);
      through = row.id;
    }
    return { runIds: [...runIds], through };
  }

  /** The rows of a tenant's runs from row `from` on, oldest first; null when there are too many, or too many to look through. */
  changesOf(
    tenant: string,
    from: number,
    limit: number,
    scanLimit: number,
  ): { run_id: string; first_seq: number }[] | null {
    if (this.lastId - from >= scanLimit) return null;
    // CROSS JOIN keeps SQLite from beginning with all runs.
    const rows = this.#sql
      .exec<{ run_id: string; first_seq: number }>(
        `SELECT event.run_id, event.first_seq FROM event CROSS JOIN run ON run.run_id = event.run_id
         WHERE event.id >= ? AND run.tenant = ? ORDER BY event.id LIMIT ?`,
        from,
        tenant,
        limit + 1,
      )
      .toArray();
    return rows.length > limit ? null : rows;
  }

  /** Transitions after row `after`, oldest first. */
  rowsAfter(after: number, limit: number): LogRow[] {
    return this.#sql
      .exec<{ id: number; run_id: string; events: string }>(
        "SELECT id, run_id, events FROM event WHERE id > ? ORDER BY id LIMIT ?",
        after,
        limit,
      )
      .toArray()
      .map(({ id, run_id, events }) => ({ id, run_id, events: JSON.parse(events) as RunEvent[] }));
  }

  /** Runs that ended before `endedBefore`, with ids in a range: ids are ordered by submission, which bounds the walk. */
  ended(endedBefore: number, idAfter: string, idBefore: string, limit: number): RunHeader[] {
    return this.#sql
      .exec<RunHeader>(
        "SELECT * FROM run WHERE run_id > ? AND run_id < ? AND ended_at IS NOT NULL AND ended_at < ? ORDER BY run_id LIMIT ?",
        idAfter,
        idBefore,
        endedBefore,
        limit,
      )
      .toArray();
  }

  /** Number of a run's last event; 0 when the shard does not hold it. */
  lastSeq(runId: string): number {
    return (
      this.#sql.exec<{ seq: number | null }>("SELECT max(last_seq) AS seq FROM event WHERE run_id = ?", runId).one()
        .seq ?? 0
    );
  }

  remove(runId: string): void {
    for (const table of ["run", "event", "snapshot", "stored_value"]) {
      this.#sql.exec(`DELETE FROM ${table} WHERE run_id = ?`, runId);
    }
  }

  get databaseBytes(): number {
    return this.#sql.databaseSize;
  }
}

/** Events as the texts of as few rows as a row's bound allows: one, but for transitions of an unusual size. */
function rowsOf(events: readonly RunEvent[]): { first: number; last: number; text: string }[] {
  const [first] = events;
  const last = events.at(-1);
  if (first === undefined || last === undefined) return [];
  const text = JSON.stringify(events);
  if (text.length <= CHUNK_UNITS || events.length === 1) return [{ first: first.seq, last: last.seq, text }];
  const half = events.length >> 1;
  return [...rowsOf(events.slice(0, half)), ...rowsOf(events.slice(half))];
}

/** Longest that a live run goes without a look, whatever it waits for. */
const LOOK_INTERVAL_MS = 24 * 3_600_000;

/** When a run must be looked at; null once it has ended. A live run is never without a time. */
function dueAtOf(state: RunState, wakeAt: number | null): number | null {
  if (state.ended_at !== null) return null;
  const due = nextDueAt(state) ?? wakeAt ?? Date.now() + LOOK_INTERVAL_MS;
  return wakeAt === null ? due : Math.min(due, wakeAt);
}
