/** The JSON Schema for editors: it accepts whatever Weir accepts, and the file that is shipped is the one that is made. */
import { readdirSync, readFileSync } from "node:fs";
import { Validator } from "@cfworker/json-schema";
import { describe, expect, test } from "vitest";
import type { Json } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import { workflowJsonSchema } from "#workflow/document-schema.ts";
import { NODE_TYPES } from "#workflow/node-types.ts";

const validator = new Validator(workflowJsonSchema() as object, "7", false);
const isValid = (document: unknown) => validator.validate(document).valid;
const root = new URL("../../", import.meta.url);

const node = (type: string, config?: object) => ({
  nodes: [{ id: "a", type, ...(config === undefined ? {} : { config }) }],
});

test("the file in schemas/ is the schema; npm run schemas writes it", () => {
  const shipped = JSON.parse(readFileSync(new URL("schemas/workflow.schema.json", root), "utf8"));
  expect(shipped).toEqual(workflowJsonSchema());
});

describe("documents that Weir accepts are valid", () => {
  test("those of examples/", () => {
    const files = readdirSync(new URL("examples/", root)).filter((name) => name.endsWith(".json"));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      const { workflow } = JSON.parse(readFileSync(new URL(`examples/${file}`, root), "utf8"));
      expect({ file, errors: validator.validate(workflow).errors }).toEqual({ file, errors: [] });
    }
  });

  test("with and without $schema, which is no part of the definition", () => {
    const document = { $schema: "http://127.0.0.1:8787/schemas/workflow.json", ...node("parallel") };
    expect(isValid(document)).toBe(true);
    const { definition, errors } = checkWorkflow(document);
    expect(errors).toEqual([]);
    expect(definition).toEqual(checkWorkflow(node("parallel")).definition);
  });

  test("templates where a value of another type would stand", () => {
    expect(isValid(node("http", { url: "$inputs.url", headers: "$inputs.headers", expect_status: "$inputs.ok" }))).toBe(
      true,
    );
  });

  test("every type of the registry is known to it", () => {
    for (const { type, config } of NODE_TYPES.values()) {
      const needsConfig = !config.safeParse({}).success;
      expect({ type, valid: isValid(node(type)) }).toEqual({ type, valid: !needsConfig });
    }
  });
});

test.each<[string, Json]>([
  ["no nodes", { nodes: [] }],
  ["an unknown field", { ...node("parallel"), edge: [] } as Json],
  ["a $schema that is no text", { $schema: 1, ...node("parallel") } as Json],
  ["an unknown type", node("paralel") as Json],
  ["a missing config", node("http") as Json],
  ["a missing member of a config", node("http", {}) as Json],
  ["an unknown member of a config", node("http", { url: "https://example.com/", verb: "GET" }) as Json],
  ["a value out of range", node("loop", { max_iterations: 0, loop_back_to: "a" }) as Json],
  ["a wrong step inside a map", node("map", { items: [1], node: { type: "http", config: {} } }) as Json],
  ["a wrong id", { nodes: [{ id: "a b", type: "parallel" }] }],
  ["a wrong edge", { ...node("parallel"), edges: [{ from: "a" }] } as Json],
])("%s is invalid, as it is for Weir", (_, document) => {
  expect(isValid(document)).toBe(false);
  expect(checkWorkflow(document).errors).not.toEqual([]);
});
