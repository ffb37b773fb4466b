/** Pages of lists ordered by one text: where a page begins, and the cursor of the next. */
import { ApiError } from "#kernel/errors.ts";
import { decodeCursor, encodeCursor } from "./route.ts";

/** What the page begins after, empty for the first; `form` is what a cursor of this list stands for. */
export function pageAfter(cursor: string | undefined, form: RegExp): string {
  if (cursor === undefined) return "";
  const after = decodeCursor(cursor);
  if (after !== null && form.test(after)) return after;
  throw new ApiError("invalid", "the cursor is not one of ours", {
    details: [{ pointer: "/cursor", message: "send next_cursor of the page before, unchanged" }],
  });
}

/** Cuts off the record that was read beyond the page to know whether another follows. */
export function pageOf<Item extends { id: string }>(
  records: readonly Item[],
  limit: number,
): { page: Item[]; nextCursor: string | null } {
  const page = records.slice(0, limit);
  const last = page.at(-1);
  return { page, nextCursor: records.length > limit && last !== undefined ? encodeCursor(last.id) : null };
}
