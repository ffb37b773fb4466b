/** What holds of JSON whatever the value: its canonical form, equality, pointers, size. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalJson,
  isDeeperThan,
  isEqualJson,
  isJsonObject,
  type Json,
  jsonProblem,
  ownValue,
  utf8Length,
} from "#kernel/json.ts";
import { anyName, frozen, INHERITED_NAMES, json, normalForm, object, shuffled } from "../support/arbitrary-json.ts";
import { holds } from "../support/property.ts";
import { Seeded } from "../support/seeded.ts";

const anyText = fc.string({ unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
const small = fc.oneof(fc.constantFrom<Json>(0, "0", null, [], {}), json(fc.constantFrom("a", "__proto__"), 1));

const nulls = object(fc.constantFrom("a", "b", "__proto__", "toString"), fc.constant(null), 2);

/** Two values: unlike, alike but for little, or the same. */
const pair: fc.Arbitrary<[Json, Json]> = fc.oneof(
  fc.tuple(json(), json()),
  fc.tuple(small, small),
  fc.tuple(nulls, nulls),
  fc
    .tuple(small, small, json())
    .map(([left, right, value]): [Json, Json] => [[value, left], structuredClone([value, right])]),
);

/** The order of UTF-16 units, told without comparing texts. */
function isBefore(left: string, right: string): boolean {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (Number.isNaN(a)) return true;
    if (a !== b) return a < b;
  }
  return false;
}

/** The names of each object in a JSON text, in the order in which they are written. */
function namesWritten(text: string): string[][] {
  const objects: string[][] = [];
  const open: (string[] | null)[] = [];
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/gs)) {
    const [token] = match;
    if (token === "{") {
      const names: string[] = [];
      objects.push(names);
      open.push(names);
    } else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (token.startsWith('"') && text[match.index + token.length] === ":") open.at(-1)?.push(JSON.parse(token));
  }
  return objects;
}

function depthOf(value: Json): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe("canonical JSON", () => {
  test("reads back as the value, and is stable", () => {
    holds(
      fc.property(json(), (value) => {
        const written = canonicalJson(frozen(value));
        expect(normalForm(JSON.parse(written))).toBe(normalForm(value));
        expect(canonicalJson(JSON.parse(written))).toBe(written);
      }),
      500,
    );
  });

  test("does not depend on the order of members, and only on it", () => {
    holds(
      fc.property(pair, fc.integer(), ([value, other], seed) => {
        const random = new Seeded(seed);
        expect(canonicalJson(shuffled(value, () => random.next()))).toBe(canonicalJson(value));
        expect(canonicalJson(value) === canonicalJson(other)).toBe(normalForm(value) === normalForm(other));
      }),
      500,
    );
  });

  test("writes members in the order of UTF-16 units, without white space", () => {
    holds(
      fc.property(json(), (value) => {
        const written = canonicalJson(value);
        for (const names of namesWritten(written)) {
          names.slice(1).forEach((name, index) => {
            expect(isBefore(names[index] ?? "", name)).toBe(true);
          });
        }
        expect(written.replaceAll(/"(?:[^"\\]|\\.)*"/gs, "")).not.toMatch(/\s/);
      }),
      300,
    );
  });

  test("writes any double as its shortest text, and refuses what JSON has no form for", () => {
    holds(
      fc.property(fc.double(), (value) => {
        if (!Number.isFinite(value)) expect(() => canonicalJson(value)).toThrow();
        else expect(canonicalJson(value)).toBe(String(value));
      }),
      300,
    );
  });

  test("takes the texts that are well formed, and no others", () => {
    holds(
      fc.property(anyText, (value) => {
        if (!value.isWellFormed()) expect(() => canonicalJson([value])).toThrow();
        else expect(canonicalJson([value])).toBe(JSON.stringify([value]));
        expect(jsonProblem([value]) === null).toBe(value.isWellFormed());
      }),
      300,
    );
  });
});

describe("equality", () => {
  test("is that of values: of a copy, in any order, both ways", () => {
    holds(
      fc.property(pair, fc.integer(), ([value, other], seed) => {
        const random = new Seeded(seed);
        expect(
          isEqualJson(
            value,
            shuffled(structuredClone(value), () => random.next()),
          ),
        ).toBe(true);
        for (const [left, right] of [
          [value, other],
          [other, value],
        ] as const) {
          expect(isEqualJson(left, right)).toBe(normalForm(value) === normalForm(other));
        }
      }),
      500,
    );
  });

  test("sees a member that only one of them has, whatever it is called", () => {
    holds(
      fc.property(json(), anyName, (value, name) => {
        fc.pre(isJsonObject(value) && !Object.hasOwn(value, name));
        const more = Object.fromEntries([...Object.entries(value), [name, null]]);
        expect(isEqualJson(value, more)).toBe(false);
        expect(isEqualJson(more, value)).toBe(false);
      }),
      300,
    );
  });
});

describe("members", () => {
  test("inherited ones read as absent, own ones of the same names as what they are", () => {
    holds(
      fc.property(json(), fc.constantFrom(...INHERITED_NAMES), (value, name) => {
        const own = Object.fromEntries([[name, value]]);
        expect(ownValue({}, name)).toBeUndefined();
        expect(ownValue(own, name)).toBe(value);
      }),
      200,
    );
  });
});

describe("measures", () => {
  test("the bytes of a text are those of its encoding", () => {
    holds(
      fc.property(anyText, (value) => {
        expect(utf8Length(value)).toBe(new TextEncoder().encode(value).length);
      }),
      500,
    );
  });

  test("the depth is that of the innermost list or object", () => {
    holds(
      fc.property(json(anyName, 4), fc.nat({ max: 6 }), (value, max) => {
        expect(isDeeperThan(value, max)).toBe(depthOf(value) > max);
      }),
      300,
    );
  });
});
