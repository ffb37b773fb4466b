/**
 * The library's interpreter with a budget: each node visited is paid for, fields are own properties, and data that
 * looks like a syntax tree is never taken for one. What its functions cost is in `jmespath-functions.ts`.
 */
import { type compile, TreeInterpreter } from "@jmespath-community/jmespath";
import { boundedFunctions } from "./jmespath-functions.ts";
import { charge, checkStringLength } from "./work.ts";

export type JmespathNode = ReturnType<typeof compile>;
export type JmespathValue = Parameters<typeof TreeInterpreter.search>[1];
type Interpreter = typeof TreeInterpreter;
type Visited = ReturnType<Interpreter["visit"]>;

// The class is not exported, only its one instance.
const LibraryInterpreter = TreeInterpreter.constructor as new () => Interpreter;

/** Each `let` makes an interpreter of its own. */
const SCOPE_PRICE = 200;

/** One evaluation: `search` once, within `withBudget`. */
export class BoundedInterpreter extends LibraryInterpreter {
  /** References that this query made; an object of the data with a field `expref` is none. */
  #references = new WeakSet<object>();
  readonly #emptiness = new WeakMap<object, boolean>();

  constructor() {
    super();
    this.runtime._functionTable = boundedFunctions(this.runtime);
  }

  override withScope(scope: Parameters<Interpreter["withScope"]>[0]): Interpreter {
    charge(SCOPE_PRICE);
    const inner = new BoundedInterpreter();
    // The library keeps root and scope in fields of the instance; its functions stay bound to their own interpreter.
    const { runtime } = inner;
    Object.assign(inner, super.withScope(scope), { runtime });
    inner.#references = this.#references;
    return inner;
  }

  override visit(node: JmespathNode, value: JmespathValue): Visited {
    charge(1);
    switch (node.type) {
      case "Field":
        return isObject(value) && Object.hasOwn(value, node.name) ? (value[node.name] ?? null) : null;
      case "ExpressionReference": {
        const reference = { ...node.child, expref: true as const };
        this.#references.add(reference);
        return reference;
      }
      case "Function": {
        const args = node.children.map((child) => this.visit(child, value) as JmespathValue);
        for (const argument of args) this.#refuseForgery(argument);
        return this.runtime.callFunction(node.name, args);
      }
      case "MultiSelectHash": {
        const entries = node.children.map((child) => [child.name, this.visit(child.value, value)] as const);
        return Object.fromEntries(entries) as Visited;
      }
      case "Comparator":
        if (node.name !== "EQ" && node.name !== "NE") return super.visit(node, value);
        return isEqual(this.visit(node.left, value), this.visit(node.right, value)) === (node.name === "EQ");
      case "Flatten": {
        const list = this.visit(node.child, value);
        if (!Array.isArray(list)) return null;
        for (const element of list) charge(Array.isArray(element) ? element.length : 1);
        return list.flat();
      }
      case "Slice":
        if (typeof value === "string") checkStringLength(value.length);
        if (typeof value === "string" || Array.isArray(value)) charge(value.length);
        return super.visit(node, value);
      case "OrExpression": {
        const left = this.visit(node.left, value);
        return this.#isFalse(left) ? this.visit(node.right, value) : left;
      }
      case "AndExpression": {
        const left = this.visit(node.left, value);
        return this.#isFalse(left) ? left : this.visit(node.right, value);
      }
      case "NotExpression":
        return this.#isFalse(this.visit(node.child, value));
      case "Ternary":
        return this.visit(this.#isFalse(this.visit(node.condition, value)) ? node.falseExpr : node.trueExpr, value);
      case "FilterProjection": {
        const list = this.visit(node.left, value);
        if (!Array.isArray(list)) return null;
        const kept = list.filter((element) => !this.#isFalse(this.visit(node.condition, element)));
        const results = kept.map((element) => this.visit(node.right, element));
        return results.filter((result) => result !== null) as Visited;
      }
      default:
        return super.visit(node, value);
    }
  }

  /** False, null, and whatever is empty. Listing the keys of an object is paid once: a filter may ask at each element. */
  #isFalse(value: unknown): boolean {
    if (value === null || value === undefined || value === false || value === "") return true;
    if (Array.isArray(value)) return value.length === 0;
    if (!isObject(value)) return false;
    const known = this.#emptiness.get(value);
    if (known !== undefined) return known;
    const { length } = Object.keys(value);
    charge(length);
    this.#emptiness.set(value, length === 0);
    return length === 0;
  }

  #refuseForgery(argument: unknown): void {
    if (!isObject(argument) || this.#references.has(argument)) return;
    if (Object.hasOwn(argument, "expref")) throw new Error("an object with a field `expref` cannot be an argument");
  }
}

function isObject(value: unknown): value is { [key: string]: JmespathValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEqual(left: unknown, right: unknown): boolean {
  charge(1);
  if (typeof left === "string" && typeof right === "string" && left.length === right.length) charge(left.length >> 6);
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((element, index) => isEqual(element, right[index]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  charge(keys.length);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isEqual(left[key], right[key]))
  );
}
