/** Steps against plain models of them, on random tables whose columns may be missing, null or of any type. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, type Json, type JsonObject } from "#kernel/json.ts";
import { pipeline } from "./context.ts";

const cell: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 4 }) },
  { weight: 2, arbitrary: fc.constantFrom("a", "b", "10", "") },
  fc.constantFrom<Json>(null, true, false, 0.5, -1, [1], { x: 1 }),
);
const column = fc.constantFrom("a", "b", "c", "__proto__", "constructor");
const row: fc.Arbitrary<JsonObject> = fc
  .array(fc.tuple(column, cell), { maxLength: 4 })
  .map((entries) => Object.fromEntries(entries));
const table = fc.array(row, { maxLength: 12 });
/** Rows that can be told apart, whatever else they hold. */
const numbered = table.map((rows) => rows.map((one, id): JsonObject => ({ ...one, id })));
const order = fc.constantFrom("asc", "desc");

async function run(steps: unknown, input: Json): Promise<Json> {
  const result = await pipeline(steps, input);
  if (result instanceof Error) throw result;
  return result;
}

function own(one: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(one, name) ? one[name] : undefined;
}

function rank(value: Json): number {
  return typeof value === "boolean" ? 0 : typeof value === "number" ? 1 : typeof value === "string" ? 2 : 3;
}

function precedes(left: Json, right: Json): boolean {
  if (rank(left) !== rank(right)) return rank(left) < rank(right);
  return typeof left !== "object" && typeof right !== "object" && left !== null && right !== null && left < right;
}

/** A stable sort by insertion: behind everything that it does not precede. */
function sortModel(rows: JsonObject[], name: string, direction: string): JsonObject[] {
  const sorted: JsonObject[] = [];
  for (const one of rows) {
    const value = own(one, name) ?? null;
    const goesBefore = (other: JsonObject) => {
      const otherValue = own(other, name) ?? null;
      if (value === null) return false;
      if (otherValue === null) return true;
      return direction === "asc" ? precedes(value, otherValue) : precedes(otherValue, value);
    };
    const at = sorted.findIndex(goesBefore);
    sorted.splice(at === -1 ? sorted.length : at, 0, one);
  }
  return sorted;
}

