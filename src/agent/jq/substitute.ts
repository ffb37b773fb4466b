/** `sub` and `gsub`: each match is replaced by what a filter makes of its named groups. */
import type { Json } from "#kernel/json.ts";
import type { Evaluation, Filter } from "./evaluate.ts";
import { capturesOf, findMatches } from "./pattern-functions.ts";
import { bounded, described, JqError } from "./values.ts";

/** The first values of all replacements give the first result, the second ones the second, and so on. */
export function substitute(
  evaluation: Evaluation,
  value: Json,
  pattern: Json,
  flags: Json,
  replacement: Filter,
  emit: (made: string) => void,
): void {
  const { work } = evaluation;
  const { subject, matches } = findMatches(value, pattern, flags, work);
  const results: string[] = [];
  let from = 0;
  for (const match of matches) {
    const captures = capturesOf(subject, match);
    const gap = subject.slice(from, match.start);
    for (const [index, piece] of evaluation.collect(replacement, captures).entries()) {
      if (typeof piece !== "string") throw new JqError(`${described(captures)} cannot be added to a string`);
      work.chargeText(gap.length + piece.length);
      results[index] = bounded((results[index] ?? "") + gap + piece);
    }
    from = match.end;
  }
  if (results.length === 0) {
    emit(subject);
    return;
  }
  for (const made of results) emit(bounded(made + subject.slice(from)));
}
