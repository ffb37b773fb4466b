/**
 * Parts of a program that give exactly one value, such as `.price * 2 > 10`: computed at once, without the machinery
 * for several values, which makes most programs several times as fast and recursion less deep.
 */
import type { Json } from "#kernel/json.ts";
import { operate } from "./arithmetic.ts";
import { functionOf, type Scope, variableOf } from "./environment.ts";
import { stepInto } from "./paths.ts";
import { functionKey, type Syntax } from "./syntax.ts";
import type { FunctionContext, ValueFunction } from "./value-functions.ts";
import { described, isTruthy, JqError } from "./values.ts";

export class SimpleParts {
  readonly #functions: ReadonlyMap<string, ValueFunction>;
  readonly #known = new WeakMap<Syntax, boolean>();

  /** `functions` are those that need no filters. */
  constructor(functions: ReadonlyMap<string, ValueFunction>) {
    this.#functions = functions;
  }

  /** The value of a simple part; undefined when the part is not simple. Throws `JqError` and `WorkExceeded`. */
  evaluate(syntax: Syntax, scope: Scope, value: Json, context: FunctionContext): Json | undefined {
    return this.#isSimple(syntax) ? this.#value(syntax, scope, value, context) : undefined;
  }

  #isSimple(syntax: Syntax): boolean {
    let simple = this.#known.get(syntax);
    if (simple === undefined) {
      simple = this.#judge(syntax);
      this.#known.set(syntax, simple);
    }
    return simple;
  }

  #judge(syntax: Syntax): boolean {
    switch (syntax.kind) {
      case "identity":
      case "literal":
      case "variable":
        return true;
      case "index":
        return this.#isSimple(syntax.target) && this.#isSimple(syntax.key);
      case "negate":
        return this.#isSimple(syntax.operand);
      case "binary":
      case "and":
      case "or":
        return this.#isSimple(syntax.left) && this.#isSimple(syntax.right);
      case "call":
        return syntax.args.length === 0 && this.#functions.has(functionKey(syntax.name, 0));
      default:
        return false;
    }
  }

  #value(syntax: Syntax, scope: Scope, value: Json, context: FunctionContext): Json | undefined {
    context.work.charge(1);
    const part = (inner: Syntax) => this.#value(inner, scope, value, context);
    switch (syntax.kind) {
      case "identity":
        return value;
      case "literal":
        return syntax.value;
      case "variable":
        return variableOf(scope, syntax.name);
      case "index": {
        const key = part(syntax.key);
        const target = key === undefined ? undefined : part(syntax.target);
        return key === undefined || target === undefined ? undefined : stepInto(target, key, context.work);
      }
      case "negate": {
        const operand = part(syntax.operand);
        if (operand === undefined || typeof operand === "number") return operand === undefined ? undefined : -operand;
        throw new JqError(`${described(operand)} cannot be negated`);
      }
      case "binary": {
        const right = part(syntax.right);
        const left = right === undefined ? undefined : part(syntax.left);
        if (right === undefined || left === undefined) return undefined;
        return operate(syntax.operator, left, right, context.work);
      }
      case "and":
      case "or": {
        const left = part(syntax.left);
        if (left === undefined || isTruthy(left) === (syntax.kind === "or")) {
          return left === undefined ? undefined : syntax.kind === "or";
        }
        const right = part(syntax.right);
        return right === undefined ? undefined : isTruthy(right);
      }
      case "call": {
        const key = functionKey(syntax.name, 0);
        // The program's own function of that name may give anything.
        if (functionOf(scope, key) !== undefined) return undefined;
        return this.#functions.get(key)?.(value, [], context);
      }
      default:
        return undefined;
    }
  }
}
