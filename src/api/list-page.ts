/**
 * Pages of lists: where one begins, and the cursor of the next. A cursor is opaque outside; inside it is the place of
 * the page's last record in the order of its list.
 */
import { ApiError } from "#kernel/errors.ts";

/** What a cursor stands for, by `form`; null for the first page. Refuses what is no cursor of such a list. */
export function readCursor(cursor: string | undefined, form: RegExp): RegExpExecArray | null {
  if (cursor === undefined) return null;
  const place = decode(cursor);
  const match = place === null ? null : form.exec(place);
  if (match === null) {
    const details = [{ pointer: "/cursor", message: "send next_cursor of the page before, unchanged" }];
    throw new ApiError("invalid", "the cursor is not one of ours", { details });
  }
  return match;
}

/** `readCursor` where the order is that of one text: empty for the first page. */
export function pageAfter(cursor: string | undefined, form: RegExp): string {
  return readCursor(cursor, form)?.[0] ?? "";
}

/** `pageBy` where the order is that of the ids. */
export function pageOf<Item extends { id: string }>(records: readonly Item[], limit: number) {
  return pageBy(records, limit, ({ id }) => id);
}

/** Cuts off the record that was read beyond the page to know whether another follows. */
export function pageBy<Item>(
  records: readonly Item[],
  limit: number,
  placeOf: (last: Item) => string,
): { page: Item[]; nextCursor: string | null } {
  const page = records.slice(0, limit);
  const last = page.at(-1);
  return { page, nextCursor: records.length > limit && last !== undefined ? encode(placeOf(last)) : null };
}

function encode(place: string): string {
  return btoa(place).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function decode(cursor: string): string | null {
  try {
    return atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
}
