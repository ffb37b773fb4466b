/**
 * JMESPath for `transform`: compiles a query once, bounded in size and nesting; the evaluation is bounded in work and
 * in the size of its result.
 */
import { compile, getRegisteredFunctions, tokenize } from "@jmespath-community/jmespath";
import { fail, type NodeError, ok, type Result } from "#kernel/errors.ts";
import { type Json, utf8Length } from "#kernel/json.ts";
import { BoundedInterpreter, type JmespathNode } from "./jmespath-interpreter.ts";
import {
  EXPRESSION_DEPTH_MAX,
  EXPRESSION_MESSAGE_MAX,
  EXPRESSION_NODES_MAX,
  EXPRESSION_SOURCE_BYTES_MAX,
} from "./limits.ts";
import { jsonResult } from "./result.ts";
import { withBudget } from "./work.ts";

export interface JmespathProgram {
  readonly source: string;
  /**
   * Runs the query; never throws. A field that does not exist reads as null. Errors: `expression_failed`,
   * `expression_limit`, `number_range`, `output_too_large`. A result may be part of `data`: it must not be changed.
   */
  evaluate(data: Json): Result<Json, NodeError>;
}

/** Compiles a query; the error is a message for its author (422). Never throws. */
export function compileJmespath(source: string): Result<JmespathProgram, string> {
  if (utf8Length(source) > EXPRESSION_SOURCE_BYTES_MAX) {
    return fail(`the expression is longer than ${EXPRESSION_SOURCE_BYTES_MAX} bytes`);
  }
  if (source.trim() === "") return fail("the expression is empty");
  try {
    if (nestsTooDeeply(source)) return fail(`the expression nests deeper than ${EXPRESSION_DEPTH_MAX} levels`);
    const query = compile(source);
    const problem = findProblem(query);
    return problem === undefined ? ok({ source, evaluate: (data) => evaluate(query, data) }) : fail(problem);
  } catch (error) {
    if (error instanceof RangeError) return fail("the expression nests too deeply");
    const message = error instanceof Error ? error.message : "syntax error";
    return fail(message.slice(0, EXPRESSION_MESSAGE_MAX));
  }
}

function evaluate(query: JmespathNode, data: Json): Result<Json, NodeError> {
  return withBudget(() => {
    const result = new BoundedInterpreter().search(query, data);
    return result === data ? ok(data) : jsonResult(result);
  });
}

/** Brackets are judged before the parser, which recurses, meets them; the tree that it makes is judged as well. */
function nestsTooDeeply(source: string): boolean {
  let open = 0;
  for (const { type } of tokenize(source)) {
    if (OPENING.has(type)) open += 1;
    else if (CLOSING.has(type)) open -= 1;
    if (open > EXPRESSION_DEPTH_MAX) return true;
  }
  return false;
}

const OPENING: ReadonlySet<string> = new Set(["Lparen", "Lbracket", "Lbrace", "Filter"]);
const CLOSING: ReadonlySet<string> = new Set(["Rparen", "Rbracket", "Rbrace"]);

function findProblem(query: JmespathNode): string | undefined {
  const functions = new Set(getRegisteredFunctions());
  let count = 0;

  function visit(node: JmespathNode, depth: number, isArgument: boolean): string | undefined {
    count += 1;
    if (count > EXPRESSION_NODES_MAX) return `the expression has more than ${EXPRESSION_NODES_MAX} nodes`;
    if (depth > EXPRESSION_DEPTH_MAX) return `the expression nests deeper than ${EXPRESSION_DEPTH_MAX} levels`;
    if (node.type === "Function" && !functions.has(node.name)) return `unknown function "${node.name}"`;
    if (node.type === "ExpressionReference" && !isArgument) return "& stands only before an argument of a function";
    for (const child of childrenOf(node)) {
      const problem = visit(child, depth + 1, node.type === "Function");
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  return visit(query, 1, false);
}

function childrenOf(node: JmespathNode): JmespathNode[] {
  switch (node.type) {
    case "FilterProjection":
      return [node.left, node.right, node.condition];
    case "Comparator":
    case "AndExpression":
    case "IndexExpression":
    case "OrExpression":
    case "Pipe":
    case "Projection":
    case "Subexpression":
    case "ValueProjection":
    case "Arithmetic":
      return [node.left, node.right];
    case "MultiSelectHash":
      return node.children.map((child) => child.value);
    case "MultiSelectList":
    case "Function":
      return node.children;
    case "LetExpression":
      return [...node.bindings, node.expression];
    case "Binding":
      return [node.reference];
    case "Ternary":
      return [node.condition, node.trueExpr, node.falseExpr];
    case "ExpressionReference":
    case "Flatten":
    case "NotExpression":
      return [node.child];
    case "Unary":
      return [node.operand];
    default:
      return [];
  }
}
