/**
 * The grammar of templates in one string: `$root.path` as a whole, `${$root.path}` inside. A dollar sign as it is:
 * `$$` at the very beginning, and each pair of them before `{`. What a reference stands for is decided when it is rendered.
 */
import { fail, ok, type Result } from "#kernel/errors.ts";

export const TEMPLATE_ROOTS = ["nodes", "inputs", "run", "iteration", "item", "index"] as const;
export type TemplateRoot = (typeof TEMPLATE_ROOTS)[number];

export interface TemplateReference {
  readonly root: TemplateRoot;
  /** The node's id; only for `nodes`. */
  readonly node?: string;
  /** Keys (strings) and list indexes (numbers) from there. */
  readonly steps: readonly (string | number)[];
  /** The reference as its author wrote it. */
  readonly text: string;
}

export type TemplatePart = string | TemplateReference;

/** A string of a config: as a whole a reference, or literal text with references in it. */
export type TemplateText =
  | { readonly whole: TemplateReference }
  | { readonly parts: readonly TemplatePart[]; readonly secrets: readonly string[] };

const ROOT = /\$([A-Za-z_][A-Za-z0-9_]*)/y;
const STEP = /\.([A-Za-z0-9_-]+)|\[(0|[1-9]\d{0,8})\]|\[("(?:[^"\\]|\\.)*")\]/y;
const DOLLARS = /\$+/g;
const SECRET = /\$secrets\.([A-Za-z0-9_-]+)/y;

/** Reads a string; the error says what is wrong with an interpolation or which root is not legal here. */
export function readTemplateText(text: string, legal: ReadonlySet<TemplateRoot>): Result<TemplateText, string> {
  const whole = readReference(text, 0);
  if (whole !== undefined && whole.end === text.length) {
    const { reference } = whole;
    return legal.has(reference.root) ? ok({ whole: reference }) : fail(illegal(reference, legal));
  }
  const secret = readSecret(text, 0);
  if (secret !== undefined && secret.end === text.length) return ok({ parts: [text], secrets: [secret.name] });
  return readParts(text, legal);
}

function readParts(text: string, legal: ReadonlySet<TemplateRoot>): Result<TemplateText, string> {
  const parts: TemplatePart[] = [];
  const secrets: string[] = [];
  let literal = "";
  let at = 0;
  for (let dollars = match(DOLLARS, text, at); dollars !== undefined; dollars = match(DOLLARS, text, at)) {
    const end = dollars.index + dollars[0].length;
    const count = dollars[0].length;
    literal += text.slice(at, dollars.index);
    at = end;
    if (text.charAt(end) !== "{") {
      const isEscape = dollars.index === 0 && count > 1;
      literal += "$".repeat(isEscape ? count - 1 : count);
      continue;
    }
    literal += "$".repeat(count >> 1);
    if (count % 2 === 0) continue;
    if (text.charAt(end + 1) !== "$") {
      literal += "$";
      continue;
    }
    const secret = readSecret(text, end + 1);
    if (secret !== undefined && text.charAt(secret.end) === "}") {
      literal += text.slice(end - 1, secret.end + 1);
      secrets.push(secret.name);
      at = secret.end + 1;
      continue;
    }
    const read = readReference(text, end + 1);
    if (read === undefined || text.charAt(read.end) !== "}") return fail(malformed(text, end - 1));
    if (!legal.has(read.reference.root)) return fail(illegal(read.reference, legal));
    parts.push(literal, read.reference);
    literal = "";
    at = read.end + 1;
  }
  parts.push(literal + text.slice(at));
  return ok({ parts: parts.filter((part) => part !== ""), secrets });
}

function readReference(text: string, start: number): { reference: TemplateReference; end: number } | undefined {
  const name = match(ROOT, text, start);
  const root = name?.[1] === "ctx" ? "nodes" : TEMPLATE_ROOTS.find((known) => known === name?.[1]);
  if (name === undefined || root === undefined) return undefined;
  let end = start + name[0].length;
  const steps: (string | number)[] = [];
  for (let step = match(STEP, text, end); step !== undefined; step = match(STEP, text, end)) {
    const key = readStep(step);
    if (key === undefined) return undefined;
    steps.push(key);
    end += step[0].length;
  }
  const written = text.slice(start, end);
  if (root !== "nodes") {
    const isNumber = root === "iteration" || root === "index";
    return isNumber && steps.length > 0 ? undefined : { reference: { root, steps, text: written }, end };
  }
  const [node, ...rest] = steps;
  return typeof node === "string" ? { reference: { root, node, steps: rest, text: written }, end } : undefined;
}

function readStep(step: RegExpExecArray): string | number | undefined {
  const [, name, index, quoted] = step;
  if (name !== undefined) return name;
  if (index !== undefined) return Number(index);
  try {
    const key: unknown = JSON.parse(quoted ?? "");
    return typeof key === "string" ? key : undefined;
  } catch {
    return undefined;
  }
}

function readSecret(text: string, start: number): { name: string; end: number } | undefined {
  const secret = match(SECRET, text, start);
  return secret === undefined ? undefined : { name: secret[1] ?? "", end: start + secret[0].length };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function malformed(text: string, at: number): string {
  const excerpt = text.slice(at, at + 60);
  const name = match(ROOT, text, at + 2)?.[1];
  const isKnown = name === "ctx" || name === "secrets" || TEMPLATE_ROOTS.some((root) => root === name);
  if (name !== undefined && !isKnown) return `unknown root "$${name}" in ${excerpt}; write $\${ for a literal \${`;
  return `malformed interpolation ${excerpt}; it must read like \${$inputs.name} or \${$nodes.id.items[0]}`;
}

function illegal(reference: TemplateReference, legal: ReadonlySet<TemplateRoot>): string {
  const roots = [...legal].map((root) => `$${root}`).join(", ");
  return `${reference.text} does not exist here; known are ${roots}`;
}
