/**
 * jq for pipelines: the language of jq 1.8 on bounded work, without modules, input and output, the environment and
 * formats of dates. See `docs/decisions/0015-tools-of-agents.md` for why it is ours.
 */
import { fail, ok, type Result } from "#kernel/errors.ts";
import { isDeeperThan, JSON_DEPTH_MAX, type Json } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { checkNames } from "./check-names.ts";
import { Break } from "./environment.ts";
import { Evaluation, NestsTooDeeply } from "./evaluate.ts";
import { JQ_LIST_LENGTH_MAX, JQ_SOURCE_LENGTH_MAX } from "./limits.ts";
import { givesSeveral } from "./multiplicity.ts";
import { parseJq } from "./parser.ts";
import { JqSyntaxError } from "./scanner.ts";
import type { Syntax } from "./syntax.ts";
import { cutMessage, JqError, jsonNumbers } from "./values.ts";

export interface JqProgram {
  /** True when the program may give several values, whatever the data: its result is then the list of them. */
  readonly givesSeveral: boolean;
  /**
   * Every value that the program gives. The error is a message for its author. Throws `WorkExceeded`. Values may share
   * parts with `input`, which is not changed.
   */
  run(input: Json, work: Work, nowMs: number): Result<Json[], string>;
}

/** Never throws; the error is a message for the program's author. */
export function compileJq(source: string): Result<JqProgram, string> {
  if (source.length > JQ_SOURCE_LENGTH_MAX) return fail(`a query has at most ${JQ_SOURCE_LENGTH_MAX} characters`);
  try {
    const syntax = parseJq(source);
    const problem = checkNames(syntax);
    if (problem !== null) return fail(problem);
    return ok({
      givesSeveral: givesSeveral(syntax),
      run: (input, work, nowMs) => withoutStacks(() => evaluate(syntax, input, work, nowMs)),
    });
  } catch (error) {
    if (error instanceof JqSyntaxError) return fail(cutMessage(error.message));
    if (error instanceof RangeError) return fail("the query nests too deeply");
    throw error;
  }
}

function evaluate(syntax: Syntax, input: Json, work: Work, nowMs: number): Result<Json[], string> {
  const values: Json[] = [];
  try {
    new Evaluation(work, nowMs).run({ syntax, scope: null }, input, null, (value) => {
      if (values.length === JQ_LIST_LENGTH_MAX) throw new JqError(`more than ${JQ_LIST_LENGTH_MAX} values`);
      values.push(value);
    });
    if (values.some((value) => isDeeperThan(value, JSON_DEPTH_MAX))) {
      return fail(`the result nests deeper than ${JSON_DEPTH_MAX} levels`);
    }
    return ok(values.map(jsonNumbers));
  } catch (error) {
    if (error instanceof JqError) return fail(cutMessage(error.message));
    if (error instanceof Break) return fail(error.message);
    if (error instanceof NestsTooDeeply || error instanceof RangeError) return fail("the query nests too deeply");
    throw error;
  }
}

/** Programs throw in loops, to end one or to be caught: recording stacks would make that thirty times dearer. */
function withoutStacks<T>(run: () => T): T {
  const stackTraceLimit: unknown = Reflect.get(Error, "stackTraceLimit");
  Reflect.set(Error, "stackTraceLimit", 0);
  try {
    return run();
  } finally {
    Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
  }
}
