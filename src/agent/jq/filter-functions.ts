/** Functions whose arguments are filters: they decide whether, how often and on what an argument runs. */
import type { Json } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { pathsOf } from "./assign.ts";
import { Break } from "./environment.ts";
import type { Emit, Evaluation, Filter } from "./evaluate.ts";
import { getPath, type Path } from "./paths.ts";
import { substitute } from "./substitute.ts";
import { compare, described, isEqual, isObject, isTruthy, JqError, sorted } from "./values.ts";

type FilterFunction = (
  evaluation: Evaluation,
  args: readonly Filter[],
  value: Json,
  path: Path | null,
  emit: Emit,
) => void;

const IDENTITY: Filter = { syntax: { kind: "identity" }, scope: null };

function argument(args: readonly Filter[], index: number): Filter {
  return args[index] ?? IDENTITY;
}

export const filterFunctions: Readonly<Record<string, FilterFunction>> = {
  "empty/0": () => {},
  "error/1": (evaluation, args, value) =>
    evaluation.run(argument(args, 0), value, null, (one) => {
      throw new JqError(one);
    }),
  "path/1": (evaluation, args, value, _, emit) => {
    for (const found of pathsOf(evaluation, argument(args, 0), value)) emit([...found], null);
  },
  "getpath/1": (evaluation, args, value, path, emit) =>
    evaluation.run(argument(args, 0), value, null, (keys) => {
      if (!Array.isArray(keys)) throw new JqError("Path must be specified as an array");
      emit(getPath(value, keys, evaluation.work), path === null ? null : [...path, ...keys]);
    }),
  "select/1": (evaluation, args, value, path, emit) =>
    evaluation.run(argument(args, 0), value, null, (one) => {
      if (isTruthy(one)) emit(value, path);
    }),
  "recurse/1": (evaluation, args, value, path, emit) => unfold(evaluation, argument(args, 0), value, path, emit),
  // The same input again and again, as jq does it: what ends it is `limit` or `first` around it.
  "repeat/1": (evaluation, args, value, path, emit) => {
    for (;;) {
      evaluation.work.charge(5);
      evaluation.run(argument(args, 0), value, path, emit);
    }
  },
  "while/2": (evaluation, args, value, path, emit) =>
    unfold(evaluation, argument(args, 1), value, path, emit, (one) => everyTruth(evaluation, argument(args, 0), one)),
  "until/2": (evaluation, args, value, path, emit) => {
    let reached: { value: Json; path: Path | null } | undefined;
    const goesOn = (one: Json, at: Path | null) => {
      if (!everyTruth(evaluation, argument(args, 0), one)) return true;
      reached = { value: one, path: at };
      return false;
    };
    unfold(
      evaluation,
      argument(args, 1),
      value,
      path,
      () => {},
      goesOn,
      () => {
        if (reached !== undefined) emit(reached.value, reached.path);
        reached = undefined;
      },
    );
  },
  "range/1": (evaluation, args, value, _, emit) =>
    evaluation.run(argument(args, 0), value, null, (end) => range(evaluation.work, 0, end, 1, emit)),
  "range/2": (evaluation, args, value, _, emit) =>
    evaluation.run(argument(args, 0), value, null, (start) =>
      evaluation.run(argument(args, 1), value, null, (end) => range(evaluation.work, start, end, 1, emit)),
    ),
  "range/3": (evaluation, args, value, _, emit) =>
    evaluation.run(argument(args, 0), value, null, (start) =>
      evaluation.run(argument(args, 1), value, null, (end) =>
        evaluation.run(argument(args, 2), value, null, (by) => range(evaluation.work, start, end, by, emit)),
      ),
    ),
  "first/1": (evaluation, args, value, path, emit) => {
    const found = evaluation.first(argument(args, 0), value, path);
    if (found !== undefined) emit(found.value, found.path);
  },
  "last/1": (evaluation, args, value, _, emit) => {
    let found: Json | undefined;
    evaluation.run(argument(args, 0), value, null, (one) => {
      found = one;
    });
    if (found !== undefined) emit(found, null);
  },
  "limit/2": (evaluation, args, value, path, emit) =>
    evaluation.run(argument(args, 0), value, null, (most) => {
      let left = count(most, "limit doesn't support negative count");
      if (left <= 0) return;
      evaluation.untilBreak("limit", (label) =>
        evaluation.run(argument(args, 1), value, path, (one, at) => {
          left -= 1;
          emit(one, at);
          if (left <= 0) throw new Break(label);
        }),
      );
    }),
  "skip/2": (evaluation, args, value, path, emit) =>
    evaluation.run(argument(args, 0), value, null, (least) => {
      let left = count(least, "skip doesn't support negative count");
      evaluation.run(argument(args, 1), value, path, (one, at) => {
        if (left > 0) left -= 1;
        else emit(one, at);
      });
    }),
  "isempty/1": (evaluation, args, value, _, emit) =>
    emit(evaluation.first(argument(args, 0), value, null) === undefined, null),
  "any/2": (evaluation, args, value, _, emit) => emit(holds(evaluation, args, value, true), null),
  "all/2": (evaluation, args, value, _, emit) => emit(!holds(evaluation, args, value, false), null),
  "sort_by/1": (evaluation, args, value, _, emit) =>
    emit(
      keyed(evaluation, argument(args, 0), value, "sorted").map(({ item }) => item),
      null,
    ),
  "group_by/1": (evaluation, args, value, _, emit) =>
    emit(grouped(evaluation, keyed(evaluation, argument(args, 0), value, "grouped")), null),
  "unique_by/1": (evaluation, args, value, _, emit) =>
    emit(
      grouped(evaluation, keyed(evaluation, argument(args, 0), value, "grouped")).map(([first]) => first ?? null),
      null,
    ),
  "min_by/1": (evaluation, args, value, _, emit) =>
    emit(keyed(evaluation, argument(args, 0), value, "iterated")[0]?.item ?? null, null),
  "max_by/1": (evaluation, args, value, _, emit) =>
    emit(keyed(evaluation, argument(args, 0), value, "iterated").at(-1)?.item ?? null, null),
  "walk/1": (evaluation, args, value, _, emit) => walk(evaluation, argument(args, 0), value, (one) => emit(one, null)),
  "sub/3": (evaluation, args, value, _, emit) =>
    evaluation.run(argument(args, 2), value, null, (flags) =>
      evaluation.run(argument(args, 0), value, null, (pattern) =>
        substitute(evaluation, value, pattern, flags, argument(args, 1), (made) => emit(made, null)),
      ),
    ),
};

