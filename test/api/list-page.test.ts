/** Cursors: what a page gives out is where the next begins, and nothing else is taken for one. */
import { describe, expect, test } from "vitest";
import { pageAfter, pageBy, readCursor } from "#api/list-page.ts";

const records = ["a", "b", "c"].map((id) => ({ id }));
const placeOf = ({ id }: { id: string }) => id;

describe("pages", () => {
  test("the cursor of a page is where the next begins; the last page has none", () => {
    const { page, nextCursor } = pageBy(records, 2, placeOf);
    expect(page).toEqual(records.slice(0, 2));
    expect(pageAfter(nextCursor ?? undefined, /^[a-z]$/)).toBe("b");
    expect(pageBy(records, 3, placeOf)).toEqual({ page: records, nextCursor: null });
    expect(pageBy([], 3, placeOf)).toEqual({ page: [], nextCursor: null });
  });

  test("the first page begins nowhere", () => {
    expect(readCursor(undefined, /^x$/)).toBeNull();
    expect(pageAfter(undefined, /^x$/)).toBe("");
  });

  test("places of every length and character survive", () => {
    for (const id of ["", "a", "ab", "abc", "1700000000000/run_xx000ABC", "\u00ff\u00fe>?"]) {
      const { nextCursor } = pageBy([{ id }, { id }], 1, placeOf);
      expect(nextCursor).toMatch(/^[A-Za-z0-9_-]*$/);
      expect(pageAfter(nextCursor ?? undefined, /^.*$/s)).toBe(id);
    }
  });

  test.each(["garbage", "%", "====", "é", "a b\n"])("%j is no cursor", (cursor) => {
    expect(() => readCursor(cursor, /^\d+$/)).toThrow(
      expect.objectContaining({
        code: "invalid",
        details: [{ pointer: "/cursor", message: "send next_cursor of the page before, unchanged" }],
      }),
    );
  });
});
