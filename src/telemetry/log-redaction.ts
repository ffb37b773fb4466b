/**
 * What a log record may hold: takes out secrets, by the names they stand under, by their values and by their looks, and
 * whatever people or models handed over, by the names of it.
 */
import { type Redactor, redactorOf } from "#http/redaction.ts";

/** Fields that may hold a secret are named, never shown. */
const SECRET_NAMES = /authorization|cookie|api[-_]?key|secret|password|token$/i;

/** Fields of what somebody handed over: prompts, answers, inputs and outputs of nodes. */
const WITHHELD_NAMES =
  /^(?:prompts?|completions?|conversation|messages|task|inputs?|outputs?|payload|body|config|content|arguments|operations)$/i;

/** Keys of Weir and of providers, credentials in headers and URLs: known by their looks, whoever they belong to. */
const SECRET_LOOKS: readonly (readonly [RegExp, string])[] = [
  [/\bweir_[A-Za-z0-9_-]{40,}/g, "weir_[redacted]"],
  [/\bsk-[A-Za-z0-9_-]{16,}/g, "sk-[redacted]"],
  [/\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}/gi, "$1 [redacted]"],
  [/(\/\/)[^/\s:@]+:[^/\s@]+@/g, "$1[redacted]@"],
];

/** Characters of one text, and levels of nesting, that a record has room for. */
const TEXT_LENGTH_MAX = 4_096;
const DEPTH_MAX = 4;

/** Variables of the environment that hold secrets, and how short one may be to be looked for. */
const SECRET_VARIABLES = /^WEIR_SECRET_.*(?<!_HOSTS)$|_KEY$|_TOKEN$/;
const SECRET_LENGTH_MIN = 8;

/** The secrets among variables. */
export function secretsIn(variables: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(variables).flatMap(([name, value]) =>
    SECRET_VARIABLES.test(name) && typeof value === "string" && value.length >= SECRET_LENGTH_MIN ? [value] : [],
  );
}

export class LogRedaction {
  readonly #redactor: Redactor;

  /** `secrets` are the values that this deployment knows. */
  constructor(secrets: readonly string[]) {
    this.#redactor = redactorOf(secrets);
  }

  text(text: string): string {
    const known = this.#redactor.text(text);
    const clean = SECRET_LOOKS.reduce((left, [looks, instead]) => left.replace(looks, instead), known);
    return clean.length <= TEXT_LENGTH_MAX ? clean : `${clean.slice(0, TEXT_LENGTH_MAX).toWellFormed()}…`;
  }

  fields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return this.#object(fields, 0);
  }

  #object(object: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(object).map(([name, value]) => [name, this.#member(name, value, depth)] as const),
    );
  }

  #member(name: string, value: unknown, depth: number): unknown {
    // A number of messages or a yes is no secret, whatever it is called.
    if (typeof value === "number" || typeof value === "boolean" || value === null || value === undefined) return value;
    if (SECRET_NAMES.test(name)) return "[redacted]";
    if (WITHHELD_NAMES.test(name)) return "[withheld]";
    return this.#value(value, depth);
  }

  #value(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.text(value);
    if (value instanceof Error) return this.#error(value);
    if (typeof value !== "object" || value === null) return typeof value === "bigint" ? String(value) : value;
    if (depth >= DEPTH_MAX) return "[nested too deeply]";
    if (Array.isArray(value)) return value.map((item) => this.#value(item, depth + 1));
    return this.#object(value as Record<string, unknown>, depth + 1);
  }

  #error(error: Error & { code?: unknown }): Record<string, unknown> {
    const code = typeof error.code === "string" ? error.code : error.name;
    const stack = error.stack === undefined ? {} : { stack: this.text(error.stack) };
    return { code: this.text(code), message: this.text(error.message), ...stack };
  }
}
