/**
 * The JSON Schema of a workflow file, for editors: made from the schemas that the save-time checks parse with, node type by
 * node type. It says less than the checks do (nothing between the parts of a document), never something else.
 */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import { jsonObjectSchema, workflowSchema } from "./definition.ts";
import { NODE_TYPES, type NodeType } from "./node-types.ts";

/** Shown by editors where the name alone does not say it. */
const DESCRIPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  workflow: {
    nodes: "The steps.",
    edges: "What leads from one step to the next.",
    inputs: "JSON Schema of what a run is given; a run whose inputs do not fit is refused.",
    metadata: "For people: what the workflow is called and what it is for.",
  },
  node: {
    id: "Unique in the workflow; expressions read its output as nodes.<id>.",
    config: "What the node does, by its type.",
    timeout_ms: "Of one attempt of a node that a worker executes.",
    join: "all (default): start when every incoming edge is decided; any: on the first one taken.",
    retry: "Further attempts after a failure that another one may mend.",
    on_error: "continue: the error becomes the node's output and its plain edges are taken.",
  },
  edge: {
    condition: "CEL; output is that of the node the edge leaves.",
    branch: "Of a conditional node that has a condition: taken when it holds, or when it does not.",
    on: "failure: taken after the last attempt has failed, with the error as output.",
  },
};

/** Draft 7, which editors understand best. */
const TARGET = "draft-07";

let made: JsonObject | undefined;

export function workflowJsonSchema(): JsonObject {
  made ??= makeSchema();
  return made;
}

function makeSchema(): JsonObject {
  const schema = schemaOf(workflowSchema);
  const { nodes, edges } = objectAt(schema, "properties") as { nodes: JsonObject; edges: JsonObject };
  const node = objectAt(nodes, "items");
  describe(schema, "workflow");
  describe(node, "node");
  describe(objectAt(edges, "items"), "edge");
  const types = [...NODE_TYPES.values()];
  const definitions: JsonObject = { typed: typedSchema(types) };
  for (const type of types) definitions[configName(type)] = configSchema(type);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Weir workflow",
    ...schema,
    properties: {
      ...objectAt(schema, "properties"),
      nodes: { ...nodes, items: { ...node, allOf: [{ $ref: "#/definitions/typed" }] } },
    },
    definitions,
  };
}

/** Whatever has a `type` and a `config`: a node, or what a map does with each item. */
function typedSchema(types: readonly NodeType[]): JsonObject {
  return {
    properties: {
      type: { oneOf: types.map((type) => ({ const: type.type, title: type.label, description: describeType(type) })) },
    },
    allOf: types.map((type) => ({
      if: { properties: { type: { const: type.type } }, required: ["type"] },
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
      then: {
        properties: { config: { $ref: `#/definitions/${configName(type)}` } },
        ...(needsConfig(type) ? { required: ["config"] } : {}),
      },
    })),
  };
}

function configSchema(type: NodeType): JsonObject {
  const schema = schemaOf(type.config);
  const properties = objectAt(schema, "properties");
  for (const key of type.literalKeys) {
    const property = properties[key];
    if (isJsonObject(property)) property.description = "An expression; templates are not filled in here.";
  }
  // The step inside a map is a node without a place in the graph.
  if (isJsonObject(properties.node)) properties.node.allOf = [{ $ref: "#/definitions/typed" }];
  return { ...schema, title: `config of ${type.type}` };
}

function needsConfig(type: NodeType): boolean {
  return !type.config.safeParse({}).success;
}

function configName(type: NodeType): string {
  return `config_${type.type}`;
}

function describeType({ status, outputs }: NodeType): string {
  return status === "available" ? `Gives ${outputs}` : "Not there yet: the node is skipped with a warning.";
}

function describe(schema: JsonObject, part: string): void {
  const properties = objectAt(schema, "properties");
  for (const [key, description] of Object.entries(DESCRIPTIONS[part] ?? {})) {
    const property = properties[key];
    if (isJsonObject(property)) property.description = description;
  }
}

function schemaOf(schema: z.ZodType): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: TARGET,
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === jsonObjectSchema) jsonSchema.type = "object";
    },
  });
  return rest as JsonObject;
}

function objectAt(schema: JsonObject, key: string): JsonObject {
  const value: Json | undefined = schema[key];
  return isJsonObject(value) ? value : {};
}
