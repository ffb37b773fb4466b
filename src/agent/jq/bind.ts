/** Binds the variables of destructuring patterns; of several patterns the first that leads to no error is kept. */
import type { Json } from "#kernel/json.ts";
import type { Scope } from "./environment.ts";
import type { Evaluation } from "./evaluate.ts";
import { stepInto } from "./paths.ts";
import { namesOf } from "./patterns.ts";
import type { Pattern } from "./syntax.ts";
import { JqError } from "./values.ts";

/** `value` is the input of the whole expression, which computed keys read. */
export function bindPatterns(
  evaluation: Evaluation,
  patterns: readonly Pattern[],
  item: Json,
  scope: Scope,
  value: Json,
  run: (scope: Scope) => void,
): void {
  const [only] = patterns;
  if (only === undefined) return;
  if (patterns.length === 1) {
    bind(evaluation, only, item, scope, value, run);
    return;
  }
  let base: Scope = scope;
  for (const name of namesOf(patterns)) base = { kind: "variable", name, value: null, outer: base };
  for (const [index, pattern] of patterns.entries()) {
    try {
      bind(evaluation, pattern, item, base, value, run);
      return;
    } catch (error) {
      if (!(error instanceof JqError) || index === patterns.length - 1) throw error;
    }
  }
}

function bind(
  evaluation: Evaluation,
  pattern: Pattern,
  item: Json,
  scope: Scope,
  value: Json,
  run: (scope: Scope) => void,
): void {
  evaluation.work.charge(1);
  if (pattern.kind === "name") {
    run({ kind: "variable", name: pattern.name, value: item, outer: scope });
    return;
  }
  if (pattern.kind === "items") {
    bindItems(evaluation, pattern.items, 0, item, scope, value, run);
    return;
  }
  bindMembers(evaluation, pattern.members, 0, item, scope, value, run);
}

function bindItems(
  evaluation: Evaluation,
  items: readonly Pattern[],
  index: number,
  item: Json,
  scope: Scope,
  value: Json,
  run: (scope: Scope) => void,
): void {
  const pattern = items[index];
  if (pattern === undefined) {
    run(scope);
    return;
  }
  const element = stepInto(item, index, evaluation.work);
  bind(evaluation, pattern, element, scope, value, (inner) =>
    bindItems(evaluation, items, index + 1, item, inner, value, run),
  );
}

function bindMembers(
  evaluation: Evaluation,
  members: Extract<Pattern, { kind: "members" }>["members"],
  index: number,
  item: Json,
  scope: Scope,
  value: Json,
  run: (scope: Scope) => void,
): void {
  const member = members[index];
  if (member === undefined) {
    run(scope);
    return;
  }
  evaluation.run({ syntax: member.key, scope }, value, null, (key) => {
    if (typeof key !== "string") throw new JqError(`Cannot index object with ${typeof key}`);
    const element = stepInto(item, key, evaluation.work);
    const named: Scope =
      member.name === null ? scope : { kind: "variable", name: member.name, value: element, outer: scope };
    const next = (inner: Scope) => bindMembers(evaluation, members, index + 1, item, inner, value, run);
    if (member.pattern === null) next(named);
    else bind(evaluation, member.pattern, element, named, value, next);
  });
}
