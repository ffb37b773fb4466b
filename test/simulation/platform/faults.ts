/** What goes wrong: by chance while trouble lasts, or exactly what a script lists. Remembers what did. */
import type { Choices } from "./choices.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

export const FAULT_KINDS = [
  /** A transaction fails as it commits, and takes back what was done in it. */
  "commit.fails",
  /** The object is lost before what it wrote is durable … */
  "flush.lost",
  /** … or right after, before anybody hears of it. */
  "flush.then_lost",
  /** A call to an object never arrives; its answer never comes back. */
  "call.lost",
  "answer.lost",
  /** A queue refuses a batch; it takes it and says that it did not. */
  "send.refused",
  "send.doubted",
  "message.lost",
  "message.repeated",
  "message.late",
  "message.poison",
  /** The invocation that works a batch off is lost. */
  "batch.lost",
  /** A worker takes a task and is never heard of again. */
  "task.hangs",
  "alarm.late",
  "alarm.repeated",
  "database.refused",
  "database.answer_lost",
  "database.slow",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export type FaultRates = Partial<Record<FaultKind, number>>;

export interface FaultSettings {
  rates: FaultRates;
  /** When trouble ends, in virtual time; a script's own faults happen whenever it says. */
  untilMs: number;
  /** Exactly these instead of chance. */
  only: readonly string[] | null;
}

export class Faults {
  /** What went wrong, as `kind:about`. */
  readonly happened = new Set<string>();
  readonly #choices: Choices;
  readonly #timeline: Timeline;
  readonly #trace: Trace;
  readonly #settings: FaultSettings;
  readonly #only: ReadonlySet<string> | null;

  constructor(choices: Choices, timeline: Timeline, trace: Trace, settings: FaultSettings) {
    this.#trace = trace;
    this.#choices = choices;
    this.#timeline = timeline;
    this.#settings = settings;
    this.#only = settings.only === null ? null : new Set(settings.only);
  }

  /** Whether this goes wrong with `about`, which must name the occasion. */
  happens(kind: FaultKind, about: string): boolean {
    const name = `${kind}:${about}`;
    const does = this.#only === null ? this.#byChance(kind, name) : this.#only.has(name);
    if (does) {
      this.happened.add(name);
      this.#trace.note(() => `fault    ${name}`);
    }
    return does;
  }

  #byChance(kind: FaultKind, name: string): boolean {
    const rate = this.#settings.rates[kind] ?? 0;
    return rate > 0 && this.#timeline.nowMs < this.#settings.untilMs && this.#choices.chance(name, rate);
  }
}
