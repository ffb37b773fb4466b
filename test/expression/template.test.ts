// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Weir's templates, not JavaScript's
import { describe, expect, test } from "vitest";
import { JSON_DEPTH_MAX, TEMPLATE_INTERPOLATED_BYTES_MAX } from "#expression/limits.ts";
import { compileTemplate, type TemplateScope } from "#expression/template.ts";
import type { Json } from "#kernel/json.ts";
import { errorOf } from "./evaluate.ts";

const outputs = new Map<string, Json>([
  ["fetch", { body: { items: [1, { "any key": "deep" }], none: null }, "a.b": true }],
  ["odd id", 5],
]);

const scope: TemplateScope = {
  inputs: { name: "Ada", count: 2, tags: ["x"], nothing: null },
  run: { id: "run-1", workflow: "w@1", submitted_at: "2026-01-01T00:00:00Z" },
  iteration: 3,
  item: { price: 5 },
  index: 7,
  node: (id) => {
    const output = outputs.get(id);
    return output === undefined ? { state: "absent" } : { state: "completed", output };
  },
};

function render(config: Json, own: Partial<TemplateScope> = {}) {
  const template = compileTemplate(config);
  expect(template.problems).toStrictEqual([]);
  return template.render({ ...scope, ...own });
}

function nested(depth: number, innermost: Json): Json {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

describe("template: values", () => {
  test.each<[Json, Json]>([
    ["$nodes.fetch.body.items", [1, { "any key": "deep" }]],
    ["$nodes.fetch.body.items[0]", 1],
    ['$nodes.fetch.body.items[1]["any key"]', "deep"],
    ['$nodes["odd id"]', 5],
    ['$nodes.fetch["a.b"]', true],
    ["$nodes.fetch.body.none", null],
    ["$ctx.fetch.body.items[0]", 1],
    ["$inputs", { name: "Ada", count: 2, tags: ["x"], nothing: null }],
    ["$inputs.count", 2],
    ["$run.id", "run-1"],
    ["$run.submitted_at", "2026-01-01T00:00:00Z"],
    ["$iteration", 3],
    ["$item.price", 5],
    ["$index", 7],
    ["$nodes.later.any.path[3]", null],
    ["Hello ${$inputs.name}", "Hello Ada"],
    ["${$inputs.name} has ${$inputs.count} ${$inputs.tags} ${$inputs.nothing}", 'Ada has 2 ["x"] null'],
    ["${$nodes.later.x}!", "null!"],
    ["${$iteration}/${$index}", "3/7"],
    [
      { a: ["$inputs.count", { b: "${$run.id}" }], c: 1 },
      { a: [2, { b: "run-1" }], c: 1 },
    ],
    ["$secrets.TOKEN", "$secrets.TOKEN"],
    ["Bearer ${$secrets.TOKEN}", "Bearer ${$secrets.TOKEN}"],
    ["${$inputs.name}:${$secrets.TOKEN}", "Ada:${$secrets.TOKEN}"],
    ["$$5", "$5"],
    ["$$", "$"],
    ["$$inputs.name", "$inputs.name"],
    ["$$5 for ${$inputs.name}", "$5 for Ada"],
    ["$${$inputs.name}", "${$inputs.name}"],
    ["a $${b} ${$inputs.count}", "a ${b} 2"],
    ["a $$${$inputs.count}", "a $2"],
    ["$$${$inputs.count}", "$2"],
    ["a $$$${$inputs.count}", "a $${$inputs.count}"],
    ["$$$$${$inputs.count}", "$$2"],
    ["$$${HOME} $$$ $$${$secrets.TOKEN}", "$${HOME} $$$ $${$secrets.TOKEN}"],
    ["$5.00", "$5.00"],
    ["$foo", "$foo"],
    ["$foo.bar", "$foo.bar"],
    ["$nodes", "$nodes"],
    ["$inputs.name is here", "$inputs.name is here"],
    ["$inputs.", "$inputs."],
    ["$inputs[01]", "$inputs[01]"],
    ["$iteration.x", "$iteration.x"],
    ["costs $5 or $inputs.name", "costs $5 or $inputs.name"],
    ["${HOME}", "${HOME}"],
    [
      { "$inputs.name": 1, "${$nope.x}": 2 },
      { "$inputs.name": 1, "${$nope.x}": 2 },
    ],
  ])("%j renders %j", (config, expected) => {
    expect(render(config)).toStrictEqual({ ok: true, value: expected });
  });

  test("a whole value and a constant subtree are not copied", () => {
    const constant = { deep: [1, 2, { x: "text" }] };
    const result = render({ items: "$nodes.fetch.body", constant });
    expect(result.ok && Reflect.get(Object(result.value), "constant")).toBe(constant);
    expect(result.ok && Reflect.get(Object(result.value), "items")).toBe(
      Reflect.get(Object(outputs.get("fetch")), "body"),
    );
  });

  test("literal keys are left verbatim, at the top level only", () => {
    const config = { expression: "${$nope} $inputs.x", payload: { expression: "$inputs.count" } };
    const template = compileTemplate(config, { literalKeys: new Set(["expression"]) });
    expect(template.problems).toStrictEqual([]);
    expect(template.references).toHaveLength(1);
    expect(template.render(scope)).toStrictEqual({
      ok: true,
      value: { expression: "${$nope} $inputs.x", payload: { expression: 2 } },
    });
  });

  test("a key `__proto__` stays a key", () => {
    const result = render(JSON.parse('{"__proto__": "$inputs.count"}'));
    expect(JSON.stringify(result)).toBe('{"ok":true,"value":{"__proto__":2}}');
  });
});

describe("template: errors", () => {
  test.each([
    ["$nodes.fetch.body.absent", "$nodes.fetch.body.absent: nothing at .body.absent"],
    ["$nodes.fetch.body.absent.deeper", "$nodes.fetch.body.absent.deeper: nothing at .body.absent"],
    ["$nodes.fetch.body.none.x", "$nodes.fetch.body.none.x: nothing at .body.none.x"],
    ["$nodes.fetch.body.items[2]", "$nodes.fetch.body.items[2]: nothing at .body.items[2]"],
    ["$nodes.fetch.body[0]", "$nodes.fetch.body[0]: nothing at .body[0]"],
    ["$nodes.fetch.body.items.length", "$nodes.fetch.body.items.length: nothing at .body.items.length"],
    ["$nodes.fetch.__proto__", "$nodes.fetch.__proto__: nothing at .__proto__"],
    ["$inputs.constructor", "$inputs.constructor: nothing at .constructor"],
    ["Hi ${$inputs.nmae}", "$inputs.nmae: nothing at .nmae"],
    ['$inputs["a b"]', '$inputs["a b"]: nothing at ["a b"]'],
  ])("%s does not resolve", (config, message) => {
    expect(errorOf(render({ url: config }))).toMatchObject({ code: "template_unresolved", message });
  });

  test("a root without a value does not resolve", () => {
    const template = compileTemplate("$item.x");
    const error = errorOf(template.render({ inputs: {}, run: {}, iteration: 0, node: scope.node }));
    expect(error).toMatchObject({ code: "template_unresolved", message: "$item.x: there is no $item here" });
  });

  test.each([
    ["${$inputs.name", "malformed interpolation"],
    ["${$inputs.", "malformed interpolation"],
    ["${$inputs.a..b}", "malformed interpolation"],
    ["${$inputs.a b}", "malformed interpolation"],
    ["${$inputs[01]}", "malformed interpolation"],
    ["${$nodes}", "malformed interpolation"],
    ["${$index.x}", "malformed interpolation"],
    ["${$secrets.}", "malformed interpolation"],
    ["${$}", "malformed interpolation"],
    ["fine ${$inputs.a} then ${$nope.x}", 'unknown root "$nope"'],
  ])("%s is a problem", (text, message) => {
    const template = compileTemplate({ headers: { "x/y": ["ok", text] } });
    expect(template.problems).toHaveLength(1);
    expect(template.problems[0]).toMatchObject({
      pointer: "/headers/x~1y/1",
      message: expect.stringContaining(message),
    });
    expect(template.render(scope).ok).toBe(true);
  });

  test.each(["$item", "a ${$item.x}"])("%s is a problem where that root does not exist", (text) => {
    const { problems } = compileTemplate([text], { variables: ["inputs", "nodes"] });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ pointer: "/0", message: expect.stringContaining("known are $inputs, $nodes") });
  });
});

