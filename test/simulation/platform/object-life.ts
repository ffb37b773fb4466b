/**
 * One life of a Durable Object: its storage as the object sees it, and the output gate. Nothing that it says reaches
 * anybody before what it wrote is durable.
 */
import type { SQLInputValue } from "node:sqlite";
import type { ObjectDisk, Row } from "./object-disk.ts";
import { type Happening, Owner, type Timeline } from "./timeline.ts";

export interface LifeEvents {
  /** How long the flush takes that begins now. */
  flushMs(): number;
  /** Whether this transaction fails. */
  commitFails(): boolean;
  /** What was written is to become durable now; false: the object is lost instead. */
  flushing(): boolean;
  /** It is durable; false: the object is lost before it hears of it. */
  flushed(): boolean;
}

export class ObjectLife extends Owner {
  readonly disk: ObjectDisk;
  alarmAt: number | null;
  /** The alarm whose handler runs: kept until it has ended well, unless another was set. */
  ringing: number | null = null;
  /** Until the constructor's own work is done nothing is delivered. */
  ready: Promise<unknown> = Promise.resolve();
  isBuilt = false;
  readonly #timeline: Timeline;
  readonly #events: LifeEvents;
  #flush: Happening | null = null;
  #held: (() => void)[] = [];

  constructor(name: string, disk: ObjectDisk, timeline: Timeline, events: LifeEvents) {
    super(name);
    this.disk = disk;
    this.alarmAt = disk.alarmAt;
    this.#timeline = timeline;
    this.#events = events;
  }

  /** Runs once everything written so far is durable; at once when it is. */
  whenDurable(act: () => void): void {
    if (this.#flush === null) act();
    else this.#held.push(act);
  }

  wrote(): void {
    this.#flush ??= this.#timeline.in(this.#events.flushMs(), this, () => this.#doFlush());
  }

  /** Makes what was written durable at once, as before an orderly eviction. */
  flushNow(): void {
    if (this.#flush === null) return;
    this.#timeline.cancel(this.#flush);
    this.#flush = null;
    this.#keep();
  }

  #keep(): void {
    this.disk.flush();
    this.disk.alarmAt = this.alarmAt ?? this.ringing;
  }

  #doFlush(): void {
    if (!this.#events.flushing()) return;
    this.#flush = null;
    this.#keep();
    if (!this.#events.flushed()) return;
    const held = this.#held;
    this.#held = [];
    for (const act of held) act();
  }

  /** What the constructor is handed. */
  context(id: string, waitUntil: (work: Promise<unknown>) => void): object {
    return {
      id: { name: id, toString: () => id },
      storage: this.#storage(),
      waitUntil,
      getWebSockets: () => [],
      blockConcurrencyWhile: (work: () => Promise<unknown>) => {
        this.ready = work();
        return this.ready;
      },
    };
  }

  #storage(): object {
    const { disk } = this;
    return {
      sql: {
        exec: (query: string, ...bindings: SQLInputValue[]) => new Cursor(disk.run(query, bindings)),
        get databaseSize() {
          return Number(disk.look("PRAGMA page_count")[0]?.page_count ?? 0) * 4096;
        },
      },
      transactionSync: <Value>(work: () => Value): Value =>
        disk.transaction(work, () => this.isBuilt && this.#events.commitFails()),
      sync: () => new Promise<void>((resolve) => this.whenDurable(resolve)),
      getAlarm: async () => this.alarmAt,
      setAlarm: async (at: number) => {
        this.alarmAt = Number(at);
        this.wrote();
      },
      deleteAlarm: async () => {
        this.alarmAt = null;
        this.wrote();
      },
    };
  }
}

/** The rows of a statement, read as `SqlStorageCursor` is. */
export class Cursor {
  readonly #rows: Row[];
  #next = 0;

  constructor(rows: Row[]) {
    this.#rows = rows;
  }

  toArray(): Row[] {
    const rest = this.#rows.slice(this.#next);
    this.#next = this.#rows.length;
    return rest;
  }

  one(): Row {
    const [row] = this.#rows;
    if (row === undefined || this.#rows.length > 1) throw new Error(`expected one row, found ${this.#rows.length}`);
    return row;
  }

  next(): IteratorResult<Row> {
    const value = this.#rows[this.#next++];
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  [Symbol.iterator](): Cursor {
    return this;
  }
}
