/**
 * Regular expressions on RE2: no pattern can hang, as each costs at most its size times the text. Loaded when a step
 * first needs it, for its tables are large. Positions are UTF-16 units.
 */
import { RE2JS } from "re2js";
import { fail, ok, type Result } from "#kernel/errors.ts";
import type { Work } from "./work.ts";

/** Longest pattern, and longest text that one is applied to, in UTF-16 units. */
export const PATTERN_LENGTH_MAX = 1_024;
export const PATTERN_TEXT_LENGTH_MAX = 65_536;
/** Largest compiled pattern, in instructions: repetition counts multiply them. */
export const PATTERN_PROGRAM_MAX = 10_000;
/** Copies of one part that repetition counts may ask for, all together. */
export const PATTERN_REPETITIONS_MAX = 1_000;

export interface PatternFlags {
  ignoreCase?: boolean;
  /** `.` matches line breaks too. */
  dotAll?: boolean;
  longest?: boolean;
}

export interface PatternGroup {
  name: string | null;
  /** -1 when the group took no part. */
  start: number;
  end: number;
}

export interface PatternMatch {
  start: number;
  end: number;
  groups: PatternGroup[];
}

/** Work of compiling a pattern at all, and of each character that repetition counts copy. */
const COMPILING_PRICE = 200;
const COPY_PRICE = 6;

/** The library backtracks, with a note of where it has been, as long as instructions times text stay below a bound. */
const BACKTRACKING_INSTRUCTIONS_MAX = 500;
const BACKTRACKING_BITS_MAX = 256 * 1_024;
/** Work of a look at one character; without notes it is looked at for all instructions at once, at a price for each. */
const LOOK_PRICE = 0.4;
const THREAD_PRICE = 0.15;

export class Pattern {
  readonly #compiled: RE2JS;
  readonly #names: (string | null)[];
  readonly #size: number;

  private constructor(compiled: RE2JS) {
    this.#compiled = compiled;
    this.#names = Array.from({ length: compiled.groupCount() }, () => null);
    for (const [name, index] of Object.entries(compiled.namedGroups())) this.#names[index - 1] = name;
    this.#size = compiled.programSize();
  }

  /** The error says what is wrong with the pattern, for its author. */
  static compile(source: string, work: Work, flags: PatternFlags = {}): Result<Pattern, string> {
    if (source.length > PATTERN_LENGTH_MAX) return fail(`a pattern has at most ${PATTERN_LENGTH_MAX} characters`);
    const copies = repetitions(source);
    if (copies > PATTERN_REPETITIONS_MAX) {
      return fail(`the repetition counts of a pattern multiply to at most ${PATTERN_REPETITIONS_MAX}, not ${copies}`);
    }
    work.charge(COMPILING_PRICE + source.length * (20 + copies * COPY_PRICE));
    try {
      const compiled = RE2JS.compile(
        source,
        (flags.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) |
          (flags.dotAll ? RE2JS.DOTALL : 0) |
          (flags.longest ? RE2JS.LONGEST_MATCH : 0),
      );
      if (compiled.programSize() > PATTERN_PROGRAM_MAX) return fail("the pattern is too large once it is compiled");
      return ok(new Pattern(compiled));
    } catch (error) {
      const reason = error instanceof Error ? error.message.slice(0, 200) : "it cannot be read";
      return fail(`${reason}; RE2 has no backreferences and no lookaround`);
    }
  }

  /** Names of groups in the order in which they stand. */
  get names(): readonly string[] {
    return this.#names.filter((name) => name !== null);
  }

  first(text: string, work: Work): PatternMatch | null {
    return this.matches(text, work).next().value ?? null;
  }

  /** Every match from left to right, found as they are asked for. Throws `WorkExceeded`. */
  *matches(text: string, work: Work): Generator<PatternMatch, undefined> {
    const matcher = this.#compiled.matcher(
      new PaidText(text, work, this.#pricePerCharacter(text)) as unknown as string,
    );
    for (;;) {
      // Its notes are wiped for each match.
      work.charge(20 + (text.length * this.#size) / 2_048);
      if (!matcher.find()) return undefined;
      const start = matcher.start();
      const end = matcher.end();
      yield {
        start,
        end,
        groups: this.#names.map((name, index) => ({
          name,
          start: matcher.start(index + 1),
          end: matcher.end(index + 1),
        })),
      };
    }
  }

  #pricePerCharacter(text: string): number {
    const backtracks = this.#size <= BACKTRACKING_INSTRUCTIONS_MAX && text.length * this.#size <= BACKTRACKING_BITS_MAX;
    return backtracks ? LOOK_PRICE : LOOK_PRICE + this.#size * THREAD_PRICE;
  }
}

/** A text whose reader pays for each look at it: how far a match looks ahead cannot be told beforehand. */
class PaidText extends String {
  readonly #text: string;
  readonly #work: Work;
  readonly #price: number;

  constructor(text: string, work: Work, price: number) {
    super(text);
    this.#text = text;
    this.#work = work;
    this.#price = price;
  }

  override charCodeAt(index: number): number {
    this.#work.charge(this.#price);
    return this.#text.charCodeAt(index);
  }

  override indexOf(part: string, from = 0): number {
    this.#work.chargeText(Math.max(this.#text.length - from, 0) >> 2);
    return this.#text.indexOf(part, from);
  }
}

/** How often the most repeated part is copied: counts inside one another multiply, those side by side add up. */
function repetitions(source: string): number {
  let together = 0;
  let nested = 1;
  for (const [repetition, , least, most] of source.matchAll(/(\))?\{(\d{1,6})(?:,(\d{0,6}))?\}/g)) {
    const count = Math.max(Number(most || least), 1);
    if (repetition.startsWith(")")) nested *= count;
    else together += count;
  }
  return nested * Math.max(together, 1);
}
