/** JSON Patch: the public suite, then what it leaves open and we refuse. */
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import type { Json } from "#kernel/json.ts";
import { PATCH_OPERATIONS_MAX, PATCHED_UNITS_MAX, POINTER_LENGTH_MAX } from "#workflow/limits.ts";
import { applyPatch } from "#workflow/patch.ts";

interface Case {
  comment?: string;
  doc: Json;
  patch: unknown[];
  expected?: Json;
  error?: string;
  disabled?: boolean;
}

const require = createRequire(import.meta.url);
const suite: Case[] = ["tests.json", "spec_tests.json"].flatMap(
  (name) => require(`json-patch-test-suite/${name}`) as Case[],
);
const enabled = suite.filter((each) => each.disabled !== true);

const add = (path: string, value: unknown = 1) => ({ op: "add", path, value });

describe("json-patch-test-suite", () => {
  test("has the cases that we know", () => {
    expect([suite.length, enabled.length]).toEqual([95, 91]);
  });

  test.each(enabled.map((each) => [each.comment ?? JSON.stringify(each.patch).slice(0, 60), each] as const))(
    "%s",
    (_, { doc, patch, expected, error }) => {
      const before = structuredClone(doc);
      const result = applyPatch(doc, patch);
      expect(doc).toEqual(before);
      if (error !== undefined) expect(result.ok).toBe(false);
      else expect(result).toEqual({ ok: true, value: expected ?? doc });
    },
  );
});

describe("applyPatch: what is refused", () => {
  const document = { list: [1, 2, 3], text: "abc", "": { "a/b": 1, "m~n": 2 }, deep: { x: null } };

  test.each<[string, unknown, string]>([
    ["no list", { op: "add" }, ""],
    ["an operation that is no object", [7], "/0"],
    ["no op", [{ path: "" }], "/0/op"],
    ["an unknown op", [{ op: "spam", path: "" }], "/0/op"],
    ["an inherited op", [{ op: "toString", path: "" }], "/0/op"],
    ["no path", [{ op: "remove" }], "/0/path"],
    ["a path that is no text", [{ op: "remove", path: 1 }], "/0/path"],
    ["a path without its slash", [{ op: "remove", path: "list" }], "/0/path"],
    ["a tilde alone", [{ op: "remove", path: "/~" }], "/0/path"],
    ["~2", [{ op: "remove", path: "/~2" }], "/0/path"],
    ["no value", [{ op: "add", path: "/x" }], "/0/value"],
    ["no from", [{ op: "move", path: "/x" }], "/0/from"],
    ["__proto__", [add("/__proto__/x")], "/0/path"],
    ["constructor", [add("/deep/constructor")], "/0/path"],
    ["prototype", [{ op: "copy", from: "/prototype", path: "/x" }], "/0/from"],
    ["__proto__ in a value", [add("/x", JSON.parse('{"a":[{"__proto__":1}]}'))], "/0/value"],
    ["an inherited member", [{ op: "remove", path: "/toString" }], "/0/path"],
    ["the length of a list", [{ op: "remove", path: "/list/length" }], "/0/path"],
    ["a member of a text", [add("/text/x")], "/0/path"],
    ["a leading zero", [add("/list/01")], "/0/path"],
    ["a negative index", [{ op: "replace", path: "/list/-1", value: 1 }], "/0/path"],
    ["an index past the end", [add("/list/4")], "/0/path"],
    ["replacing behind the end", [{ op: "replace", path: "/list/-", value: 1 }], "/0/path"],
    ["removing everything", [{ op: "remove", path: "" }], "/0/path"],
    ["moving into itself", [{ op: "move", from: "/deep", path: "/deep/x" }], "/0/path"],
    ["moving past the end that is left", [{ op: "move", from: "/list/0", path: "/list/3" }], "/0/path"],
    ["a failed test", [{ op: "test", path: "/text", value: "abd" }], "/0/value"],
    ["the second of two", [add("/x"), { op: "remove", path: "/y" }], "/1/path"],
  ])("%s", (_, operations, pointer) => {
    const before = structuredClone(document);
    const result = applyPatch(document, operations);
    expect(result).toEqual({ ok: false, error: [{ pointer, message: expect.any(String) }] });
    expect(document).toEqual(before);
  });

  test("problems of shape come all at once", () => {
    const result = applyPatch({}, [{ op: "add", path: "x" }, { op: "nothing" }, { op: "copy", path: "~" }]);
    expect(result.ok ? [] : result.error.map((problem) => problem.pointer)).toEqual([
      "/0/path",
      "/0/value",
      "/1/op",
      "/2/path",
      "/2/from",
    ]);
  });
});

