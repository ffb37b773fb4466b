/**
 * What is known about a CEL expression before it runs: that it keeps the bounds, names only what exists, and which
 * variables and nodes it reads. Prepares each comprehension to pay for its passes.
 */
import type { parse } from "@bufbuild/cel";
import { APPEND_FUNCTION, RANGE_FUNCTION, STEP_FUNCTION, weirEnv } from "./cel-functions.ts";
import { COMPREHENSION_NESTING_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX } from "./limits.ts";

export type CelExpression = ReturnType<typeof parse>["expr"];
type Call = Extract<CelExpression["exprKind"], { case: "callExpr" }>["value"];
type Comprehension = Extract<CelExpression["exprKind"], { case: "comprehensionExpr" }>["value"];

export const CEL_VARIABLES = ["output", "inputs", "nodes", "ctx", "run", "iteration", "item", "index"] as const;

export interface CelReferences {
  /** The variables that are read; `ctx` counts as `nodes`. */
  readonly variables: ReadonlySet<string>;
  /** Ids named as `nodes.x`, `nodes["x"]` or `"x" in nodes`, sorted. */
  readonly nodes: readonly string[];
  /** True when `nodes` is also read in a way that does not say which node. */
  readonly dynamicNodes: boolean;
}

/** Why an expression is refused; the message is for its author. */
export class CelProblem extends Error {}

const TYPE_NAMES = new Set(["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"]);
const PLANNED_CALLS = new Set(["_[_]", "_?_:_", "_&&_", "_||_", "@not_strictly_false"]);
const MACROS = new Set(["all", "exists", "exists_one", "existsOne", "filter", "map"]);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

interface Place {
  depth: number;
  loops: number;
  locals: ReadonlySet<string>;
}

/**
 * Checks the expression and says what it reads. Changes it in place: `ctx` becomes `nodes`, and comprehensions call
 * the functions that count their work. Throws `CelProblem`.
 */
export function analyseCel(expression: CelExpression, legal: readonly string[]): CelReferences {
  const analysis = new Analysis(legal);
  analysis.visit(expression, { depth: 1, loops: 0, locals: new Set() });
  return analysis.references();
}

class Analysis {
  readonly #legal: ReadonlySet<string>;
  readonly #variables = new Set<string>();
  readonly #nodes = new Set<string>();
  #dynamicNodes = false;
  #count = 0;

  constructor(legal: readonly string[]) {
    this.#legal = new Set(legal);
  }

  references(): CelReferences {
    return { variables: this.#variables, nodes: [...this.#nodes].sort(), dynamicNodes: this.#dynamicNodes };
  }

  visit(expression: CelExpression, place: Place): void {
    this.#count += 1;
    if (this.#count > EXPRESSION_NODES_MAX)
      throw new CelProblem(`the expression has more than ${EXPRESSION_NODES_MAX} nodes`);
    if (place.depth > EXPRESSION_DEPTH_MAX)
      throw new CelProblem(`the expression nests deeper than ${EXPRESSION_DEPTH_MAX} levels`);
    const inner = { ...place, depth: place.depth + 1 };
    const { exprKind } = expression;
    switch (exprKind.case) {
      case "identExpr":
        this.#identifier(exprKind.value, place);
        return;
      case "constExpr":
        checkConstant(exprKind.value.constantKind);
        return;
      case "selectExpr": {
        const { operand, field } = exprKind.value;
        if (operand !== undefined && !this.#namesNode(operand, field, inner)) this.visit(operand, inner);
        return;
      }
      case "callExpr":
        this.#call(exprKind.value, inner);
        return;
      case "listExpr":
        for (const element of exprKind.value.elements) this.visit(element, inner);
        return;
      case "structExpr":
        if (exprKind.value.messageName !== "")
          throw new CelProblem(`there is no message type "${exprKind.value.messageName}"`);
        for (const { keyKind, value } of exprKind.value.entries) {
          if (keyKind.case === "mapKey") this.visit(keyKind.value, inner);
          if (value !== undefined) this.visit(value, inner);
        }
        return;
      case "comprehensionExpr":
        this.#comprehension(exprKind.value, inner);
        return;
      default:
        throw new CelProblem("the expression has a part that is not understood");
    }
  }

  #identifier(identifier: { name: string }, place: Place): void {
    const { name } = identifier;
    if (place.locals.has(name) || TYPE_NAMES.has(name)) return;
    if (!this.#legal.has(name)) {
      throw new CelProblem(`unknown variable "${name}"; known here are ${[...this.#legal].join(", ")}`);
    }
    if (isNodesName(name)) {
      identifier.name = "nodes";
      this.#dynamicNodes = true;
    }
    this.#variables.add(identifier.name);
  }

  /** Records `nodes.<id>` and the like; false when the operand is something else. */
  #namesNode(operand: CelExpression, id: unknown, place: Place): boolean {
    if (operand.exprKind.case !== "identExpr" || typeof id !== "string") return false;
    const { name } = operand.exprKind.value;
    if (!isNodesName(name) || place.locals.has(name)) return false;
    const dynamicBefore = this.#dynamicNodes;
    this.visit(operand, place);
    this.#dynamicNodes = dynamicBefore;
    this.#nodes.add(id);
    return true;
  }

  #call(call: Call, place: Place): void {
    const { function: name, target, args } = call;
    if (!PLANNED_CALLS.has(name) && weirEnv.funcs.find(name) === undefined) throw new CelProblem(unknownFunction(name));
    const [first, second] = args;
    if (name === "_[_]" && first !== undefined && second !== undefined && this.#namesNode(first, text(second), place)) {
      this.visit(second, place);
      return;
    }
    if (name === "@in" && first !== undefined && second !== undefined && this.#namesNode(second, text(first), place)) {
      this.visit(first, place);
      return;
    }
    if (target !== undefined) this.visit(target, place);
    for (const argument of args) this.visit(argument, place);
  }

