/** Errors that the simulated platform made on purpose: only those may be logged as errors. */

const INJECTED = [
  /^the transaction could not be committed/,
  /^Network connection lost/,
  /^Durable Object reset because it was lost/,
  /^Queue sendBatch failed/,
  /^D1_ERROR/,
  /^D1 did not answer/,
  // How the database client reports one of those.
  /^Failed query:/,
  /^the run \S+ could not be told/,
  // Rows of a run that were made unreadable.
  /the row was wrecked/,
];

export function isInjected(error: unknown): boolean {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === "string" && INJECTED.some((pattern) => pattern.test(message));
}
