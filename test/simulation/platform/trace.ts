/** What happened and when, line by line; kept only when somebody wants to read it. */
import type { Timeline } from "./timeline.ts";

export class Trace {
  readonly lines: string[] = [];
  readonly #timeline: Timeline;
  readonly #beginMs: number;
  readonly #isKept: boolean;

  constructor(timeline: Timeline, isKept: boolean) {
    this.#timeline = timeline;
    this.#beginMs = timeline.nowMs;
    this.#isKept = isKept;
  }

  /** `line` is made only when it is kept. */
  note(line: () => string): void {
    if (!this.#isKept) return;
    const ms = this.#timeline.nowMs - this.#beginMs;
    this.lines.push(`${(ms / 1000).toFixed(3).padStart(10)}  ${line()}`);
  }
}
