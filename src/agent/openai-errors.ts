/**
 * Why a call to a provider failed, as a node's error. Of the provider's own words only its codes are passed on: its
 * messages may quote the prompt or the key.
 */
import { retryAfterMs } from "#http/retry-after.ts";
import { type NodeError, nodeError } from "#kernel/errors.ts";
import { OPTIONAL_PARTS, type OptionalPart } from "./openai-request.ts";

/** What the SDK's errors carry, recognised by shape. */
export interface ProviderFault {
  status: number | null;
  code: string | null;
  type: string | null;
  param: string | null;
  message: string;
  headers: Headers | null;
  /** The provider said this itself; false: the connection failed. */
  isAnswer: boolean;
}

const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 409, 429]);

/** 429 is also how some say that there is no money left, which waiting does not mend. */
const HOPELESS_CODES: ReadonlySet<string> = new Set(["insufficient_quota", "billing_hard_limit_reached"]);

const REQUEST_FIELDS = [
  "model",
  "messages",
  "tools",
  "temperature",
  "max_tokens",
  "stream",
  ...OPTIONAL_PARTS,
] as const;

const HINTS: Readonly<Record<number, string>> = {
  401: "it does not know the key (OPENAI_API_KEY)",
  403: "the key may not use this model",
  404: "it does not know the model, or OPENAI_BASE_URL leads elsewhere",
};

export function readFault(error: unknown): ProviderFault {
  const raw = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const status = typeof raw.status === "number" ? raw.status : null;
  return {
    status,
    code: word(raw.code),
    type: word(raw.type),
    param: field(raw.param),
    message: typeof raw.message === "string" ? raw.message : "",
    headers: raw.headers instanceof Headers ? raw.headers : null,
    isAnswer: status !== null || (typeof raw.error === "object" && raw.error !== null),
  };
}

export function faultError(fault: ProviderFault, nowMs: number): NodeError {
  const { status, code, type, param } = fault;
  if (!fault.isAnswer) return nodeError("network", "the connection to the model provider failed");
  const retryAfter = retryAfterMs(fault.headers?.get("retry-after") ?? null, nowMs);
  const isHopeless = code !== null && HOPELESS_CODES.has(code);
  // Without a status it is an error within a stream that had begun well: the provider's trouble.
  const mayRetry = !isHopeless && (status === null || RETRYABLE_STATUSES.has(status) || status >= 500);
  const said = [code ?? type, param === null ? null : `at ${param}`].filter((part) => part !== null).join(" ");
  const hint = status === null ? undefined : HINTS[status];
  const what = status === null ? "broke the answer off with an error" : `answered ${status}`;
  const message = `the model provider ${what}${said === "" ? "" : ` (${said})`}${hint === undefined ? "" : `: ${hint}`}`;
  return nodeError("model_error", message, {
    retryable: mayRetry,
    ...(mayRetry && retryAfter !== null ? { retry_after_ms: retryAfter } : {}),
    // It had no room: that is nobody's failed attempt.
    ...(mayRetry && status === 429 ? { postponed: true as const } : {}),
    details: { status, code: code ?? type },
  });
}

/** The optional part that a 400 or 422 is about, if it is about one. */
export function refusedPart(fault: ProviderFault): OptionalPart | null {
  if (fault.status !== 400 && fault.status !== 422) return null;
  const about = `${fault.param ?? ""} ${fault.message}`;
  return OPTIONAL_PARTS.find((part) => about.includes(part)) ?? null;
}

/** A code of the provider's, when it looks like one: without digits it is no key and hardly a piece of a prompt. */
function word(value: unknown): string | null {
  return typeof value === "string" && /^[a-z_]{1,64}$/.test(value) ? value : null;
}

/** The field of the request that the provider points at: "messages[3].content" is in "messages". */
function field(value: unknown): string | null {
  const name = typeof value === "string" ? /^[a-z_]+/.exec(value)?.[0] : undefined;
  return REQUEST_FIELDS.find((known) => known === name) ?? null;
}