describe("template: references", () => {
  test("name root, node, path and place", () => {
    const template = compileTemplate({
      a: '$ctx.fetch.body["any key"][0]',
      b: ["${$inputs.x} ${$nodes.fetch}", "$run.id"],
      c: "${$secrets.TOKEN}",
      d: "$secrets.KEY",
    });
    expect(template.references).toStrictEqual([
      { root: "nodes", node: "fetch", path: '.body["any key"][0]', pointer: "/a" },
      { root: "inputs", path: ".x", pointer: "/b/0" },
      { root: "nodes", node: "fetch", path: "", pointer: "/b/0" },
      { root: "run", path: ".id", pointer: "/b/1" },
    ]);
    expect(template.secrets).toStrictEqual([
      { name: "TOKEN", pointer: "/c" },
      { name: "KEY", pointer: "/d" },
    ]);
  });

  test.each<[Json, boolean]>([
    [{ a: [1, "text", "$secrets.X", "$$5"] }, true],
    ["$foo", true],
    [{ a: [{ b: "$inputs" }] }, false],
    ["${$iteration}", false],
  ])("%j is constant: %s", (config, isConstant) => {
    expect(compileTemplate(config).isConstant).toBe(isConstant);
  });
});

describe("template: bounds", () => {
  test("bytes of interpolated strings, in total", () => {
    const config = ["${$inputs.a}", "é${$inputs.a}"];
    const half = TEMPLATE_INTERPOLATED_BYTES_MAX / 2 - 1;
    expect(render(config, { inputs: { a: "x".repeat(half) } }).ok).toBe(true);
    const over = render([...config, "${$iteration}"], { inputs: { a: "x".repeat(half) } });
    expect(errorOf(over)?.code).toBe("payload_too_large");
    expect(render("$inputs.a", { inputs: { a: "x".repeat(3 * half) } }).ok).toBe(true);
  });

  test("depth of a config", () => {
    expect(compileTemplate(nested(JSON_DEPTH_MAX, 1)).problems).toStrictEqual([]);
    expect(compileTemplate(nested(JSON_DEPTH_MAX + 1, 1)).problems).toHaveLength(1);
  });

  test("depth once rendered", () => {
    const inputs = nested(JSON_DEPTH_MAX, 1);
    expect(render("$inputs", { inputs }).ok).toBe(true);
    expect(render(nested(1, "$inputs"), { inputs: nested(JSON_DEPTH_MAX - 1, 1) }).ok).toBe(true);
    expect(errorOf(render(nested(1, "$inputs"), { inputs }))?.code).toBe("payload_too_large");
  });
});
