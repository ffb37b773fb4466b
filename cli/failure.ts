/** How a command ends when it does not do what was asked: one line that says what to do, and the exit code. */
import { isWeirError, type WeirError } from "../client/weir.ts";

/** 0 done; 1 the thing asked about failed or is invalid; 2 the request could not be made; 130 interrupted. */
export const EXIT = { done: 0, failed: 1, unable: 2, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command; `message` is the line that is told. */
export class Failure extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

/** Wrong use of the command line, or something on this machine that is not as it should be. */
export function unable(message: string): Failure {
  return new Failure(EXIT.unable, message);
}

/** The line and the exit code of anything thrown. */
export function describeFailure(error: unknown): { line: string; exitCode: ExitCode } {
  if (error instanceof Failure) return { line: oneLine(error.message), exitCode: error.exitCode };
  if (isWeirError(error)) return { line: oneLine(sentenceOf(error)), exitCode: exitCodeOf(error) };
  const text = error instanceof Error ? error.message : String(error);
  return { line: oneLine(`${text} (a bug in weir; WEIR_DEBUG=1 shows where)`), exitCode: EXIT.unable };
}

function exitCodeOf(error: WeirError): ExitCode {
  switch (error.code) {
    case "aborted":
      return EXIT.interrupted;
    case "conflict":
    case "gone":
    case "precondition_failed":
    case "payload_too_large":
    case "invalid":
      return EXIT.failed;
    default:
      return EXIT.unable;
  }
}

function sentenceOf(error: WeirError): string {
  switch (error.code) {
    case "aborted":
      return "interrupted";
    case "unreachable":
      return `${error.message}: start it (npm start), or give its address with --url or WEIR_URL`;
    case "timeout":
      return `${error.message}: try again, or see "weir doctor"`;
    case "unauthenticated":
      return `the key was not accepted: give one with --key, WEIR_KEY or a profile`;
    case "forbidden":
      return `${error.message}: use a key that has it ("weir keys list" shows scopes)`;
    case "invalid":
      return `${error.message}${problemsOf(error)}`;
    case "rate_limited":
    case "overloaded":
      return `${error.message}: try again ${whenOf(error)}`;
    case "precondition_failed":
      return `${error.message}: look at what stands there now, then try again`;
    case "internal":
      return `${error.message}: ${error.requestId ?? "unknown"}`;
    default:
      return error.message;
  }
}

/** The first problems with their places; the rest is counted. */
function problemsOf(error: WeirError): string {
  const [first, ...rest] = error.problems;
  if (first === undefined) return "";
  const more = rest.length === 0 ? "" : ` (and ${rest.length} more)`;
  return `: ${first.pointer === "" ? "" : `${first.pointer} `}${first.message}${more}`;
}

function whenOf(error: WeirError): string {
  return error.retryAfterMs === null ? "later" : `in ${Math.ceil(error.retryAfterMs / 1_000)} s`;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").trim();
}