  #comprehension(comprehension: Comprehension, place: Place): void {
    const { accuInit, iterRange, loopCondition, loopStep, result, accuVar, iterVar } = comprehension;
    if (!accuInit || !iterRange || !loopCondition || !loopStep || !result)
      throw new CelProblem("incomplete comprehension");
    const loops = place.loops + 1;
    if (loops > COMPREHENSION_NESTING_MAX) {
      throw new CelProblem(`comprehensions nest deeper than ${COMPREHENSION_NESTING_MAX}`);
    }
    this.visit(accuInit, place);
    this.visit(iterRange, place);
    const body = { ...place, loops, locals: new Set([...place.locals, accuVar, iterVar]) };
    const before = this.#count;
    this.visit(loopCondition, body);
    this.visit(loopStep, body);
    const price = this.#count - before;
    appendInstead(loopStep, accuVar);
    this.visit(result, { ...place, locals: new Set([...place.locals, accuVar]) });
    comprehension.iterRange = call(RANGE_FUNCTION, [iterRange]);
    comprehension.loopCondition = call(STEP_FUNCTION, [loopCondition, integer(price)]);
  }
}

/** `map` and `filter` grow their result by `result + [element]`: the common operator tries every pair of types first. */
function appendInstead(step: CelExpression, accumulator: string): void {
  if (step.exprKind.case !== "callExpr") return;
  const { value } = step.exprKind;
  const [first, second] = value.args;
  if (value.function === "_?_:_" && second !== undefined) appendInstead(second, accumulator);
  const grows = first?.exprKind.case === "identExpr" && first.exprKind.value.name === accumulator;
  if (value.function === "_+_" && grows && second?.exprKind.case === "listExpr") value.function = APPEND_FUNCTION;
}

function isNodesName(name: string): boolean {
  return name === "nodes" || name === "ctx";
}

function unknownFunction(name: string): string {
  if (name === "has") return "has() takes a field, as in has(output.name)";
  if (MACROS.has(name)) return `${name}() takes a variable and an expression, as in output.list.${name}(x, x > 0)`;
  return `unknown function "${name}"`;
}

function checkConstant({ case: kind, value }: { case: string | undefined; value?: unknown }): void {
  if (typeof value !== "bigint") return;
  const isUint = kind === "uint64Value";
  const inRange = isUint ? value <= UINT64_MAX : value <= INT64_MAX && value >= -INT64_MAX - 1n;
  if (!inRange) throw new CelProblem(`the integer ${value} is out of range`);
}

function text(expression: CelExpression): string | undefined {
  if (expression.exprKind.case !== "constExpr") return undefined;
  const { constantKind } = expression.exprKind.value;
  return constantKind.case === "stringValue" ? constantKind.value : undefined;
}

function call(name: string, args: CelExpression[]): CelExpression {
  return {
    $typeName: "cel.expr.Expr",
    id: 0n,
    exprKind: { case: "callExpr", value: { $typeName: "cel.expr.Expr.Call", function: name, args } },
  };
}

function integer(value: number): CelExpression {
  return {
    $typeName: "cel.expr.Expr",
    id: 0n,
    exprKind: {
      case: "constExpr",
      value: { $typeName: "cel.expr.Constant", constantKind: { case: "int64Value", value: BigInt(value) } },
    },
  };
}
