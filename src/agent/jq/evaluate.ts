/**
 * Runs a syntax tree: each value that it gives is handed to `emit`, so that passing values on costs nothing however
 * deep the program is. With a path, values come with where they stand, which assignments and `path` need.
 */
import type { Json } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { operate } from "./arithmetic.ts";
import { assign } from "./assign.ts";
import { bindPatterns } from "./bind.ts";
import { callBuiltin, simpleParts } from "./builtins.ts";
import { callDefined } from "./call.ts";
import { makeObject, makeText, type Operand } from "./compose.ts";
import { Break, functionOf, Label, labelOf, type Scope, variableOf } from "./environment.ts";
import { formatText } from "./formats.ts";
import { JQ_EVALUATION_DEPTH_MAX, JQ_LIST_LENGTH_MAX } from "./limits.ts";
import { type Path, sliceOf, stepInto } from "./paths.ts";
import { functionKey, type Syntax } from "./syntax.ts";
import { described, isObject, isTruthy, JqError } from "./values.ts";

/** `path` is null where paths are not asked for, and for a value that stands nowhere. */
export type Emit = (value: Json, path: Path | null) => void;

/** A filter ready to run: a part of the program and what its names mean. */
export interface Filter {
  syntax: Syntax;
  scope: Scope;
}

/** Work of one evaluation, and of throwing and catching. */
const RUN_PRICE = 2;
const CATCH_PRICE = 20;

/** Not an error of the program, so `try` does not catch it. */
export class NestsTooDeeply extends Error {}

export class Evaluation {
  readonly work: Work;
  readonly nowMs: number;
  #depth = 0;

  constructor(work: Work, nowMs: number) {
    this.work = work;
    this.nowMs = nowMs;
  }