describe("steps: any table", () => {
  test("table_sort is a stable sort with what is missing last", async () => {
    await fc.assert(
      fc.asyncProperty(numbered, column, order, async (rows, field, direction) => {
        const sorted = await run([{ step: "table_sort", field, order: direction }], rows);
        expect(sorted).toStrictEqual(sortModel(rows, field, direction));
      }),
    );
  });

  test("top_k is the start of a descending sort", async () => {
    await fc.assert(
      fc.asyncProperty(numbered, column, fc.integer({ min: 1, max: 15 }), async (rows, field, k) => {
        const top = await run([{ step: "top_k", k, field }], rows);
        expect(top).toStrictEqual(sortModel(rows, field, "desc").slice(0, k));
        expect(await run([{ step: "top_k", k }], rows)).toStrictEqual(rows.slice(0, k));
      }),
    );
  });

  test("table_filter: a row with the field is kept by == or by !=, by one of < and >= at most", async () => {
    await fc.assert(
      fc.asyncProperty(numbered, column, cell, async (rows, field, value) => {
        const ids = async (op: string) => {
          const kept = await run([{ step: "table_filter", condition: { field, op, value } }], rows);
          return (kept as JsonObject[]).map(({ id }) => id as number);
        };
        const present = rows.filter((one) => own(one, field) !== undefined).map(({ id }) => id);
        const [equal, unequal] = [await ids("=="), await ids("!=")];
        expect([...equal, ...unequal].sort((a, b) => a - b)).toStrictEqual(present);
        const comparable = rows.filter((one) => {
          const held = own(one, field);
          return typeof held === typeof value && (typeof held === "number" || typeof held === "string");
        });
        for (const [one, other] of [
          ["<", ">="],
          [">", "<="],
        ] as const) {
          const both = [...(await ids(one)), ...(await ids(other))].sort((a, b) => a - b);
          expect(both).toStrictEqual(comparable.map(({ id }) => id));
        }
      }),
    );
  });

  test("table_filter twice is once, and the order of filters does not matter", async () => {
    await fc.assert(
      fc.asyncProperty(numbered, column, column, cell, async (rows, first, second, value) => {
        const one = { step: "table_filter", condition: { field: first, op: "==", value } };
        const two = { step: "table_filter", condition: { field: second, op: "!=", value: 1 } };
        expect(await run([one, one], rows)).toStrictEqual(await run([one], rows));
        expect(await run([one, two], rows)).toStrictEqual(await run([two, one], rows));
      }),
    );
  });

  test("join is nested loops over equal keys", async () => {
    await fc.assert(
      fc.asyncProperty(table, table, column, async (left, right, on) => {
        const expected = left.flatMap((one) =>
          right.flatMap((other) => {
            const [a, b] = [own(one, on) ?? null, own(other, on) ?? null];
            if (a === null || b === null || canonicalJson(a) !== canonicalJson(b)) return [];
            const both = new Map(Object.entries(one));
            for (const [name, value] of Object.entries(other)) {
              if (name !== on) both.set(both.has(name) ? `right_${name}` : name, value);
            }
            return [Object.fromEntries(both)];
          }),
        );
        // As text: a column may be called \`constructor\`, by which a strict comparison would tell types apart.
        expect(canonicalJson(await run([{ step: "join", right, on }], left))).toBe(canonicalJson(expected));
      }),
    );
  });

  test("groupby counts and sums as plain JavaScript does", async () => {
    const numbers = fc.array(
      fc.record({ k: cell, n: fc.option(fc.integer({ min: -50, max: 50 })) }, { requiredKeys: [] }),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(numbers, async (rows) => {
        const groups = Map.groupBy(rows as JsonObject[], (one) => canonicalJson(one.k ?? null));
        const expected = [...groups.values()].map((members) => {
          const values = members.flatMap(({ n }) => (typeof n === "number" ? [n] : []));
          const sum = values.reduce((total, value) => total + value, 0);
          const [count] = [values.length];
          return {
            k: members[0]?.k ?? null,
            count: members.length,
            sum_n: sum,
            avg_n: count === 0 ? null : sum / count,
            min_n: count === 0 ? null : Math.min(...values),
            max_n: count === 0 ? null : Math.max(...values),
          };
        });
        const columns: JsonObject[][] = [];
        for (const agg of ["count", "sum", "avg", "min", "max"]) {
          const field = agg === "count" ? {} : { field: "n" };
          columns.push((await run([{ step: "groupby", by: ["k"], agg, ...field }], rows as Json)) as JsonObject[]);
        }
        const together = expected.map((_, index) => Object.assign({}, ...columns.map((one) => one[index])));
        expect(together).toStrictEqual(expected);
      }),
    );
  });

  test("table_select keeps the values, and no step changes what it is given", async () => {
    await fc.assert(
      fc.asyncProperty(numbered, fc.uniqueArray(column, { minLength: 1 }), async (rows, fields) => {
        const before = JSON.stringify(rows);
        const selected = (await run([{ step: "table_select", fields }], rows)) as JsonObject[];
        for (const [index, one] of selected.entries()) {
          for (const name of fields) expect(own(one, name)).toStrictEqual(own(rows[index] as JsonObject, name));
          expect(Object.keys(one).every((name) => (fields as string[]).includes(name))).toBe(true);
        }
        await run(
          [
            { step: "table_sort", field: "a" },
            { step: "jq_transform", query: "map(.a = 1) | del(.[0])" },
          ],
          rows,
        );
        expect(JSON.stringify(rows)).toBe(before);
      }),
    );
  });

  test("a jq query of one value agrees with the step that does the same", async () => {
    const numeric = fc.array(fc.record({ n: fc.integer({ min: 0, max: 5 }), id: fc.nat() }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(numeric, async (rows) => {
        const sorted = await run([{ step: "table_sort", field: "n" }], rows);
        expect(await run([{ step: "jq_transform", query: "sort_by(.n)" }], rows)).toStrictEqual(sorted);
        const kept = await run([{ step: "table_filter", condition: { field: "n", op: ">=", value: 3 } }], rows);
        expect(await run([{ step: "jq_transform", query: "map(select(.n >= 3))" }], rows)).toStrictEqual(kept);
      }),
    );
  });
});
