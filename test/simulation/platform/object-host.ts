/**
 * Where a Durable Object lives: builds it when it is needed, delivers calls and its alarm, and loses it. Calls under
 * way when it is lost fail as the platform's do.
 */
import type { Choices } from "./choices.ts";
import type { Faults } from "./faults.ts";
import { ObjectDisk } from "./object-disk.ts";
import { ObjectLife } from "./object-life.ts";
import type { Happening, Owner, Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

export type Instance = Record<string, (...values: unknown[]) => Promise<unknown>> & { alarm(): Promise<void> };

export interface HostParts {
  timeline: Timeline;
  choices: Choices;
  faults: Faults;
  trace: Trace;
  /** Longest ordinary delays, in milliseconds. */
  delays: { call: number; flush: number; alarm: number };
  /** Builds the object, in its own life. */
  build(context: object): Instance;
  /** A call has arrived and will be answered. */
  onCall(method: string, values: unknown[]): void;
  /** It has been carried out and gives this. */
  onAnswer(method: string, values: unknown[], value: unknown): void;
  /** The object was lost; what it had not flushed is gone unless it was evicted in an orderly way. */
  onLost(host: ObjectHost): void;
  onBug(error: unknown): void;
}

interface Call {
  caller: Owner;
  reject: (error: Error) => void;
}

/** How late an alarm may be when it is late. */
const ALARM_LATE_MS = 300_000;
const ALARM_RETRY_MS = 2_000;

export class ObjectHost {
  readonly name: string;
  readonly disk: ObjectDisk;
  life: ObjectLife | null = null;
  /** When each life began, oldest first. */
  readonly lives: number[] = [];
  readonly #parts: HostParts;
  readonly #calls = new Map<number, Call>();
  #counts = { call: 0, flush: 0, commit: 0, alarm: 0 };
  #alarm: Happening | null = null;
  #alarmSetFor: number | null = null;
  #isAlarmRunning = false;

  constructor(name: string, parts: HostParts) {
    this.name = name;
    this.#parts = parts;
    this.disk = new ObjectDisk(() => this.life?.wrote());
  }

  /** A call as somebody else makes it: it takes time, and may be lost on either way. */
  call(method: string, values: unknown[]): Promise<unknown> {
    const { timeline, choices, faults, delays } = this.#parts;
    const caller = timeline.current;
    const number = this.#counts.call++;
    const about = `${this.name}/${method}/${number}`;
    const sent = structuredClone(values);
    return new Promise((resolve, reject) => {
      const arriveMs = choices.between(`call/${about}`, 0, delays.call);
      if (faults.happens("call.lost", about)) {
        timeline.in(arriveMs, caller, () => reject(resetError("Network connection lost.")));
        return;
      }
      this.#calls.set(number, { caller, reject });
      timeline.in(arriveMs, timeline.platform, () => this.#arrive(method, sent, number, about, resolve));
    });
  }

  #arrive(method: string, values: unknown[], number: number, about: string, resolve: (value: unknown) => void): void {
    const { timeline, choices, faults, delays, trace, onCall, onAnswer, onBug } = this.#parts;
    const call = this.#calls.get(number);
    if (call === undefined) return;
    onCall(method, values);
    trace.note(() => `call     ${this.name} ${method}`);
    const life = this.#wake();
    const answer = (tell: () => void) =>
      life.whenDurable(() => {
        if (!this.#calls.delete(number)) return;
        const lost = faults.happens("answer.lost", about);
        timeline.in(choices.between(`answer/${about}`, 0, delays.call), call.caller, () =>
          lost ? call.reject(resetError("Network connection lost.")) : tell(),
        );
      });
    void life.ready
      .then(() => (life.instance[method] as Instance[string])(...values))
      .then(
        (value) => {
          const sent = structuredClone(value);
          try {
            onAnswer(method, values, sent);
          } catch (error) {
            onBug(error);
          }
          answer(() => resolve(sent));
        },
        (error) => answer(() => call.reject(error as Error)),
      );
  }

  /** The life that is there, or a new one; the rest of the step is its own. */
  #wake(): ObjectLife & { instance: Instance } {
    const { timeline, choices, faults, delays, trace, build, onBug } = this.#parts;
    let life = this.life as (ObjectLife & { instance: Instance }) | null;
    if (life === null) {
      const born = new ObjectLife(`${this.name}#${this.lives.length + 1}`, this.disk, timeline, {
        flushMs: () => choices.between(`flush/${this.name}/${this.#counts.flush}`, 0, delays.flush),
        commitFails: () => faults.happens("commit.fails", `${this.name}/${this.#counts.commit++}`),
        flushing: () => this.#mayFlush("flush.lost", true),
        flushed: () => {
          this.#armAlarm();
          return this.#mayFlush("flush.then_lost", false);
        },
      });
      this.life = born;
      trace.note(() => `life     ${born.name}`);
      this.lives.push(timeline.nowMs);
      timeline.current = born;
      const instance = build(born.context(this.name, (work) => void work.catch(onBug)));
      born.isBuilt = true;
      life = Object.assign(born, { instance });
    }
    timeline.current = life;
    return life;
  }

  #mayFlush(kind: "flush.lost" | "flush.then_lost", counts: boolean): boolean {
    if (counts) this.#counts.flush += 1;
    if (!this.#parts.faults.happens(kind, `${this.name}/${this.#counts.flush}`)) return true;
    this.lose();
    return false;
  }

  /** The object is gone. `orderly`: it was idle and all it wrote had been flushed. */
  lose(orderly = false): void {
    const { timeline, choices, trace, onLost } = this.#parts;
    if (this.life === null) return;
    trace.note(() => `lost     ${this.life?.name}${orderly ? " (evicted)" : ""}`);
    if (orderly) this.life.flushNow();
    this.life.isAlive = false;
    this.life = null;
    this.disk.discard();
    for (const [number, { caller, reject }] of this.#calls) {
      const delayMs = choices.between(`lost/${this.name}/${number}`, 0, 5);
      timeline.in(delayMs, caller, () => reject(resetError("Durable Object reset because it was lost.")));
    }
    this.#calls.clear();
    const afterMs = this.#isAlarmRunning ? ALARM_RETRY_MS : 0;
    this.#isAlarmRunning = false;
    this.#alarmSetFor = null;
    this.#armAlarm(afterMs);
    onLost(this);
  }

  /** The platform goes by what is durable. */
  #armAlarm(afterMs = 0): void {
    const { timeline, choices, faults, delays } = this.#parts;
    const { alarmAt } = this.disk;
    if (alarmAt === this.#alarmSetFor) return;
    if (this.#alarm !== null) timeline.cancel(this.#alarm);
    this.#alarmSetFor = alarmAt;
    this.#alarm = null;
    if (alarmAt === null || this.#isAlarmRunning) return;
    const about = `${this.name}/${this.#counts.alarm++}`;
    const lateMs = faults.happens("alarm.late", about)
      ? choices.between(`late/${about}`, 1_000, ALARM_LATE_MS)
      : choices.between(`alarm/${about}`, 0, delays.alarm);
    const atMs = Math.max(alarmAt, timeline.nowMs + afterMs) + lateMs;
    this.#alarm = timeline.at(atMs, timeline.platform, () => this.#ring(about));
  }

  #ring(about: string): void {
    const { timeline, choices, faults, trace, onBug } = this.#parts;
    trace.note(() => `alarm    ${this.name}`);
    this.#alarm = null;
    this.#isAlarmRunning = true;
    const life = this.#wake();
    life.ringing = life.alarmAt;
    life.alarmAt = null;
    const ended = () => {
      this.#isAlarmRunning = false;
      life.ringing = null;
      this.disk.alarmAt = life.alarmAt;
      this.#alarmSetFor = null;
      this.#armAlarm();
      if (faults.happens("alarm.repeated", about)) {
        const againMs = choices.between(`again/${about}`, 0, 2_000);
        timeline.in(againMs, timeline.platform, () => this.#ringAgain());
      }
    };
    void life.ready
      .then(() => life.instance.alarm())
      .then(
        () => life.whenDurable(ended),
        (error) => {
          onBug(error);
          life.alarmAt ??= life.ringing;
          life.whenDurable(ended);
        },
      );
  }

  /** At least once means that it may come twice. */
  #ringAgain(): void {
    const life = this.#wake();
    void life.ready.then(() => life.instance.alarm()).catch(this.#parts.onBug);
  }
}

/** As the platform reports a call that a lost object did not answer. */
function resetError(message: string): Error {
  return Object.assign(new Error(message), { retryable: true, durableObjectReset: true, remote: true });
}
