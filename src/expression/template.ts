/**
 * Templates in node configs: compiled once into a plan, rendered against a run. Which roots are legal where, and
 * whether a node can have run before, is the caller's to judge from `references`; `$secrets` is left to the HTTP worker.
 */
import type { NodeError, Problem, Result } from "#kernel/errors.ts";
import { isDeeperThan, isJsonObject, type Json, jsonPointer } from "#kernel/json.ts";
import { JSON_DEPTH_MAX } from "./limits.ts";
import { pathText, renderPlan, type TemplatePlan, type TemplateScope } from "./template-render.ts";
import { readTemplateText, TEMPLATE_ROOTS, type TemplateReference, type TemplateRoot } from "./template-text.ts";

export { TEMPLATE_ROOTS, type TemplateRoot, type TemplateScope };

export interface TemplateOptions {
  /** Keys of the config's top level whose values are left verbatim, such as `expression` and `condition`. */
  literalKeys?: ReadonlySet<string>;
  /** The roots that exist where the config stands; all of them unless told. */
  variables?: readonly TemplateRoot[];
}

export interface CompiledTemplate {
  /** What is wrong with the config's templates; pointers are relative to the config. */
  readonly problems: readonly Problem[];
  /** Every reference; `root` is `nodes` for `$ctx` too, `path` the steps as written (`.body.items[0]`). */
  readonly references: readonly { root: TemplateRoot; node?: string; path: string; pointer: string }[];
  /** Every `$secrets.NAME` that the author wrote, whole or interpolated. */
  readonly secrets: readonly { name: string; pointer: string }[];
  /** True when rendering does not depend on the scope. */
  readonly isConstant: boolean;
  /**
   * The config with its templates replaced; throws only what the scope throws. Constant subtrees and whole-value
   * references are answered as they are, not copied: the result must not be changed. Errors: `template_unresolved`
   * (a path that does not exist), `payload_too_large` (interpolated strings or nesting beyond bounds).
   */
  render(scope: TemplateScope): Result<Json, NodeError>;
}

/** Compiles a config. Never throws; a config with problems renders too, with the broken strings left verbatim. */
export function compileTemplate(config: Json, options: TemplateOptions = {}): CompiledTemplate {
  const compiler = new Compiler(new Set(options.variables ?? TEMPLATE_ROOTS));
  const plan = compiler.compile(config, options.literalKeys ?? new Set());
  const { problems, references, secrets } = compiler;
  return {
    problems,
    references,
    secrets,
    isConstant: plan.kind === "constant",
    render: (scope) => renderPlan(plan, scope),
  };
}

class Compiler {
  readonly problems: Problem[] = [];
  readonly references: { root: TemplateRoot; node?: string; path: string; pointer: string }[] = [];
  readonly secrets: { name: string; pointer: string }[] = [];
  readonly #legal: ReadonlySet<TemplateRoot>;

  constructor(legal: ReadonlySet<TemplateRoot>) {
    this.#legal = legal;
  }

  compile(config: Json, literalKeys: ReadonlySet<string>): TemplatePlan {
    if (isDeeperThan(config, JSON_DEPTH_MAX)) {
      this.problems.push({ pointer: "", message: `nests deeper than ${JSON_DEPTH_MAX} levels` });
      return { kind: "constant", value: config };
    }
    return this.#value(config, [], literalKeys);
  }

  #value(value: Json, path: readonly (string | number)[], literalKeys: ReadonlySet<string>): TemplatePlan {
    if (typeof value === "string") return this.#string(value, jsonPointer(path));
    if (Array.isArray(value)) {
      const elements = value.map((element, index) => this.#value(element, [...path, index], NO_KEYS));
      return isUnchanged(elements, value) ? { kind: "constant", value } : merged({ kind: "list", elements });
    }
    if (!isJsonObject(value)) return { kind: "constant", value };
    const entries = Object.entries(value).map(([key, child]) => {
      const plan: TemplatePlan = literalKeys.has(key)
        ? { kind: "constant", value: child }
        : this.#value(child, [...path, key], NO_KEYS);
      return [key, plan] as const;
    });
    const isSame = isUnchanged(
      entries.map(([, plan]) => plan),
      Object.values(value),
    );
    return isSame ? { kind: "constant", value } : merged({ kind: "object", entries });
  }

  #string(value: string, pointer: string): TemplatePlan {
    if (!value.includes("$")) return { kind: "constant", value };
    const read = readTemplateText(value, this.#legal);
    if (!read.ok) {
      this.problems.push({ pointer, message: read.error });
      return { kind: "constant", value };
    }
    if ("whole" in read.value) {
      this.#refer(read.value.whole, pointer);
      return { kind: "reference", reference: read.value.whole };
    }
    const { parts, secrets } = read.value;
    for (const name of secrets) this.secrets.push({ name, pointer });
    for (const part of parts) if (typeof part !== "string") this.#refer(part, pointer);
    return parts.every((part) => typeof part === "string")
      ? { kind: "constant", value: parts.join("") }
      : { kind: "text", parts };
  }

  #refer({ root, node, steps }: TemplateReference, pointer: string): void {
    this.references.push({ root, ...(node === undefined ? {} : { node }), path: pathText(steps), pointer });
  }
}

const NO_KEYS: ReadonlySet<string> = new Set();

function isUnchanged(plans: readonly TemplatePlan[], values: readonly Json[]): boolean {
  return plans.every((plan, index) => plan.kind === "constant" && plan.value === values[index]);
}

/** A container whose parts are all constant is one: an escape changed the text, but nothing is left to render. */
function merged(plan: Extract<TemplatePlan, { kind: "list" | "object" }>): TemplatePlan {
  const parts = plan.kind === "list" ? plan.elements : plan.entries.map(([, part]) => part);
  if (!parts.every((part) => part.kind === "constant")) return plan;
  const value =
    plan.kind === "list"
      ? plan.elements.map(constant)
      : Object.fromEntries(plan.entries.map(([key, part]) => [key, constant(part)]));
  return { kind: "constant", value };
}

function constant(plan: TemplatePlan): Json {
  return plan.kind === "constant" ? plan.value : null;
}