/**
 * Gives a value, then what `step` makes of it, and so on from each of those, depth first. The last value of a step is
 * followed in a loop, so that a chain may be longer than evaluations may nest.
 */
function unfold(
  evaluation: Evaluation,
  step: Filter,
  start: Json,
  startPath: Path | null,
  emit: Emit,
  goesOn: (value: Json, path: Path | null) => boolean = () => true,
  left: () => void = () => {},
): void {
  let value = start;
  let path = startPath;
  for (;;) {
    if (!goesOn(value, path)) {
      left();
      return;
    }
    emit(value, path);
    let next: { value: Json; path: Path | null } | undefined;
    const follow = () => {
      const pending = next;
      next = undefined;
      if (pending !== undefined) unfold(evaluation, step, pending.value, pending.path, emit, goesOn, left);
    };
    try {
      evaluation.run(step, value, path, (one, at) => {
        follow();
        next = { value: one, path: at };
      });
    } catch (error) {
      // What was given before the error comes before it.
      follow();
      throw error;
    }
    if (next === undefined) return;
    ({ value, path } = next);
  }
}

/** From the leaves up: every part is replaced by what the filter makes of it, in an object by the first such value. */
function walk(evaluation: Evaluation, filter: Filter, value: Json, emit: (value: Json) => void): void {
  evaluation.work.charge(1);
  let rebuilt = value;
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value) walk(evaluation, filter, item, (one) => items.push(one));
    rebuilt = items;
  } else if (isObject(value)) {
    rebuilt = Object.fromEntries(
      Object.entries(value).flatMap(([key, item]): [string, Json][] => {
        const made: Json[] = [];
        evaluation.untilBreak("walk", (label) =>
          walk(evaluation, filter, item, (one) => {
            made.push(one);
            throw new Break(label);
          }),
        );
        return made.map((one) => [key, one]);
      }),
    );
  }
  evaluation.run(filter, rebuilt, null, (one) => emit(one));
}

/** A condition of a loop: its first value decides. */
function everyTruth(evaluation: Evaluation, condition: Filter, value: Json): boolean {
  const found = evaluation.first(condition, value, null);
  return found !== undefined && isTruthy(found.value);
}

/** True when one of the values that the first argument gives has the wanted truth by the second. */
function holds(evaluation: Evaluation, args: readonly Filter[], value: Json, wanted: boolean): boolean {
  let found = false;
  evaluation.untilBreak("any", (label) =>
    evaluation.run(argument(args, 0), value, null, (one) =>
      evaluation.run(argument(args, 1), one, null, (verdict) => {
        if (isTruthy(verdict) !== wanted) return;
        found = true;
        throw new Break(label);
      }),
    ),
  );
  return found;
}

function range(work: Work, start: Json, end: Json, by: Json, emit: Emit): void {
  if (typeof start !== "number" || typeof end !== "number" || typeof by !== "number") {
    throw new JqError("Range bounds must be numeric");
  }
  for (let at = start; by > 0 ? at < end : by < 0 && at > end; at += by) {
    work.charge(1);
    emit(at, null);
  }
}

function count(value: Json, negative: string): number {
  if (typeof value !== "number") throw new JqError(`${described(value)} is not a count`);
  if (value < 0) throw new JqError(negative);
  return value;
}

interface Keyed {
  item: Json;
  key: Json[];
}

function keyed(evaluation: Evaluation, by: Filter, value: Json, what: string): Keyed[] {
  if (!Array.isArray(value)) throw new JqError(`${described(value)} cannot be ${what}, as it is not an array`);
  const items = value.map((item): Keyed => ({ item, key: evaluation.collect(by, item) }));
  return sorted(items, (left, right) => compare(left.key, right.key, evaluation.work), evaluation.work);
}

function grouped(evaluation: Evaluation, items: readonly Keyed[]): Json[][] {
  const groups: Json[][] = [];
  let key: Json[] | undefined;
  for (const one of items) {
    if (key !== undefined && isEqual(key, one.key, evaluation.work)) groups.at(-1)?.push(one.item);
    else groups.push([one.item]);
    key = one.key;
  }
  return groups;
}
