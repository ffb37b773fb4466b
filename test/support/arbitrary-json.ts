/** Random JSON for properties, with the names that mean something to JavaScript, to pointers or to a library. */
import fc from "fast-check";
import type { Json, JsonObject } from "#kernel/json.ts";

/** Names through which a careless read leaves the document. */
export const INHERITED_NAMES = [
  ...new Set(
    [Object, Array, String, Number, Boolean, Function].flatMap((type) => Object.getOwnPropertyNames(type.prototype)),
  ),
];

const AWKWARD_NAMES = ["", "-", "0", "01", "a/b", "m~n", "~1", "a b", "é", "😀", "\u{fb33}", "$typeName", "toJSON"];

export const plainName = fc.constantFrom("a", "b", "c", "d", "e");

export const anyName = fc.oneof(
  { weight: 4, arbitrary: plainName },
  { weight: 2, arbitrary: fc.constantFrom(...AWKWARD_NAMES, "__proto__", "constructor", "prototype", "length") },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
);

/** Names that a JSON Pointer of ours may go through. */
export const pointerName = anyName.filter((name) => !["__proto__", "constructor", "prototype"].includes(name));

export const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom("", "null", "$", "${", "\u2028", '"', "\\"),
);

/** Finite, and never -0, which JSON writes as 0. */
export const number = fc.oneof(
  fc.integer({ min: -3, max: 12 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);

export const scalar: fc.Arbitrary<Json> = fc.oneof(fc.constant(null), fc.boolean(), number, text);

/** Objects with own members only: a member `__proto__` is a member. */
export function object(name: fc.Arbitrary<string>, value: fc.Arbitrary<Json>, maxLength = 5): fc.Arbitrary<JsonObject> {
  return fc
    .uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength })
    .map((entries) => Object.fromEntries(entries));
}

/** Any JSON value, at most `depth` levels of lists and objects deep. */
export function json(name: fc.Arbitrary<string> = anyName, depth = 3): fc.Arbitrary<Json> {
  if (depth === 0) return scalar;
  const inner = json(name, depth - 1);
  return fc.oneof(
    { weight: 2, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(inner, { maxLength: 4 }) },
    { weight: 3, arbitrary: object(name, inner) },
  );
}

/** The value, made so that any change of it throws. */
export function frozen<Value extends Json>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    for (const child of Object.values(value)) frozen(child);
    Object.freeze(value);
  }
  return value;
}

/**
 * A text that two values share exactly when they are the same JSON, members in any order. Test libraries compare by
 * `constructor`, which is a name like any other here.
 */
export function normalForm(value: Json): string {
  return JSON.stringify(value, (_, part: Json) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}

/** The same value with the members of every object in another order, by `random`. */
export function shuffled(value: Json, random: () => number): Json {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, child]) => [key, shuffled(child, random)] as const);
  for (let index = entries.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    const [kept, moved] = [entries[index], entries[other]];
    if (kept !== undefined && moved !== undefined) [entries[index], entries[other]] = [moved, kept];
  }
  return Object.fromEntries(entries);
}
