// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Weir's templates, not JavaScript's
/** Templates whatever the config and the run: what they give, what they read, and what they never do. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileTemplate, TEMPLATE_ROOTS, type TemplateRoot, type TemplateScope } from "#expression/template.ts";
import { isJsonObject, type Json, jsonPointer, jsonProblem } from "#kernel/json.ts";
import { anyName, frozen, INHERITED_NAMES, json, normalForm, text } from "../support/arbitrary-json.ts";
import { holds } from "../support/property.ts";

type Step = string | number;

/** A reference as an author might write it, with the value that it stands for. */
interface Written {
  root: TemplateRoot;
  node?: string;
  steps: readonly Step[];
  source: string;
  value: Json;
}

const step: fc.Arbitrary<Step> = fc.oneof(anyName, text, fc.nat({ max: 3 }));

/** `.name` where that is possible, else (or anyway, by `plain`) in brackets. */
function spelled(step: Step, plain: boolean): string {
  if (typeof step === "number") return `[${step}]`;
  return plain && /^[A-Za-z0-9_-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

/** How references are named when they are listed: by name where that is possible. */
const listed = (steps: readonly Step[]) => steps.map((each) => spelled(each, true)).join("");

/** References of a template; the names that come first keep their documents apart. */
const written: fc.Arbitrary<Written[]> = fc
  .array(
    fc.record({
      root: fc.constantFrom(...TEMPLATE_ROOTS),
      alias: fc.boolean(),
      name: anyName,
      steps: fc.array(step, { maxLength: 4 }),
      plain: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      value: json(),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) =>
    list.map(({ root, alias, name, steps, plain, value }, index): Written => {
      if (root === "iteration" || root === "index") {
        return { root, steps: [], source: `$${root}`, value: root === "index" ? 7 : 3 };
      }
      const path: Step[] = [`${name}${index}`, ...steps];
      const source = `$${root === "nodes" && alias ? "ctx" : root}${path.map((each, at) => spelled(each, plain[at] ?? true)).join("")}`;
      if (root === "nodes") return { root, node: `${name}${index}`, steps, source, value };
      return { root, steps: path, source, value };
    }),
  );

/** A document that has `value` at the end of the steps. */
function documentOf(steps: readonly Step[], value: Json): Json {
  return steps.reduceRight<Json>((inner, each) => {
    if (typeof each === "string")
      return Object.fromEntries([
        ["beside", 0],
        [each, inner],
      ]);
    return [...Array<Json>(each).fill("before"), inner, "behind"];
  }, value);
}

/** A run in which every reference resolves. */
function runOf(references: readonly Written[]): TemplateScope {
  const nodes = new Map<string, Json>();
  const roots: Record<string, Json> = { inputs: {}, run: {}, item: {} };
  for (const { root, node, steps, value } of references) {
    if (node !== undefined) nodes.set(node, documentOf(steps, value));
    else if (root in roots) roots[root] = { ...(roots[root] as object), ...(documentOf(steps, value) as object) };
  }
  return {
    inputs: frozen(roots.inputs ?? null),
    run: frozen(roots.run ?? null),
    item: frozen(roots.item ?? null),
    iteration: 3,
    index: 7,
    node: (id) => (nodes.has(id) ? { state: "completed", output: nodes.get(id) ?? null } : { state: "absent" }),
  };
}

/** Text with its dollars doubled where a `{` follows, at the end too if `open`: an interpolation follows there. */
function doubled(literal: string, open: boolean): string {
  return literal.replaceAll(open ? /\$+(?=\{|$)/g : /\$+(?=\{)/g, (dollars) => dollars.repeat(2));
}

/** What `doubled` makes of the beginning of a text: dollars without a `{` behind them are one more there. */
function escaped(literal: string, open = false): string {
  const isEscape = /^\$+[^{$]/.test(literal) || (!open && /^\$+$/.test(literal));
  return (isEscape ? "$" : "") + doubled(literal, open);
}

const inserted = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value));

const dollarText = fc.string({ unit: fc.constantFrom("$", "$", "{", "}", "inputs", ".a", "secrets", "x", " ", "é") });
const literal = fc.oneof(text, dollarText);

/** Text that is nearly a template. */
const rough = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(...'$ { } ${$ inputs nodes ctx .a [0] ["k"] $$ $${ secrets iteration index x . [ \\'.split(" ")),
      {
        maxLength: 12,
      },
    )
    .map((parts) => parts.join("")),
);

const nothing: TemplateScope = { inputs: {}, run: {}, iteration: 0, node: () => ({ state: "absent" }) };

describe("template: what it gives", () => {
  test("a config without a dollar is given back, itself", () => {
    holds(
      fc.property(json(), (value) => {
        const config = JSON.parse(JSON.stringify(value).replaceAll("$", "")) as Json;
        const template = compileTemplate(frozen(config));
        const result = template.render(nothing);
        expect([template.isConstant, template.problems, template.references]).toEqual([true, [], []]);
        expect(result.ok && result.value).toBe(config);
      }),
      300,
    );
  });

  test("whatever the text, its escape renders it", () => {
    holds(
      fc.property(literal, (value) => {
        const template = compileTemplate(escaped(value));
        expect(template.problems).toEqual([]);
        expect(template.references).toEqual([]);
        expect(template.render(nothing)).toEqual({ ok: true, value });
      }),
      1_000,
    );
  });

  test("a reference alone gives the value itself, anywhere in the config", () => {
    holds(
      fc.property(written, anyName, (references, name) => {
        const config = references.map(({ source }) => Object.fromEntries([[name, [source]]]));
        const result = compileTemplate(frozen(config as Json)).render(runOf(references));
        expect(result.ok).toBe(true);
        references.forEach(({ value }, index) => {
          const entry = Object.entries((result.ok ? (result.value as Json[])[index] : null) as object);
          expect(entry[0]?.[0]).toBe(name);
          expect(Object.is(entry[0]?.[1][0], value)).toBe(true);
        });
      }),
      500,
    );
  });

  test("interpolation is the concatenation of its parts, and what is put in is not read again", () => {
    const value = fc.oneof(rough, fc.constantFrom("$inputs.x", "${$inputs.x}", "$$", "${$secrets.X}"), json());
    const parts = fc.array(fc.tuple(literal, value), { minLength: 1, maxLength: 5 });
    holds(
      fc.property(parts, literal, (pairs, end) => {
        const inputs = Object.fromEntries(pairs.map(([, each], index) => [`v${index}`, each]));
        const source = pairs.map(([before], index) => {
          const literal = index === 0 ? escaped(before, true) : doubled(before, true);
          return `${literal}\${$inputs.v${index}}`;
        });
        const expected = pairs.map(([before, each]) => before + inserted(each)).join("") + end;
        const template = compileTemplate(source.join("") + doubled(end, false));
        expect(template.problems).toEqual([]);
        expect(template.references.map(({ path }) => path)).toEqual(pairs.map((_, index) => `.v${index}`));
        expect(template.render({ ...nothing, inputs: frozen(inputs) })).toEqual({ ok: true, value: expected });
      }),
      1_000,
    );
  });

  test("rendering changes neither config nor run, and gives the same each time", () => {
    holds(
      fc.property(written, json(), (references, rest) => {
        const config: Json = [...references.map(({ source }) => source), { rest }, `${references[0]?.source} and text`];
        const template = compileTemplate(frozen(config));
        const run = runOf(references);
        const [first, second] = [template.render(run), template.render(run)];
        expect(second.ok).toBe(first.ok);
        if (first.ok && second.ok) expect(normalForm(second.value)).toBe(normalForm(first.value));
      }),
      300,
    );
  });
});

describe("template: what it reads", () => {
  test("the references that it lists are those that were written, each at its place", () => {
    holds(
      fc.property(written, anyName, (references, name) => {
        const config = Object.fromEntries([
          [name, references.map(({ source }, at) => (at % 2 === 0 ? source : `-\${${source}}`))],
        ]);
        expect(compileTemplate(config as Json).references).toEqual(
          references.map(({ root, node, steps }, index) => ({
            root,
            ...(node === undefined ? {} : { node }),
            path: listed(steps),
            pointer: jsonPointer([name, index]),
          })),
        );
      }),
      500,
    );
  });

  test("what it reads of a run is what it lists, and no more", () => {
    holds(
      fc.property(written, (made) => {
        // Single values: how deep a list or an object nests is measured, and that reads all of it.
        const references = made.map((each) => ({ ...each, value: 1 }));
        const config = references.map(({ source }) => source);
        const template = compileTemplate(config);
        const read: string[] = [];
        const run = runOf(references);
        const watched: TemplateScope = {
          get inputs() {
            return spied(run.inputs, "inputs", read);
          },
          get run() {
            return spied(run.run, "run", read);
          },
          get item() {
            return spied(run.item ?? null, "item", read);
          },
          get iteration() {
            read.push("iteration");
            return run.iteration;
          },
          get index() {
            read.push("index");
            return run.index ?? 0;
          },
          node(id) {
            const node = run.node(id);
            return node.state === "absent" ? node : { ...node, output: spied(node.output, `nodes ${id}`, read) };
          },
        };
        expect(template.render(watched).ok).toBe(true);
        // Every way into the documents, to the value and no further.
        const expected = references.flatMap(({ root, node, steps }) => {
          const from = node === undefined ? root : `nodes ${node}`;
          if (root === "iteration" || root === "index") return [root];
          return [from, ...steps.map((_, at) => `${from}${listed(steps.slice(0, at + 1))}`)];
        });
        expect(new Set(read)).toEqual(new Set(expected));
      }),
      300,
    );
  });

  test("inherited members read as absent, whatever holds them", () => {
    const end = fc.constantFrom(...INHERITED_NAMES);
    holds(
      fc.property(json(anyName, 2), end, (value, name) => {
        const isOwn = isJsonObject(value) && Object.hasOwn(value, name);
        for (const source of [`$inputs.v[${JSON.stringify(name)}]`, `a \${$nodes.n[${JSON.stringify(name)}]}`]) {
          const result = compileTemplate(source).render({
            ...nothing,
            inputs: { v: value },
            node: () => ({ state: "completed", output: value }),
          });
          expect(result.ok).toBe(isOwn);
          if (!result.ok) expect(result.error.code).toBe("template_unresolved");
        }
      }),
      500,
    );
  });
});

describe("template: what it never does", () => {
  test("it never throws: a text is a problem at its place, or renders, or names the path that is not there", () => {
    const config = fc.oneof(rough, fc.dictionary(anyName, rough), fc.array(rough), json());
    holds(
      fc.property(config, json(), fc.subarray([...TEMPLATE_ROOTS]), (source, inputs, variables) => {
        const template = compileTemplate(frozen(source as Json), { variables });
        for (const { pointer, message } of template.problems) {
          expect(pointer === "" || pointer.startsWith("/")).toBe(true);
          expect(message).not.toBe("");
        }
        for (const { root } of template.references) expect(variables).toContain(root);
        const result = template.render({ ...nothing, inputs: frozen(inputs), item: inputs, index: 1 });
        if (result.ok)
          expect(jsonProblem(result.value)).toBe(jsonProblem(source) === null ? null : jsonProblem(source));
        else {
          expect(result.error.code).toBe("template_unresolved");
          expect(template.references.length).toBeGreaterThan(0);
        }
      }),
      1_500,
    );
  });

  test("a broken text stays as it is and spoils no other", () => {
    holds(
      fc.property(rough, written, (broken, references) => {
        const own = compileTemplate(broken);
        fc.pre(own.problems.length > 0);
        const result = compileTemplate([broken, ...references.map(({ source }) => source)]).render(runOf(references));
        expect(result.ok && (result.value as Json[])[0]).toBe(broken);
        expect(result.ok && normalForm((result.value as Json[]).slice(1))).toBe(
          normalForm(references.map(({ value }) => value)),
        );
      }),
      300,
    );
  });
});

/** A view of a document that notes the path of each part that is taken out of it. */
function spied(value: Json, path: string, read: string[]): Json {
  read.push(path);
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(Array.isArray(value) ? [...value] : { ...value }, {
    get(target, name, receiver) {
      const part = Reflect.get(target, name, receiver) as Json;
      const isMember = typeof name === "string" && Object.hasOwn(target, name);
      if (!isMember || (Array.isArray(target) && name === "length")) return part;
      const at = Array.isArray(target) && /^\d+$/.test(name) ? Number(name) : name;
      return spied(part, path + listed([at]), read);
    },
  }) as Json;
}
