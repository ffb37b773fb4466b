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

const COMPILING_PRICE = 200;

export class Pattern {
  readonly #compiled: RE2JS;
  readonly #names: (string | null)[];
  readonly #price: number;

  private constructor(compiled: RE2JS) {
    this.#compiled = compiled;
    this.#names = Array.from({ length: compiled.groupCount() }, () => null);
    for (const [name, index] of Object.entries(compiled.namedGroups())) this.#names[index - 1] = name;
    this.#price = 1 + compiled.programSize() / 64;
  }

  /** The error says what is wrong with the pattern, for its author. */
  static compile(source: string, work: Work, flags: PatternFlags = {}): Result<Pattern, string> {
    if (source.length > PATTERN_LENGTH_MAX) return fail(`a pattern has at most ${PATTERN_LENGTH_MAX} characters`);
    const copies = repetitions(source);
    if (copies > PATTERN_REPETITIONS_MAX) {
      return fail(`the repetition counts of a pattern multiply to at most ${PATTERN_REPETITIONS_MAX}, not ${copies}`);
    }
    work.charge(COMPILING_PRICE + source.length * 20 + copies * 10);
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
    const matcher = this.#compiled.matcher(text);
    let from = 0;
    for (;;) {
      // A find may look at all that is left of the text before it knows where its match ends.
      work.charge(20 + ((text.length - from) / 4) * this.#price);
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
      from = end;
    }
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
