/** Calls to Durable Objects: what is tried again when an object was reset, and what is the caller's answer. */
import { ApiError } from "#kernel/errors.ts";

/** Calls to an object that was reset are tried again this often; every call is safe to repeat. */
const TRIES = 3;

export type CallOutcome = "ok" | "overloaded" | "error";

/** Is told how each call went, and how long it took. */
export type CallTold = (outcome: CallOutcome, ms: number) => void;

/** A reset is tried again, with a new stub each time; an overload is not, and becomes an `overloaded` answer. */
export async function callObject<Stub, Value>(
  stub: () => Stub,
  ask: (stub: Stub) => Promise<Value>,
  whatIsOverloaded: string,
  told?: CallTold,
): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    const startMs = Date.now();
    try {
      const answer = await ask(stub());
      told?.("ok", Date.now() - startMs);
      return answer;
    } catch (error) {
      const fault = error as { retryable?: boolean; overloaded?: boolean; durableObjectReset?: boolean };
      told?.(fault.overloaded === true ? "overloaded" : "error", Date.now() - startMs);
      if (fault.overloaded === true) {
        throw new ApiError("overloaded", `${whatIsOverloaded} is overloaded; try again shortly`, {
          headers: { "Retry-After": "1" },
        });
      }
      const mayRepeat = fault.retryable === true || fault.durableObjectReset === true;
      if (!mayRepeat || attempt === TRIES) throw error;
    }
  }
}

/** The answer, unless it takes longer or there is none: then null. */
export async function answerWithin<Value>(answer: Promise<Value>, answerMs: number): Promise<Value | null> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const silence = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), answerMs);
  });
  const given = await Promise.race([answer.catch(() => null), silence]);
  clearTimeout(timer);
  return given;
}
