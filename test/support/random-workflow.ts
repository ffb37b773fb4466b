/**
 * Random workflows in which there is something to find: nodes of few kinds with few configs, so that some are alike,
 * some ways are never taken, and some requests follow one another without need.
 */
import fc from "fast-check";
import type { JsonObject } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";

interface Way {
  back: number;
  kind: number;
  condition: number;
}

interface Spec {
  type: number;
  config: number;
  reads: number;
  ways: Way[];
  any: boolean;
  continues: boolean;
  /** Made like the node before it, at the same place. */
  twin: boolean;
}

const CONDITIONS = [
  "false",
  "true",
  "1 > 2",
  "inputs.n > 1.0",
  "output == null",
  "output.body.even",
  'run.via == "n0"',
];

/** `read` is a node that stands before, or null. */
function nodeOf(id: string, { type, config, continues, any }: Spec, read: string | null): JsonObject {
  const more = { ...(continues ? { on_error: "continue" } : {}), ...(any ? { join: "any" } : {}) };
  const named = read === null ? "$inputs" : `$nodes.${read}`;
  const get = (url: string, rest: JsonObject = {}) => ({ id, type: "http", config: { url, ...rest }, ...more });
  const value = (expression: string, language = "cel") => ({
    id,
    type: "transform",
    config: { expression, language },
    ...more,
  });
  switch (type) {
    case 0:
    case 1:
      return get(`https://a.example.com/${config % 3}`, config % 5 === 4 ? { method: "HEAD" } : {});
    case 2:
      return get("https://a.example.com/named", { headers: { "x-of": `${named.replace("$", "${$")}}` } });
    case 3:
      return get(`https://b.example.com/${config % 2}`, { method: "POST", payload: config % 2 === 0 ? named : "x" });
    case 4:
      return value(["output", "1.0", "inputs.n", "output.body"][config % 4] ?? "1.0");
    case 5:
      return value(read === null ? "inputs" : ([`nodes.${read}`, `{'of': nodes.${read}}`][config % 2] ?? "1.0"));
    case 6:
      return value(["@", "body"][config % 2] ?? "@", "jmespath");
    case 7:
      return { id, type: "aggregate", config: { operation: ["collect", "count"][config % 2] ?? "count" }, ...more };
    case 8:
      return { id, type: "function", config: functionOf(config, named), ...more };
    case 9:
      return { id, type: "parallel", ...(any ? { join: "any" } : {}) };
    case 10: {
      const condition = ["true", "false", "inputs.n > 1.0", "output == null"][config % 4] ?? "true";
      return {
        id,
        type: "conditional",
        config: config % 5 === 4 ? {} : { condition },
        ...(any ? { join: "any" } : {}),
      };
    }
    case 13:
      return { id, type: "delay", config: { duration_ms: config * 10 }, ...more };
    case 14:
      return { id, type: "hitl", config: { message: "Go on?" }, ...(any ? { join: "any" } : {}) };
    case 15:
      return { id, type: "agent", config: { task: `About ${named.replace("$", "${$")}}`, tools: [] }, ...more };
    case 16:
      return { id, type: "loop", config: { max_iterations: 1 + (config % 3), loop_back_to: read ?? id } };
    case 11:
      return { id, type: "filter", config: { from: [1, 2, 3], condition: "item > 1.0" }, ...more };
    default:
      return value(config % 2 === 0 ? "run.via" : "{'in': output}");
  }
}

function functionOf(config: number, named: string): JsonObject {
  switch (config % 4) {
    case 0:
      return { function_name: "identity", params: { of: named } };
    case 1:
      return { function_name: "uuid" };
    case 2:
      return { function_name: "to_json" };
    default:
      return { function_name: "identity" };
  }
}

function edgeOf(way: Way, from: JsonObject, to: string, read: string | null): JsonObject & { to: string } {
  const edge = { from: String(from.id), to };
  if (way.kind === 0 && from.on_error !== "continue") return { ...edge, on: "failure" };
  const config = from.config as JsonObject | undefined;
  if (from.type === "conditional" && config?.condition !== undefined) {
    return { ...edge, branch: way.condition % 2 === 0 ? "if" : "else" };
  }
  if (way.kind > 3) return edge;
  const condition = read !== null && way.condition === 7 ? `nodes.${read} == null` : CONDITIONS[way.condition % 7];
  return { ...edge, condition: condition ?? "true" };
}

const way = fc.record({ back: fc.nat({ max: 3 }), kind: fc.nat({ max: 11 }), condition: fc.nat({ max: 7 }) });
const plainWay = fc.record({ back: fc.constant(0), kind: fc.constant(11), condition: fc.constant(0) });
const spec = fc.record({
  type: fc.oneof({ weight: 2, arbitrary: fc.nat({ max: 16 }) }, { weight: 1, arbitrary: fc.nat({ max: 2 }) }),
  config: fc.nat({ max: 9 }),
  reads: fc.nat({ max: 5 }),
  ways: fc.oneof(
    { weight: 4, arbitrary: fc.array(plainWay, { minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.array(way, { minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.array(way, { minLength: 0, maxLength: 3 }) },
  ),
  any: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
  continues: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
  twin: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
});

function build(specs: readonly Spec[]): WorkflowDefinition | null {
  const nodes: JsonObject[] = [];
  const edges: (JsonObject & { to: string })[] = [];
  const ancestors = new Map<string, string[]>();
  for (const [index, each] of specs.entries()) {
    const id = `n${index}`;
    const model = nodes[index - 1];
    if (each.twin && model !== undefined) {
      nodes.push({ ...model, id });
      ancestors.set(id, ancestors.get(String(model.id)) ?? []);
      edges.push(...edges.filter(({ to }) => to === model.id).map((edge) => ({ ...edge, to: id })));
      continue;
    }
    const froms = each.ways.map((one) => index - 1 - one.back).filter((place) => place >= 0);
    const behind = [...new Set(froms.flatMap((place) => [`n${place}`, ...(ancestors.get(`n${place}`) ?? [])]))];
    ancestors.set(id, behind);
    const read = behind[each.reads] ?? null;
    nodes.push(nodeOf(id, each, read));
    for (const one of each.ways) {
      const from = nodes[index - 1 - one.back];
      if (from === undefined) continue;
      const edge = edgeOf(one, from, id, ancestors.get(String(from.id))?.[each.reads] ?? null);
      if (!edges.some((other) => JSON.stringify(other) === JSON.stringify(edge))) edges.push(edge);
    }
  }
  const { definition, errors } = checkWorkflow({ nodes, edges });
  return errors.length === 0 ? definition : null;
}

/** Valid definitions of up to `maxLength` nodes, or of that many or nearly so. */
export function randomWorkflow(maxLength = 10, isLarge = false): fc.Arbitrary<WorkflowDefinition> {
  return fc
    .array(spec, { minLength: isLarge ? Math.floor(maxLength / 2) : 2, maxLength })
    .map(build)
    .filter((definition) => definition !== null);
}
