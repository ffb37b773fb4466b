/**
 * Dates as texts and numbers write them, as RFC 3339 in UTC. date-fns reads formats; which formats are meant, and what
 * is read without one, is decided here. What has no offset is UTC.
 */
import { utc } from "@date-fns/utc";
import { isValid } from "date-fns/isValid";
import { parse } from "date-fns/parse";
import { parseISO } from "date-fns/parseISO";
import { fail, ok, type Result } from "#kernel/errors.ts";

/** Null when it is no date. */
export type DateReader = (cell: string | number) => string | null;

/** A reader for a format, or for the formats that are known by themselves; the error is for the format's author. */
export function dateReader(format: string | undefined): Result<DateReader, string> {
  if (format === undefined)
    return ok((cell) => rfc3339(typeof cell === "number" ? unixTime(cell) : readKnown(cell.trim())));
  const pattern = format.includes("%") ? fromStrptime(format) : ok(format);
  if (!pattern.ok) return pattern;
  const problem = problemOf(pattern.value);
  if (problem !== null) return fail(`${problem}; an example of a format is dd/MM/yyyy HH:mm`);
  return ok((cell) => rfc3339(readAs(String(cell).trim(), pattern.value)));
}

const TEXT_LENGTH_MAX = 100;
/** What a format leaves out is taken from it; years of two digits lie from 1969 to 2068, as POSIX has it. */
const REFERENCE = new Date(Date.UTC(2019, 0, 1));

/** Why a format cannot be used, found once and not for each row. */
function problemOf(pattern: string): string | null {
  const letters = pattern.replaceAll(/'[^']*'/g, "").match(/([A-Za-z])\1*/g) ?? [];
  // Years of weeks and days of years, which hardly anybody means; the library would write a warning to the console.
  if (letters.some((run) => /^(?:Y+|D{1,2})$/.test(run))) return "write yyyy for the year and dd for the day";
  if (!letters.some((run) => /^[yuRtTP]/.test(run))) return "it has no year";
  const unknown = letters.find((run) => !KNOWN_LETTERS.includes(run.charAt(0)));
  return unknown === undefined ? null : `"${unknown}" means nothing: put text that stands for itself in quotes`;
}

const KNOWN_LETTERS = "GyYRuQqMLwIdDEiecabBhHKkmsSXxtTPp";

function readAs(text: string, pattern: string): Date | null {
  if (text.length > TEXT_LENGTH_MAX) return null;
  try {
    return parse(text, pattern, REFERENCE, { in: utc });
  } catch {
    // Letters that exclude each other, such as a Unix time and a year.
    return null;
  }
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
    return parse(`${minute}${second} ${offset}`, "d MMM yyyy HH:mm:ss xx", REFERENCE, { in: utc });
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