  /** Throws `JqError`, `Break`, `WorkExceeded`, `NestsTooDeeply`, and whatever `emit` throws. */
  run({ syntax, scope }: Filter, value: Json, path: Path | null, emit: Emit): void {
    this.work.charge(RUN_PRICE);
    this.#depth += 1;
    if (this.#depth > JQ_EVALUATION_DEPTH_MAX) throw new NestsTooDeeply();
    try {
      this.#evaluate(syntax, scope, value, path, emit);
    } finally {
      this.#depth -= 1;
    }
  }

  /** Every value as a list. */
  collect(filter: Filter, value: Json): Json[] {
    const values: Json[] = [];
    this.run(filter, value, null, (one) => {
      if (values.length === JQ_LIST_LENGTH_MAX) throw new JqError(`more than ${JQ_LIST_LENGTH_MAX} values`);
      values.push(one);
    });
    return values;
  }

  /** The first value, with its path; undefined when there is none. */
  first(filter: Filter, value: Json, path: Path | null): { value: Json; path: Path | null } | undefined {
    let found: { value: Json; path: Path | null } | undefined;
    this.untilBreak("first", (label) => {
      this.run(filter, value, path, (one, at) => {
        found = { value: one, path: at };
        throw new Break(label);
      });
    });
    return found;
  }

  /** Runs with a label of its own; a `Break` to it ends the run, not more. */
  untilBreak(name: string, run: (label: Label) => void): void {
    const label = new Label(name);
    this.work.charge(CATCH_PRICE);
    try {
      run(label);
    } catch (error) {
      if (!(error instanceof Break) || error.label !== label) throw error;
    }
  }

  /** Runs `body`; an error of its own goes to `caught`, one of what comes after it in `emit` does not. */
  attempt(body: Filter, value: Json, path: Path | null, emit: Emit, caught: (error: JqError) => void): void {
    this.work.charge(CATCH_PRICE);
    try {
      this.run(body, value, path, (one, at) => {
        try {
          emit(one, at);
        } catch (error) {
          throw new Passing(error);
        }
      });
    } catch (error) {
      if (error instanceof Passing) throw error.error;
      if (!(error instanceof JqError)) throw error;
      caught(error);
    }
  }

  #evaluate(syntax: Syntax, scope: Scope, value: Json, path: Path | null, emit: Emit) {
    const sub = (part: Syntax, next: Emit) => this.run({ syntax: part, scope }, value, path, next);
    /** A part whose values are used, not passed on: where they stand does not matter. */
    const operand = (part: Syntax, next: (value: Json) => void) => {
      const only = simpleParts.evaluate(part, scope, value, this);
      if (only === undefined) this.run({ syntax: part, scope }, value, null, (one) => next(one));
      else next(only);
    };
    switch (syntax.kind) {
      case "identity":
        return emit(value, path);
      case "literal":
        return emit(syntax.value, null);
      case "text":
        return makeText(syntax, 0, "", operand, this.work, (made) => emit(made, null));
      case "format":
        return emit(formatText(syntax.name, value, this.work), null);
      case "index":
        return operand(syntax.key, (key) =>
          sub(syntax.target, (target, at) => emit(stepInto(target, key, this.work), at === null ? null : [...at, key])),
        );
      case "slice":
        return this.#bounds(syntax.from, operand, (start) =>
          this.#bounds(syntax.to, operand, (end) =>
            sub(syntax.target, (target, at) =>
              emit(sliceOf(target, start, end, this.work), at === null ? null : [...at, { start, end }]),
            ),
          ),
        );
      case "iterate":
        return sub(syntax.target, (target, at) => this.iterate(target, at, emit));
      case "list":
        return emit(syntax.body === null ? [] : this.collect({ syntax: syntax.body, scope }, value), null);
      case "object":
        return makeObject(syntax.members, 0, [], operand, this.work, (made) => emit(made, null));
      case "negate":
        return operand(syntax.operand, (one) => {
          if (typeof one !== "number") throw new JqError(`${described(one)} cannot be negated`);
          emit(-one, null);
        });
      case "pipe":
        return sub(syntax.left, (one, at) => this.run({ syntax: syntax.right, scope }, one, at, emit));
      case "comma":
        sub(syntax.left, emit);
        return sub(syntax.right, emit);
      case "and":
      case "or":
        return operand(syntax.left, (left) => {
          if (isTruthy(left) === (syntax.kind === "or")) return emit(syntax.kind === "or", null);
          operand(syntax.right, (right) => emit(isTruthy(right), null));
        });
      case "binary":
        return operand(syntax.right, (right) =>
          operand(syntax.left, (left) => emit(operate(syntax.operator, left, right, this.work), null)),
        );
      case "alternative":
        return this.#alternative(syntax.left, syntax.right, scope, value, path, emit);
      case "assign":
        return assign(this, syntax, scope, value, (one) => emit(one, null));
      case "if":
        return operand(syntax.condition, (condition) => {
          const branch = isTruthy(condition) ? syntax.then : syntax.else;
          if (branch === null) emit(value, path);
          else sub(branch, emit);
        });
      case "try":
        return this.attempt({ syntax: syntax.body, scope }, value, path, emit, (error) => {
          if (syntax.handler !== null) this.run({ syntax: syntax.handler, scope }, error.value, null, emit);
        });
      case "reduce": {
        return operand(syntax.start, (start) => {
          let state: Json = start;
          operand(syntax.source, (item) =>
            bindPatterns(this, syntax.patterns, item, scope, value, (inner) => {
              let last: Json = null;
              this.run({ syntax: syntax.update, scope: inner }, state, null, (one) => {
                last = one;
              });
              state = last;
            }),
          );
          emit(state, null);
        });
      }
      case "foreach":
        return operand(syntax.start, (start) => {
          let state: Json = start;
          operand(syntax.source, (item) =>
            bindPatterns(this, syntax.patterns, item, scope, value, (inner) =>
              this.run({ syntax: syntax.update, scope: inner }, state, null, (one) => {
                state = one;
                if (syntax.extract === null) emit(one, null);
                else this.run({ syntax: syntax.extract, scope: inner }, one, null, emit);
              }),
            ),
          );
        });
      case "bind":
        return operand(syntax.source, (item) =>
          bindPatterns(this, syntax.patterns, item, scope, value, (inner) =>
            this.run({ syntax: syntax.body, scope: inner }, value, path, emit),
          ),
        );
      case "label":
        return this.untilBreak(syntax.name, (label) => {
          const inner: Scope = { kind: "label", name: syntax.name, label, outer: scope };
          this.run({ syntax: syntax.body, scope: inner }, value, path, emit);
        });
      case "break": {
        const label = labelOf(scope, syntax.name);
        if (label === undefined) throw new JqError(`$*label-${syntax.name} is not defined`);
        throw new Break(label);
      }
      case "variable": {
        const bound = variableOf(scope, syntax.name);
        if (bound === undefined) throw new JqError(`$${syntax.name} is not defined`);
        return emit(bound, null);
      }
      case "define": {
        const { definition } = syntax;
        const key = functionKey(definition.name, definition.parameters.length);
        const inner: Scope = { kind: "function", key, definition, outer: scope };
        return this.run({ syntax: syntax.rest, scope: inner }, value, path, emit);
      }
      case "call":
        return this.#call(syntax.name, syntax.args, scope, value, path, emit);
    }
  }

  iterate(target: Json, at: Path | null, emit: Emit): void {
    if (Array.isArray(target)) {
      for (const [index, item] of target.entries()) {
        this.work.charge(1);
        emit(item, at === null ? null : [...at, index]);
      }
    } else if (isObject(target)) {
      for (const [key, item] of Object.entries(target)) {
        this.work.charge(1);
        emit(item, at === null ? null : [...at, key]);
      }
    } else throw new JqError(`Cannot iterate over ${target === null ? "null" : described(target)}`);
  }

  #call(name: string, args: Syntax[], scope: Scope, value: Json, path: Path | null, emit: Emit): void {
    const key = functionKey(name, args.length);
    const known = functionOf(scope, key);
    if (known?.kind === "closure") {
      this.run({ syntax: known.body, scope: known.scope }, value, path, emit);
      return;
    }
    const filters = args.map((syntax): Filter => ({ syntax, scope }));
    if (known === undefined) {
      callBuiltin(this, key, filters, value, path, emit);
      return;
    }
    callDefined(this, known.definition, known, filters, value, path, emit);
  }

  #alternative(left: Syntax, right: Syntax, scope: Scope, value: Json, path: Path | null, emit: Emit): void {
    let found = false;
    const truthy: Emit = (one, at) => {
      if (!isTruthy(one)) return;
      found = true;
      emit(one, at);
    };
    this.run({ syntax: left, scope }, value, path, truthy);
    if (!found) this.run({ syntax: right, scope }, value, path, emit);
  }

  #bounds(part: Syntax | null, operand: Operand, next: (bound: Json) => void): void {
    if (part === null) next(null);
    else operand(part, next);
  }
}

/** Wraps what is thrown behind a `try` on its way out through it. */
class Passing extends Error {
  readonly error: unknown;

  constructor(error: unknown) {
    super();
    this.error = error;
  }
}