describe("applyPatch: what is done", () => {
  test.each<[string, Json, unknown[], Json]>([
    ["escapes", { "a/b": { "m~n": 1 } }, [{ op: "remove", path: "/a~1b/m~0n" }], { "a/b": {} }],
    ["~01 is ~1", { "~1": 1 }, [{ op: "remove", path: "/~01" }], {}],
    ["the empty name", { "": 1 }, [{ op: "replace", path: "/", value: 2 }], { "": 2 }],
    ["root replace, then more", [1], [{ op: "replace", path: "", value: {} }, add("/a")], { a: 1 }],
    ["root add of a scalar", {}, [add("", "x")], "x"],
    ["a move onto itself", { a: 1 }, [{ op: "move", from: "/a", path: "/a" }], { a: 1 }],
    ["a move of the root's member to the root", { a: [1] }, [{ op: "move", from: "/a", path: "" }], [1]],
    ["a move forward in a list", [1, 2, 3], [{ op: "move", from: "/0", path: "/2" }], [2, 3, 1]],
    [
      "a move beside itself is judged after the removal",
      [{ n: 0 }, { n: 1 }, { n: 2 }],
      [{ op: "move", from: "/0", path: "/1/moved" }],
      [{ n: 1 }, { n: 2, moved: { n: 0 } }],
    ],
    ["members the RFC does not name", {}, [{ ...add("/a"), from: 7, spam: true }], { a: 1 }],
    ["null is a value", { a: null }, [{ op: "test", path: "/a", value: null }, add("/b", null)], { a: null, b: null }],
    [
      "equal whatever the order",
      { a: { x: 1, y: [2] } },
      [{ op: "test", path: "/a", value: { y: [2], x: 1 } }],
      { a: { x: 1, y: [2] } },
    ],
  ])("%s", (_, document, operations, expected) => {
    expect(applyPatch(document, operations)).toEqual({ ok: true, value: expected });
  });

  test("a copy is a copy", () => {
    const result = applyPatch({ a: { n: 1 } }, [
      { op: "copy", from: "/a", path: "/b" },
      { op: "replace", path: "/b/n", value: 2 },
    ]);
    expect(result).toEqual({ ok: true, value: { a: { n: 1 }, b: { n: 2 } } });
  });

  test("a member __proto__ that the document has stays, and is nobody's prototype", () => {
    const result = applyPatch(JSON.parse('{"__proto__":{"polluted":1}}'), [add("/a")]);
    expect(JSON.stringify(result)).toBe('{"ok":true,"value":{"__proto__":{"polluted":1},"a":1}}');
    expect(Object.prototype).not.toHaveProperty("polluted");
  });
});

describe("applyPatch: bounds", () => {
  test("operations", () => {
    const operations = (count: number) => Array.from({ length: count }, (_, index) => add(`/${index}`));
    expect(applyPatch({}, operations(PATCH_OPERATIONS_MAX)).ok).toBe(true);
    expect(applyPatch({}, operations(PATCH_OPERATIONS_MAX + 1)).ok).toBe(false);
  });

  test("length of a pointer", () => {
    expect(applyPatch({}, [add(`/${"x".repeat(POINTER_LENGTH_MAX - 1)}`)]).ok).toBe(true);
    expect(applyPatch({}, [add(`/${"x".repeat(POINTER_LENGTH_MAX)}`)]).ok).toBe(false);
  });

  test("growth: copies of copies end", () => {
    const bomb = Array.from({ length: 60 }, (_, index) => ({ op: "copy", from: "", path: `/c${index}` }));
    const result = applyPatch({ a: 1 }, bomb);
    expect(result.ok ? null : result.error[0]?.message).toContain("grows beyond");
    // `{}` has 2 characters and a text two more than it says.
    expect(applyPatch({}, [add("/a", "x".repeat(PATCHED_UNITS_MAX - 4))]).ok).toBe(true);
    expect(applyPatch({}, [add("/a", "x".repeat(PATCHED_UNITS_MAX - 3))]).ok).toBe(false);
  });

  test("depth: 64 levels and no more", () => {
    const nested = (levels: number): Json => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(applyPatch({}, [add("/a", nested(63))]).ok).toBe(true);
    expect(applyPatch({}, [add("/a", nested(64))]).ok).toBe(false);
    // Far deeper than the stack is, and refused all the same.
    let bottomless: Json = 1;
    for (let level = 0; level < 100_000; level++) bottomless = [bottomless];
    expect(applyPatch({}, [add("/a", bottomless)]).ok).toBe(false);
    expect(applyPatch([nested(40)], [{ op: "copy", from: "", path: `${"/0".repeat(30)}/-` }]).ok).toBe(false);
  });
});
