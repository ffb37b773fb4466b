/**
 * The work that the current evaluation may still do. Evaluation is synchronous and the libraries' functions get no
 * context of their own, so the running budget is module state, set and restored around each evaluation.
 */
import { fail, type NodeError, nodeError, type Result } from "#kernel/errors.ts";
import { EVALUATION_WORK_MAX, EXPRESSION_MESSAGE_MAX, EXPRESSION_STRING_MAX } from "./limits.ts";

/** A bound was exceeded; caught by `withBudget`, even when a library turned it into an error value of its own. */
export class LimitExceeded extends Error {}

interface Budget {
  left: number;
  exceeded: string | undefined;
}

let budget: Budget = { left: 0, exceeded: undefined };

/** What several evaluations may do together; null outside of `withSharedWork`. */
let shared: { left: number } | null = null;

/** Units that all evaluations so far have taken. */
let spent = 0;

/** What an evaluation takes from a shared budget besides what it charges. */
const EVALUATION_WORK = 20;

/** Takes `units` from the budget of the current evaluation; throws `LimitExceeded` when it is used up. */
export function charge(units: number): void {
  budget.left -= units;
  if (budget.left < 0) exceed(`takes more than ${EVALUATION_WORK_MAX} steps`);
}

/** `String.includes` and its kin need up to `text × part` comparisons to find a part that repeats itself. */
export function chargeSearch(text: string, part: string): void {
  charge((text.length >> 5) + Math.ceil((text.length * part.length) / 4096) + 1);
}

/** The price of looking at text: one unit for each 64 characters. */
export function chargeText(length: number): void {
  charge((length >> 6) + 1);
}

/** Fails the current evaluation with `expression_limit`, whatever the expression makes of the error. */
export function exceed(what: string): never {
  budget.exceeded ??= what;
  throw new LimitExceeded(what);
}

/** Refuses a string that grows beyond `EXPRESSION_STRING_MAX` before it is built. */
export function checkStringLength(length: number): void {
  if (length > EXPRESSION_STRING_MAX) exceed(`needs a string of more than ${EXPRESSION_STRING_MAX} characters`);
}

/** Lets all evaluations within `run` share one budget of `units`, so that many small ones are bounded together. */
export function withSharedWork<T>(units: number, run: () => T): T {
  const outer = shared;
  shared = { left: units };
  try {
    return run();
  } finally {
    shared = outer;
  }
}

/** Units of work that evaluations have taken since the start: the difference of two readings is what lies between. */
export function workSpent(): number {
  return spent;
}

/** Runs one evaluation within its own budget. Never throws: what `evaluate` throws becomes an `expression_failed`. */
export function withBudget<T>(evaluate: () => Result<T, NodeError>): Result<T, NodeError> {
  const outer = budget;
  const granted = shared === null ? EVALUATION_WORK_MAX : Math.min(EVALUATION_WORK_MAX, shared.left);
  const own: Budget = { left: granted, exceeded: undefined };
  if (granted <= 0) return fail(limitError("stands in a node that takes more steps than a node may"));
  budget = own;
  // Libraries answer each missing field inside a loop with an Error: recording stacks would make it ten times dearer.
  const stackTraceLimit: unknown = Reflect.get(Error, "stackTraceLimit");
  Reflect.set(Error, "stackTraceLimit", 0);
  try {
    const result = evaluate();
    return own.exceeded === undefined ? result : fail(limitError(own.exceeded));
  } catch (error) {
    if (own.exceeded !== undefined) return fail(limitError(own.exceeded));
    if (error instanceof RangeError) return fail(limitError("needs too much memory or nests too deeply"));
    const message = error instanceof Error ? error.message.slice(0, EXPRESSION_MESSAGE_MAX) : "evaluation failed";
    return fail(nodeError("expression_failed", message));
  } finally {
    Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
    budget = outer;
    const taken = EVALUATION_WORK + granted - Math.max(0, own.left);
    spent += taken;
    if (shared !== null) shared.left -= taken;
  }
}

function limitError(what: string): NodeError {
  return nodeError("expression_limit", `the expression ${what}`);
}
