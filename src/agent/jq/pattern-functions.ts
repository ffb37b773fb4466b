/** What jq's functions on patterns are made of. Patterns are RE2's: linear in the text, without lookaround. */
import type { Json, JsonObject } from "#kernel/json.ts";
import { PATTERN_TEXT_LENGTH_MAX, Pattern, type PatternMatch } from "../pattern.ts";
import type { Work } from "../work.ts";
import { JQ_LIST_LENGTH_MAX } from "./limits.ts";
import type { ValueFunction } from "./value-functions.ts";
import { codePoints, described, isObject, JqError } from "./values.ts";

export const patternFunctions: Readonly<Record<string, ValueFunction>> = {
  "test/2": (value, [pattern, flags], { work }) => {
    const { subject, compiled } = prepare(value, pattern ?? null, flags ?? null, work);
    return compiled.first(subject, work) !== null;
  },
  "_match/2": (value, [pattern, flags], { work }) => {
    const { subject, matches } = findMatches(value, pattern ?? null, flags ?? null, work);
    return matches.map((match) => matchObject(subject, match));
  },
  "_captured/0": (value) => (isObject(value) && Array.isArray(value.captures) ? captured(value.captures) : null),
  "_split/2": (value, [pattern, flags], { work }) => {
    const { subject, matches } = findMatches(value, pattern ?? null, flags ?? null, work);
    let from = 0;
    const parts: Json[] = [];
    for (const { start, end } of matches) {
      parts.push(subject.slice(from, start));
      from = end;
    }
    return [...parts, subject.slice(from)];
  },
};

/** Matches of a pattern in a text: the first, or all with the flag `g`. */
export function findMatches(
  value: Json,
  pattern: Json,
  flags: Json,
  work: Work,
): { subject: string; matches: PatternMatch[] } {
  const { subject, compiled, letters } = prepare(value, pattern, flags, work);
  const matches: PatternMatch[] = [];
  for (const match of compiled.matches(subject, work)) {
    if (letters.includes("n") && match.start === match.end) continue;
    if (matches.length === JQ_LIST_LENGTH_MAX) throw new JqError(`more than ${JQ_LIST_LENGTH_MAX} matches`);
    matches.push(match);
    if (!letters.includes("g")) break;
  }
  return { subject, matches };
}

/** Named groups of a match: what they caught, null when they took no part. */
export function capturesOf(subject: string, match: PatternMatch): JsonObject {
  return Object.fromEntries(
    match.groups.flatMap(({ name, start, end }) =>
      name === null ? [] : [[name, start < 0 ? null : subject.slice(start, end)] as const],
    ),
  );
}

function prepare(
  value: Json,
  pattern: Json,
  flags: Json,
  work: Work,
): { subject: string; compiled: Pattern; letters: string } {
  if (Array.isArray(pattern)) return prepare(value, pattern[0] ?? null, pattern[1] ?? flags, work);
  if (typeof value !== "string") throw new JqError(`${described(value)} cannot be matched, as it is not a string`);
  if (typeof pattern !== "string") throw new JqError(`${described(pattern)} cannot be matched, as it is not a string`);
  if (flags !== null && typeof flags !== "string") throw new JqError(`${described(flags)} is not a string`);
  if (value.length > PATTERN_TEXT_LENGTH_MAX) {
    throw new JqError(`patterns are applied to texts of at most ${PATTERN_TEXT_LENGTH_MAX} characters`);
  }
  const letters = flags ?? "";
  const unknown = /[^gisnpl]/.exec(letters);
  if (unknown !== null) throw new JqError(`${letters} is not a valid modifier string`);
  const compiled = Pattern.compile(pattern, work, {
    ignoreCase: letters.includes("i"),
    dotAll: /[sp]/.test(letters),
    longest: letters.includes("l"),
  });
  if (!compiled.ok) throw new JqError(`${pattern.slice(0, 60)} (at offset 0) is not a valid regex: ${compiled.error}`);
  return { subject: value, compiled: compiled.value, letters };
}

function matchObject(subject: string, match: PatternMatch): JsonObject {
  const offset = (units: number) => codePoints(subject.slice(0, units)).length;
  const length = (start: number, end: number) => codePoints(subject.slice(start, end)).length;
  return {
    offset: offset(match.start),
    length: length(match.start, match.end),
    string: subject.slice(match.start, match.end),
    captures: match.groups.map(({ name, start, end }) => ({
      offset: start < 0 ? -1 : offset(start),
      length: start < 0 ? 0 : length(start, end),
      string: start < 0 ? null : subject.slice(start, end),
      name,
    })),
  };
}

function captured(captures: readonly Json[]): JsonObject {
  const entries = captures.flatMap((capture) =>
    isObject(capture) && typeof capture.name === "string" ? [[capture.name, capture.string ?? null] as const] : [],
  );
  return Object.fromEntries(entries);
}
