/** Expressions and templates outside of a run: what they read is what the caller gives. Problems have pointers. */

import { CEL_VARIABLES, compileCel } from "#expression/cel.ts";
import { compileJmespath } from "#expression/jmespath.ts";
import { compileTemplate, type TemplateScope } from "#expression/template.ts";
import { fail, type NodeError, ok, type Problem, type Result } from "#kernel/errors.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "#kernel/json.ts";
import { VARIABLES_MAX } from "./limits.ts";

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const TEMPLATE_VARIABLES: ReadonlySet<string> = new Set(["inputs", "nodes", "run", "iteration", "item", "index"]);

export function evaluateCel(expression: string, variables: JsonObject): Result<Json, Problem[]> {
  const names = Object.keys(variables);
  if (names.length > VARIABLES_MAX) return refuse("/variables", `at most ${VARIABLES_MAX} variables`);
  const wrong = names.find((name) => !VARIABLE_NAME.test(name) || name === "__proto__");
  if (wrong !== undefined) return refuse("/variables", `"${wrong.slice(0, 100)}" cannot be the name of a variable`);
  const compiled = compileCel(expression, { variables: [...new Set([...CEL_VARIABLES, ...names])] });
  if (!compiled.ok) return refuse("/expression", compiled.error);
  // Without a prototype, so that `constructor` reads as absent. `ctx` is another name of `nodes`.
  const values = Object.assign(Object.create(null) as JsonObject, variables);
  if (values.nodes === undefined && values.ctx !== undefined) values.nodes = values.ctx;
  return valueOrProblem(compiled.value.evaluate(values as never), "/expression");
}

/** The input is `output`, and for those who think of an entry node `inputs` too. */
export function transformValue(expression: string, language: "cel" | "jmespath", input: Json): Result<Json, Problem[]> {
  if (language === "cel") return evaluateCel(expression, { output: input, inputs: input });
  const compiled = compileJmespath(expression);
  return compiled.ok
    ? valueOrProblem(compiled.value.evaluate(input), "/expression")
    : refuse("/expression", compiled.error);
}

export function renderTemplate(template: Json, variables: JsonObject): Result<Json, Problem[]> {
  const unknown = Object.keys(variables).filter((name) => !TEMPLATE_VARIABLES.has(name));
  if (unknown.length > 0) {
    return fail(
      unknown
        .slice(0, VARIABLES_MAX)
        .map((name) => ({ pointer: "/variables", message: `unknown variable "${name.slice(0, 100)}"` })),
    );
  }
  const nodes = ownValue(variables, "nodes") ?? {};
  if (!isJsonObject(nodes)) return refuse("/variables/nodes", "must be an object of outputs by node id");
  const counts: { iteration?: number; index?: number } = {};
  for (const name of ["iteration", "index"] as const) {
    const count = variables[name];
    if (count === undefined) continue;
    if (!Number.isSafeInteger(count)) return refuse(`/variables/${name}`, "must be a whole number");
    counts[name] = count as number;
  }
  const compiled = compileTemplate(template);
  if (compiled.problems.length > 0) {
    return fail(compiled.problems.map(({ pointer, message }) => ({ pointer: `/template${pointer}`, message })));
  }
  const scope: TemplateScope = {
    inputs: variables.inputs ?? {},
    run: variables.run ?? {},
    iteration: counts.iteration ?? 0,
    ...(variables.item === undefined ? {} : { item: variables.item }),
    ...(counts.index === undefined ? {} : { index: counts.index }),
    node: (id) => {
      const output = ownValue(nodes, id);
      return output === undefined ? { state: "absent" } : { state: "completed", output };
    },
  };
  return valueOrProblem(compiled.render(scope), "/template");
}

function valueOrProblem(result: Result<Json, NodeError>, pointer: string): Result<Json, Problem[]> {
  return result.ok ? ok(result.value) : refuse(pointer, `${result.error.code}: ${result.error.message}`);
}

function refuse(pointer: string, message: string): Result<never, Problem[]> {
  return fail([{ pointer, message }]);
}
