/** JSON Patch whatever the document and the operations: against a model of RFC 6902, and by the laws of its operations. */
import fc from "fast-check";
import { createPatch } from "rfc6902";
import { describe, expect, test } from "vitest";
import type { Problem, Result } from "#kernel/errors.ts";
import { type Json, jsonPointer } from "#kernel/json.ts";
import { PATCH_OPERATIONS_MAX } from "#workflow/limits.ts";
import { applyPatch } from "#workflow/patch.ts";
import { parsePointer } from "#workflow/pointer.ts";
import { frozen, INHERITED_NAMES, json, normalForm, pointerName } from "../support/arbitrary-json.ts";
import { holds } from "../support/property.ts";
import { type Operation, performed, removed, tokensOf, valueAt } from "./patch-model.ts";

const document = json(pointerName, 3);

/** Pointers that lead somewhere in the document, or just beside what is there. */
function pointerInto(root: Json): fc.Arbitrary<string> {
  const places: string[][] = [];
  const collect = (value: Json, path: string[]) => {
    places.push(path);
    if (Array.isArray(value)) value.forEach((item, index) => void collect(item, [...path, String(index)]));
    else if (typeof value === "object" && value !== null) {
      for (const [name, child] of Object.entries(value)) collect(child, [...path, name]);
    }
  };
  collect(root, []);
  const beside = fc.oneof(pointerName, fc.constantFrom("-", "0", "1", "2", "00", "+1", "1e0", " 1", "length"));
  const place = fc.constantFrom(...places);
  return fc
    .oneof(
      place,
      fc.tuple(place, beside).map(([path, name]) => [...path, name]),
    )
    .map(jsonPointer);
}

function operationOn(root: Json): fc.Arbitrary<Operation> {
  const pointer = pointerInto(root);
  return fc.oneof(
    fc.record({ op: fc.constantFrom("add", "replace"), path: pointer, value: json(pointerName, 1) }),
    fc.record({ op: fc.constant("remove"), path: pointer }),
    fc.record({ op: fc.constantFrom("move", "copy"), from: pointer, path: pointer }),
    fc
      .tuple(fc.constantFrom("move", "copy"), pointer, pointerName)
      .map(([op, from, name]) => ({ op, from, path: from + jsonPointer([name]) })),
    fc.record({ op: fc.constant("test"), path: pointer, value: json(pointerName, 0) }),
    fc.tuple(pointer, pointer).map(([path, from]) => ({ op: "test", path, value: valueAt(root, from) ?? null })),
  );
}

/** A document with operations that were made for it. */
const patching = document.chain((root) =>
  fc.tuple(fc.constant(frozen(root)), fc.array(operationOn(root), { minLength: 1, maxLength: 6 })),
);

const single = document.chain((root) => fc.tuple(fc.constant(frozen(root)), operationOn(root)));

const outcomeOf = (result: Result<Json, Problem[]>) => (result.ok ? normalForm(result.value) : undefined);
const formOf = (value: Json | undefined) => (value === undefined ? undefined : normalForm(value));

describe("applyPatch: against a model of RFC 6902", () => {
  test("does what the model does, or refuses where it refuses, at the same operation", () => {
    holds(
      fc.property(patching, ([root, operations]) => {
        let expected: Json | undefined = root;
        let done = 0;
        for (const operation of operations) {
          expected = performed(expected, operation);
          if (expected === undefined) break;
          done += 1;
        }
        const result = applyPatch(root, operations);
        expect(outcomeOf(result)).toBe(formOf(expected));
        if (!result.ok) expect(result.error[0]?.pointer).toMatch(new RegExp(`^/${done}/(path|from|value)$`));
      }),
      700,
    );
  });

  test("one after the other is the same as all together", () => {
    holds(
      fc.property(patching, fc.nat(), ([root, operations], cut) => {
        const at = cut % (operations.length + 1);
        const first = applyPatch(root, operations.slice(0, at));
        const both = first.ok ? applyPatch(first.value, operations.slice(at)) : first;
        expect(outcomeOf(applyPatch(root, operations))).toBe(outcomeOf(both));
      }),
      500,
    );
  });
});

