/**
 * A compiled template against a run: finds what its references stand for and puts it in their place, as values or as
 * text. Reading the templates is `template.ts`.
 */
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import { isDeeperThan, isJsonObject, type Json, ownValue, utf8Length } from "#kernel/json.ts";
import { JSON_DEPTH_MAX, TEMPLATE_INTERPOLATED_BYTES_MAX } from "./limits.ts";
import type { TemplatePart, TemplateReference } from "./template-text.ts";

export interface TemplateScope {
  readonly inputs: Json;
  readonly run: Json;
  readonly iteration: number;
  readonly item?: Json;
  readonly index?: number;
  /** A node's output; `absent` when it was skipped or has not run, and then every path of it reads null. */
  node(id: string): { state: "completed"; output: Json } | { state: "absent" };
}

export type TemplatePlan =
  | { kind: "constant"; value: Json }
  | { kind: "reference"; reference: TemplateReference }
  | { kind: "text"; parts: readonly TemplatePart[] }
  | { kind: "list"; elements: readonly TemplatePlan[] }
  | { kind: "object"; entries: readonly (readonly [string, TemplatePlan])[] };

class Unrendered extends Error {
  readonly reason: NodeError;

  constructor(reason: NodeError) {
    super(reason.message);
    this.reason = reason;
  }
}

/** Renders a plan against a run; throws only what the scope throws. */
export function renderPlan(plan: TemplatePlan, scope: TemplateScope): Result<Json, NodeError> {
  try {
    return ok(new Rendering(scope).render(plan, 0));
  } catch (error) {
    if (error instanceof Unrendered) return fail(error.reason);
    throw error;
  }
}

class Rendering {
  readonly #scope: TemplateScope;
  #bytesLeft = TEMPLATE_INTERPOLATED_BYTES_MAX;

  constructor(scope: TemplateScope) {
    this.#scope = scope;
  }

  render(plan: TemplatePlan, depth: number): Json {
    switch (plan.kind) {
      case "constant":
        return plan.value;
      case "reference": {
        const value = this.#resolve(plan.reference);
        // Values are at most as deep as JSON may be: only what stands inside the config can grow deeper.
        if (depth > 0 && isDeeperThan(value, JSON_DEPTH_MAX - depth)) {
          throw tooLarge(`${plan.reference.text} makes the config nest deeper than ${JSON_DEPTH_MAX} levels`);
        }
        return value;
      }
      case "text":
        return this.#interpolate(plan.parts);
      case "list":
        return plan.elements.map((element) => this.render(element, depth + 1));
      case "object":
        // Not assignment: an entry named `__proto__` must stay an entry.
        return Object.fromEntries(plan.entries.map(([key, part]) => [key, this.render(part, depth + 1)]));
    }
  }

  #interpolate(parts: readonly TemplatePart[]): string {
    let text = "";
    for (const part of parts) {
      const piece = typeof part === "string" ? part : inserted(this.#resolve(part));
      this.#bytesLeft -= utf8Length(piece);
      if (this.#bytesLeft < 0) throw tooLarge(`interpolated strings exceed ${TEMPLATE_INTERPOLATED_BYTES_MAX} bytes`);
      text += piece;
    }
    return text;
  }

  #resolve(reference: TemplateReference): Json {
    const { root, steps } = reference;
    const value = root === "nodes" ? this.#node(reference.node ?? "") : this.#scope[root];
    if (value === absent) return null;
    if (value === undefined) throw unresolved(reference, `there is no $${root} here`);
    return walk(value, steps, reference);
  }

  #node(id: string): Json | typeof absent {
    const node = this.#scope.node(id);
    return node.state === "completed" ? node.output : absent;
  }
}

const absent = Symbol("absent");

function walk(start: Json, steps: readonly (string | number)[], reference: TemplateReference): Json {
  let value = start;
  for (const [position, step] of steps.entries()) {
    const next = stepInto(value, step);
    if (next === undefined) {
      throw unresolved(reference, `nothing at ${pathText(steps.slice(0, position + 1))}`);
    }
    value = next;
  }
  return value;
}

function stepInto(value: Json, step: string | number): Json | undefined {
  if (typeof step === "number") return Array.isArray(value) ? value[step] : undefined;
  return isJsonObject(value) ? ownValue(value, step) : undefined;
}

function inserted(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Steps as their author would write them: `.body.items[0]`. */
export function pathText(steps: readonly (string | number)[]): string {
  return steps.map(stepText).join("");
}

function stepText(step: string | number): string {
  if (typeof step === "number") return `[${step}]`;
  return /^[A-Za-z0-9_-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

function unresolved(reference: TemplateReference, why: string): Unrendered {
  return new Unrendered(
    nodeError("template_unresolved", `${reference.text}: ${why}`, { details: { path: reference.text } }),
  );
}

function tooLarge(message: string): Unrendered {
  return new Unrendered(nodeError("payload_too_large", message));
}
