/** W3C trace context (https://www.w3.org/TR/trace-context/): a valid `traceparent` in is continued, one out is answered. */

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The answer's `traceparent`: the caller's trace (or a new one) with a span of our own. */
export function answerTraceparent(incoming: string | undefined): string {
  const match = TRACEPARENT.exec(incoming ?? "");
  const [, trace = "", parent = "", flags = "01"] = match ?? [];
  const isValid = match !== null && !/^0+$/.test(trace) && !/^0+$/.test(parent);
  return `00-${isValid ? trace : randomHex(16)}-${randomHex(8)}-${isValid ? flags : "01"}`;
}

function randomHex(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