describe("applyPatch: laws", () => {
  /** What takes an operation back that was done; null for one that changes nothing. */
  function inverse(root: Json, { op, path, from = "" }: Operation): Operation[] {
    const before = valueAt(root, path);
    const put = (at: string, value: Json | undefined) => ({ op: "replace", path: at, value: value ?? null });
    const parent = valueAt(root, jsonPointer(tokensOf(path).slice(0, -1)));
    const place = Array.isArray(parent) && path.endsWith("/-") ? `${path.slice(0, -1)}${parent.length}` : path;
    switch (op) {
      case "replace":
        return [put(path, before)];
      case "remove":
        return [{ op: "add", path, value: before ?? null }];
      case "add":
      case "copy":
        if (path === "" || (before !== undefined && !Array.isArray(parent))) return [put(path, before)];
        return [{ op: "remove", path: place }];
      case "move": {
        if (from === path) return [];
        const without = removed(root, from) ?? null;
        const taken = { op: "add", path: from, value: valueAt(root, from) ?? null };
        return [...inverse(without, { op: "add", path }), taken];
      }
      default:
        return [];
    }
  }

  test("each operation that was done has an inverse", () => {
    holds(
      fc.property(single, ([root, operation]) => {
        const done = applyPatch(root, [operation]);
        fc.pre(done.ok);
        expect(outcomeOf(applyPatch(done.ok ? done.value : null, inverse(root, operation)))).toBe(normalForm(root));
      }),
      700,
    );
  });

  const pointers = document.chain((root) => fc.tuple(fc.constant(root), pointerInto(root), pointerInto(root)));

  test("what was added is there; what is there passes its test; what was removed is gone", () => {
    holds(
      fc.property(pointers, json(pointerName, 1), ([root, path], value) => {
        const added = applyPatch(root, [{ op: "add", path, value }]);
        const place = path.endsWith("/-") && Array.isArray(valueAt(root, path.slice(0, -2)));
        if (added.ok && !place) expect(applyPatch(added.value, [{ op: "test", path, value }]).ok).toBe(true);
        const there = valueAt(root, path);
        if (there === undefined) return;
        expect(applyPatch(root, [{ op: "test", path, value: there }]).ok).toBe(true);
        const without = applyPatch(root, [{ op: "remove", path }]);
        if (without.ok && !/\/\d+$/.test(path)) {
          expect(applyPatch(without.value, [{ op: "test", path, value: there }]).ok).toBe(false);
        }
      }),
      500,
    );
  });

  test("a move is a removal and an addition; a copy is an addition of what is there", () => {
    holds(
      fc.property(pointers, ([root, from, path]) => {
        const value = valueAt(root, from);
        const isInside = path === from || path.startsWith(`${from}/`);
        const moved = applyPatch(root, [{ op: "move", from, path }]);
        const copied = applyPatch(root, [{ op: "copy", from, path }]);
        if (value === undefined) expect([moved.ok, copied.ok]).toEqual([false, false]);
        else {
          const addition = { op: "add", path, value };
          expect(outcomeOf(copied)).toBe(outcomeOf(applyPatch(root, [addition])));
          if (!isInside)
            expect(outcomeOf(moved)).toBe(outcomeOf(applyPatch(root, [{ op: "remove", path: from }, addition])));
        }
      }),
      500,
    );
  });

  test("the difference of two documents, applied to the one, gives the other", () => {
    holds(
      fc.property(document, document, (from, to) => {
        const operations = createPatch(from, to);
        fc.pre(operations.length <= PATCH_OPERATIONS_MAX);
        expect(outcomeOf(applyPatch(frozen(from), operations))).toBe(normalForm(to));
      }),
      500,
    );
  });
});

describe("applyPatch: what it leaves alone", () => {
  test("the result shares nothing with the document or the operations", () => {
    const containers = (value: unknown, found = new Set<unknown>()): Set<unknown> => {
      if (typeof value === "object" && value !== null && !found.has(value)) {
        found.add(value);
        for (const inner of Object.values(value)) containers(inner, found);
      }
      return found;
    };
    const places = (value: Json): number =>
      typeof value !== "object" || value === null
        ? 0
        : Object.values(value).reduce<number>((sum, each) => sum + places(each), 1);
    holds(
      fc.property(patching, ([root, operations]) => {
        frozen(operations as unknown as Json);
        // As many as can be done.
        const lengths = operations.map((_, index) => operations.length - index);
        const results = lengths.map((length) => applyPatch(root, operations.slice(0, length)));
        const result = results.find(({ ok }) => ok) ?? applyPatch(root, []);
        const made = containers(result.ok ? result.value : null);
        const given = containers([root, operations]);
        expect([...made].filter((each) => given.has(each))).toEqual([]);
        // Nor do two places of the result share one object: a later change of one would change the other.
        expect(made.size).toBe(result.ok ? places(result.value) : 0);
      }),
      400,
    );
  });

  test("whatever the operations say, nothing but the document's own members is reached", () => {
    const name = fc.oneof(
      fc.constantFrom("__proto__", "constructor", "prototype"),
      fc.constantFrom(...INHERITED_NAMES),
      fc.constantFrom("a", "0", "-", "1", ""),
    );
    const pointer = fc.array(name, { minLength: 1, maxLength: 2 }).map(jsonPointer);
    const operation = fc.record(
      {
        op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test"),
        path: pointer,
        from: pointer,
        value: json(),
      },
      { requiredKeys: ["op", "path"] },
    );
    holds(
      fc.property(json(), fc.array(operation, { minLength: 1, maxLength: 2 }), (root, operations) => {
        const result = applyPatch(frozen(root), operations);
        for (const { op, path, from } of result.ok ? operations : []) {
          const pointers = op === "move" || op === "copy" ? `${path}${from}/` : `${path}/`;
          expect(pointers).not.toMatch(/\/(__proto__|constructor|prototype)\//);
        }
        if (result.ok) {
          for (const each of containersOf(result.value)) {
            expect(Object.getPrototypeOf(each)).toBe(Array.isArray(each) ? Array.prototype : Object.prototype);
          }
        }
        expect([Object, Array, String].map((type) => Reflect.ownKeys(type.prototype).length)).toEqual(PROTOTYPES);
      }),
      700,
    );
  });

  test("no text and no JSON in the place of operations makes it throw", () => {
    const member = fc.oneof(
      json(),
      pointerName.map((name) => `/${name}`),
      fc.constantFrom("add", "move", "test", ""),
    );
    const operation = fc.dictionary(fc.constantFrom("op", "path", "from", "value"), member);
    holds(
      fc.property(json(), fc.oneof(json(), fc.array(operation), fc.anything()), (root, operations) => {
        const result = applyPatch(root, operations);
        if (!result.ok) {
          expect(result.error.length).toBeGreaterThan(0);
          for (const { pointer, message } of result.error) {
            expect(parsePointer(pointer).ok).toBe(true);
            expect(message).not.toBe("");
          }
        }
      }),
      700,
    );
  });
});

const PROTOTYPES = [Object, Array, String].map((type) => Reflect.ownKeys(type.prototype).length);

function containersOf(value: Json): object[] {
  if (typeof value !== "object" || value === null) return [];
  return [value, ...Object.values(value).flatMap(containersOf)];
}
