/**
 * Dates as texts and numbers write them, as RFC 3339 in UTC. date-fns reads formats; which formats are meant, and what
 * is read without one, is decided here. What has no offset is UTC.
 */
import { utc } from "@date-fns/utc";
import { isValid, parse, parseISO } from "date-fns";
import { fail, ok, type Result } from "#kernel/errors.ts";

/** Null when it is no date. */
export type DateReader = (cell: string | number) => string | null;

/** A reader for a format, or for the formats that are known by themselves; the error is for the format's author. */
export function dateReader(format: string | undefined): Result<DateReader, string> {
  if (format === undefined)
    return ok((cell) => rfc3339(typeof cell === "number" ? unixTime(cell) : readKnown(cell.trim())));
  const pattern = format.includes("%") ? fromStrptime(format) : ok(format);
  if (!pattern.ok) return pattern;
  try {
    // A format that the library cannot use is refused here and not once for each row.
    parse("", pattern.value, EPOCH, { in: utc });
  } catch (error) {
    return fail(`${messageOf(error)}; an example of a format is dd/MM/yyyy HH:mm`);
  }
  return ok((cell) => rfc3339(readAs(String(cell).trim(), pattern.value)));
}

const TEXT_LENGTH_MAX = 100;
const EPOCH = new Date(0);

function readAs(text: string, pattern: string): Date | null {
  return text.length > TEXT_LENGTH_MAX ? null : parse(text, pattern, EPOCH, { in: utc });
}

/** Seconds, or milliseconds from a size on that in seconds would lie beyond the year 5138. */
const UNIX_SECONDS_MAX = 100_000_000_000;

function unixTime(value: number): Date {
  return new Date(Math.abs(value) < UNIX_SECONDS_MAX ? value * 1_000 : value);
}

/** RFC 2822 and HTTP: `Tue, 15 Nov 1994 08:12:31 GMT`, with or without the day, the seconds, an offset. */
const MAIL_DATE = /^(?:[A-Za-z]{3}, ?)?(\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d)(:\d\d)?(?: (GMT|UTC?|Z|[+-]\d{4}))?$/;
const UNIX_TEXT = /^-?\d{9,16}(?:\.\d{1,6})?$/;
const ISO_START = /^[+-]?\d{4,6}-/;

function readKnown(text: string): Date | null {
  if (text.length > TEXT_LENGTH_MAX) return null;
  if (UNIX_TEXT.test(text)) return unixTime(Number(text));
  const mail = MAIL_DATE.exec(text);
  if (mail !== null) {
    const [, minute = "", second = ":00", zone = "Z"] = mail;
    const offset = /^[A-Z]/.test(zone) ? "+0000" : zone;
    return parse(`${minute}${second} ${offset}`, "d MMM yyyy HH:mm:ss xx", EPOCH, { in: utc });
  }
  return ISO_START.test(text) ? parseISO(text.replace(" ", "T"), { in: utc }) : null;
}

/** RFC 3339 has four digits for the year. */
const FIRST_MS = Date.parse("0000-01-01T00:00:00Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

function rfc3339(date: Date | null): string | null {
  if (date === null || !isValid(date)) return null;
  const ms = date.getTime();
  return ms < FIRST_MS || ms > LAST_MS ? null : new Date(ms).toISOString();
}

/** Directives of strptime as the letters of Unicode's formats. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Y: "yyyy",
  y: "yy",
  m: "MM",
  d: "dd",
  e: "d",
  H: "HH",
  I: "hh",
  M: "mm",
  S: "ss",
  f: "SSSSSS",
  p: "a",
  b: "MMM",
  h: "MMM",
  B: "MMMM",
  a: "EEE",
  A: "EEEE",
  j: "DDD",
  s: "t",
  z: "xx",
  F: "yyyy-MM-dd",
  T: "HH:mm:ss",
  R: "HH:mm",
  D: "MM/dd/yy",
};

function fromStrptime(format: string): Result<string, string> {
  let pattern = "";
  for (const [part, directive] of format.matchAll(/%(.?)|[A-Za-z']+|[^%A-Za-z']+/gs)) {
    if (directive === undefined) pattern += /[A-Za-z']/.test(part) ? `'${part.replaceAll("'", "''")}'` : part;
    else if (directive === "%") pattern += "%";
    else if (Object.hasOwn(DIRECTIVES, directive)) pattern += DIRECTIVES[directive];
    else return fail(`%${directive} is not supported; known are %${Object.keys(DIRECTIVES).join(" %")}`);
  }
  return ok(pattern);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split(";")[0] ?? "it cannot be read") : "it cannot be read";
}
