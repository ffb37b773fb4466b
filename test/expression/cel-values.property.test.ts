/** Texts and documents as CEL sees them: literals mean what they say, and of a document only its own members are read. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileCel } from "#expression/cel.ts";
import { prepareCelSource } from "#expression/cel-source.ts";
import { isJsonObject, type Json, ownValue } from "#kernel/json.ts";
import { anyName, frozen, INHERITED_NAMES, json, normalForm, object, text } from "../support/arbitrary-json.ts";
import { holds } from "../support/property.ts";
import { jsonLiteral, textLiteral } from "./cel-literals.ts";
import { cel, outcomeOf } from "./evaluate.ts";

describe("cel: text", () => {
  const units = ["$", "$.", "$.a", "output", "a", " ", "/", "//", "?", "(", "]", "é", "😀", '"', "'", "\\", "\n"];
  const content = fc.oneof(fc.string({ unit: fc.constantFrom(...units), maxLength: 8 }), text);

  const escaped = (value: string, quote: string) =>
    value.replaceAll(/[\\'"\n\r]/g, (found) => {
      if (found === "\n") return "\\n";
      if (found === "\r") return "\\r";
      return found === "\\" || found === quote.charAt(0) ? `\\${found}` : found;
    });
  const numbered = (value: string) =>
    [...value].map((character) => `\\U${character.codePointAt(0)?.toString(16).padStart(8, "0")}`).join("");
  const spellings: ((value: string) => string)[] = [
    ...["'", '"', "'''", '"""'].map((quote) => (value: string) => quote + escaped(value, quote) + quote),
    (value) => `'${numbered(value)}'`,
    textLiteral,
  ];
  const raw = content.map((value) => value.replaceAll(/['\n\r]/g, ""));

  test("a literal means its text, and the rewriting of $ leaves it alone", () => {
    const literal = fc.oneof(
      fc.tuple(content, fc.constantFrom(...spellings)).map(([value, spell]) => ({ value, source: spell(value) })),
      fc.tuple(raw, fc.constantFrom("r", "R")).map(([value, prefix]) => ({ value, source: `${prefix}'${value}'` })),
    );
    holds(
      fc.property(fc.array(literal, { minLength: 1, maxLength: 4 }), (literals) => {
        const source = (input: string) => `[${literals.map((each) => `${input}.x, ${each.source}`).join(", ")}]`;
        const prepared = prepareCelSource(source("$"));
        expect(prepared.ok && prepared.value.text).toBe(source("output"));
        expect(cel(source("$"), { output: { x: 0 } })).toEqual({
          ok: true,
          value: literals.flatMap((each) => [0, each.value]),
        });
      }),
      400,
    );
  });

  test("a value written in CEL is that value, and equals the document", () => {
    holds(
      fc.property(json(anyName, 2), (value) => {
        const source = jsonLiteral(value);
        fc.pre(compileCel(source).ok && compileCel(`${source} == output`).ok);
        const result = cel(source);
        expect(result.ok && normalForm(result.value)).toBe(normalForm(value));
        expect(cel(`${source} == output && output == ${source}`, { output: frozen(value) })).toEqual({
          ok: true,
          value: true,
        });
      }),
      400,
    );
  });
});

describe("cel: documents", () => {
  const name = fc.oneof(anyName, fc.constantFrom(...INHERITED_NAMES));

  test("a path gives the own member that it leads to, else a missing field", () => {
    holds(
      fc.property(
        json(),
        fc.array(fc.oneof(name, fc.nat({ max: 3 })), { minLength: 1, maxLength: 3 }),
        (output, path) => {
          const steps = path.map((step) => `[${typeof step === "number" ? step : textLiteral(step)}]`);
          const value = path.reduce<Json | undefined>((from, step) => {
            if (typeof step === "number") return Array.isArray(from) ? from[step] : undefined;
            return isJsonObject(from) ? ownValue(from, step) : undefined;
          }, output);
          const result = outcomeOf(`output${steps.join("")}`, { output: frozen(output) });
          if (value === undefined) expect(result).toEqual({ error: "missing" });
          else expect(Object.is((result as { value: Json }).value, value)).toBe(true);
        },
      ),
      400,
    );
  });

  test("has() and in say which members there are, size() how many", () => {
    holds(
      fc.property(object(name, json(anyName, 0)), name, (output, of) => {
        const isThere = Object.hasOwn(output, of);
        expect(outcomeOf(`${textLiteral(of)} in output`, { output })).toEqual({ value: isThere });
        expect(outcomeOf("size(output)", { output })).toEqual({ value: Object.keys(output).length });
        expect(outcomeOf("output.map(key, key)", { output })).toEqual({ value: Object.keys(output) });
        if (/^[A-Za-z]+$/.test(of) && compileCel(`has(output.${of})`).ok) {
          expect(outcomeOf(`has(output.${of})`, { output })).toEqual({ value: isThere });
        }
      }),
      300,
    );
  });

  test("two documents are equal when they are the same JSON", () => {
    holds(
      fc.property(json(anyName, 2), json(anyName, 2), (output, item) => {
        expect(outcomeOf("output == item", { output, item })).toEqual({
          value: normalForm(output) === normalForm(item),
        });
        expect(outcomeOf("output == item", { output, item: structuredClone(output) })).toEqual({ value: true });
        expect(outcomeOf("[output] == [item] || output != item", { output, item })).toEqual({ value: true });
      }),
      300,
    );
  });
});
