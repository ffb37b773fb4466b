/** `sub` and `gsub`: each match is replaced by what a filter makes of its named groups. */
import type { Json } from "#kernel/json.ts";
import type { PatternMatch } from "../pattern.ts";
import type { Evaluation, Filter } from "./evaluate.ts";
import { capturesOf, findMatches } from "./pattern-functions.ts";
import { bounded, described, JqError } from "./values.ts";

/** Several values of the filter give several results. */
export function substitute(
  evaluation: Evaluation,
  value: Json,
  pattern: Json,
  flags: Json,
  replacement: Filter,
  emit: (made: string) => void,
): void {
  const { subject, matches } = findMatches(value, pattern, flags, evaluation.work);
  const replace = (index: number, from: number, made: string): void => {
    const match: PatternMatch | undefined = matches[index];
    if (match === undefined) {
      emit(bounded(made + subject.slice(from)));
      return;
    }
    const before = bounded(made + subject.slice(from, match.start));
    evaluation.run(replacement, capturesOf(subject, match), null, (piece) => {
      if (typeof piece !== "string") {
        throw new JqError(`${described(capturesOf(subject, match))} cannot be added to a string`);
      }
      evaluation.work.chargeText(piece.length + 1);
      replace(index + 1, match.end, before + piece);
    });
  };
  replace(0, 0, "");
}
