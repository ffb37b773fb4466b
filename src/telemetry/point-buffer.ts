/** Points of an isolate on their way to the local store: gathered for a moment, bounded, and counted when they are not kept. */
import type { NumberedPoint, Point } from "./point.ts";

/** Points that may wait; beyond it new ones are dropped. */
export const BUFFERED_POINTS_MAX = 2_000;

export class PointBuffer {
  /** Points that were not kept, since the isolate began. */
  dropped = 0;
  #waiting: NumberedPoint[] = [];
  #next = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** False when it was dropped. */
  add(point: Point): boolean {
    if (this.#waiting.length >= BUFFERED_POINTS_MAX) {
      this.dropped += 1;
      return false;
    }
    this.#waiting.push({ ...point, seq: this.#next++, part: 0 });
    return true;
  }

  /** The oldest, at most `count`; they are no longer waiting. */
  take(count: number): NumberedPoint[] {
    return this.#waiting.splice(0, count);
  }

  /** What could not be handed over goes back to the front, as far as there is room. */
  putBack(points: readonly NumberedPoint[]): void {
    const room = Math.max(0, BUFFERED_POINTS_MAX - this.#waiting.length);
    const kept = points.slice(Math.max(0, points.length - room));
    this.dropped += points.length - kept.length;
    this.#waiting = [...kept, ...this.#waiting];
  }
}
