/** Runs an inline node: its rendered config and its input give a value or a failure, within the transition. */
import { compileJmespath } from "#expression/jmespath.ts";
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { CompiledNode } from "#workflow/graph.ts";
import { LIST_ITEMS_MAX } from "#workflow/limits.ts";
import type { AggregateOperation, FunctionName } from "#workflow/node-configs.ts";
import { renderConfig } from "../render-config.ts";
import { aggregate, describe } from "./aggregate.ts";
import type { InlineContext } from "./context.ts";
import { callFunction } from "./functions.ts";
import { endPass } from "./loop.ts";

export function runInline(node: CompiledNode, context: InlineContext): Result<Json, NodeError> {
  const { scope } = context;
  const rendered = renderConfig(node, scope);
  if (!rendered.ok) return rendered;
  const config = rendered.value;
  const input = scope.input(node);
  switch (node.type.type) {
    case "conditional":
    case "parallel":
      return ok(input);
    case "transform":
      return transform(node, config, input, context);
    case "aggregate":
      return aggregate(
        config.from ?? input,
        config.operation as AggregateOperation,
        config.field as string | undefined,
      );
    case "filter":
      return filter(node, config.from ?? input, context);
    case "function":
      return callFunction(config.function_name as FunctionName, {
        params: (config.params as JsonObject | undefined) ?? null,
        input,
        nowMs: context.nowMs,
        uuid: context.uuid,
      });
    case "loop":
      return endPass(node, input, context);
    default:
      return fail(nodeError("internal", `node type ${node.type.type} is not inline`));
  }
}

function transform(
  node: CompiledNode,
  config: JsonObject,
  input: Json,
  context: InlineContext,
): Result<Json, NodeError> {
  if (config.language === "jmespath") {
    const compiled = compileJmespath(String(config.expression));
    return compiled.ok ? compiled.value.evaluate(input) : fail(nodeError("expression_failed", compiled.error));
  }
  const program = node.programs.get("expression");
  if (program === undefined) return fail(nodeError("internal", "the expression was not compiled"));
  return program.evaluate(context.scope.variables(program, { path: node.id, output: input }));
}

function filter(node: CompiledNode, source: Json, context: InlineContext): Result<Json, NodeError> {
  const program = node.programs.get("condition");
  if (program === undefined) return fail(nodeError("internal", "the condition was not compiled"));
  if (!Array.isArray(source)) {
    return fail(nodeError("expression_failed", `filter needs a list, not ${describe(source)}`));
  }
  if (source.length > LIST_ITEMS_MAX) {
    return fail(nodeError("expression_limit", `filter takes at most ${LIST_ITEMS_MAX} items, not ${source.length}`));
  }
  const shared = context.scope.variables(program, { path: node.id, output: source });
  const kept: Json[] = [];
  for (const [index, item] of source.entries()) {
    const held = program.evaluate({ ...shared, item, index });
    // An item without the field does not hold, as an edge's condition would not.
    if (!held.ok && held.error.details?.missing === true) continue;
    if (!held.ok) return fail({ ...held.error, message: `item ${index}: ${held.error.message}` });
    if (typeof held.value !== "boolean") {
      return fail(nodeError("expression_failed", `item ${index}: the condition gives ${describe(held.value)}`));
    }
    if (held.value) kept.push(item);
  }
  return ok(kept);
}
