/**
 * Brings log records to where they are kept: in slices, with a few tries, and never more in memory than a bound. What
 * cannot be brought is dropped and counted, and the count is told with the next records that arrive.
 */
import { type CollectorAddress, deliver, type PostJson } from "../otlp-collector.ts";
import type { TailRecord } from "./tail-records.ts";

/** Records that may be under way in one isolate; those beyond it are dropped. */
export const RECORDS_UNDER_WAY_MAX = 5_000;

/** Records of one request. */
export const RECORDS_PER_REQUEST_MAX = 500;

/** Times that a slice is offered, and the pause between, which doubles; a longer one that is asked for is not waited for. */
export const TRIES_MAX = 3;
const PAUSE_MS = 500;
export const PAUSE_MS_MAX = 5_000;

export interface LogTarget {
  name: string;
  address: CollectorAddress;
  bodyOf(records: readonly TailRecord[], nowMs: number): string;
}

export interface ShipperParts {
  targets: readonly LogTarget[];
  post: PostJson;
  nowMs(): number;
  wait(ms: number): Promise<void>;
  /** Told what went wrong; the records are not. */
  complain(message: string, fields: Record<string, unknown>): void;
}

export class LogShipper {
  readonly #parts: ShipperParts;
  #underWay = 0;
  /** Dropped since they were last told, by target. */
  readonly #dropped = new Map<string, number>();

  constructor(parts: ShipperParts) {
    this.#parts = parts;
  }

  /** Dropped for a target and not told there yet. */
  dropped(target: string): number {
    return this.#dropped.get(target) ?? 0;
  }

  /** Never throws. */
  async ship(records: readonly TailRecord[]): Promise<void> {
    const { targets } = this.#parts;
    if (records.length === 0 || targets.length === 0) return;
    const room = Math.max(0, RECORDS_UNDER_WAY_MAX - this.#underWay);
    const taken = records.slice(0, room);
    this.#underWay += taken.length;
    try {
      await Promise.all(
        targets.map((target) => {
          this.#drop(target, records.length - taken.length);
          return this.#bring(target, taken);
        }),
      );
    } finally {
      this.#underWay -= taken.length;
    }
  }

  async #bring(target: LogTarget, records: readonly TailRecord[]): Promise<void> {
    for (let from = 0; from < records.length; from += RECORDS_PER_REQUEST_MAX) {
      const slice = records.slice(from, from + RECORDS_PER_REQUEST_MAX);
      const told = this.dropped(target.name);
      const nowMs = this.#parts.nowMs();
      const isTaken = await this.#offer(target, told === 0 ? slice : [...slice, droppedRecord(told, nowMs)]);
      this.#drop(target, isTaken ? -told : slice.length);
    }
  }

  /** False when the records are lost to this target. */
  async #offer(target: LogTarget, records: readonly TailRecord[]): Promise<boolean> {
    const { complain, nowMs, post, wait } = this.#parts;
    const body = target.bodyOf(records, nowMs());
    let reason = "";
    for (let tried = 1; ; tried++) {
      const delivery = await deliver(target.address, body, post, nowMs());
      if (delivery.outcome === "taken") return true;
      reason = delivery.reason;
      const pause = delivery.outcome === "again" ? Math.max(PAUSE_MS * 2 ** (tried - 1), delivery.waitMs ?? 0) : null;
      if (pause === null || pause > PAUSE_MS_MAX || tried === TRIES_MAX) break;
      await wait(pause);
    }
    complain("log records were dropped", { target: target.name, records: records.length, reason });
    return false;
  }

  #drop({ name }: LogTarget, count: number): void {
    if (count !== 0) this.#dropped.set(name, this.dropped(name) + count);
  }
}

function droppedRecord(dropped: number, nowMs: number): TailRecord {
  const msg = "log records before this one were dropped";
  return { atMs: nowMs, level: "warn", msg, service: "tail", traceId: null, fields: { dropped } };
}
