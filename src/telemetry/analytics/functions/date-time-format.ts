/** The patterns of formatDateTime, as ClickHouse documents them. */
import { type Civil, civilFromSeconds, dayOfWeek, daysFromCivil, localDays, offsetAt } from "../calendar.ts";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

interface Moment extends Civil {
  /** 1 is Monday. */
  weekday: number;
  dayOfYear: number;
  /** Week and its year by ISO 8601. */
  week: number;
  weekYear: number;
  offset: number;
}

const two = (value: number) => String(value).padStart(2, "0");
const hour12 = ({ hour }: Moment) => two(hour % 12 === 0 ? 12 : hour % 12);
const half = ({ hour }: Moment) => (hour < 12 ? "AM" : "PM");
const clock = ({ hour, minute, second }: Moment) => `${two(hour)}:${two(minute)}:${two(second)}`;

const PARTS: Readonly<Record<string, (moment: Moment) => string>> = {
  a: ({ weekday }) => WEEKDAYS[weekday - 1]?.slice(0, 3) ?? "",
  b: ({ month }) => MONTHS[month - 1]?.slice(0, 3) ?? "",
  c: ({ month }) => two(month),
  C: ({ year }) => two(Math.floor(year / 100)),
  d: ({ day }) => two(day),
  D: ({ month, day, year }) => `${two(month)}/${two(day)}/${two(year % 100)}`,
  e: ({ day }) => String(day),
  f: () => "0",
  F: ({ year, month, day }) => `${year}-${two(month)}-${two(day)}`,
  g: ({ weekYear }) => two(weekYear % 100),
  G: ({ weekYear }) => String(weekYear),
  h: hour12,
  H: ({ hour }) => two(hour),
  i: ({ minute }) => two(minute),
  I: hour12,
  j: ({ dayOfYear }) => String(dayOfYear).padStart(3, "0"),
  k: ({ hour }) => two(hour),
  l: hour12,
  m: ({ month }) => two(month),
  M: ({ month }) => MONTHS[month - 1] ?? "",
  n: () => "\n",
  p: half,
  Q: ({ month }) => String(Math.ceil(month / 3)),
  r: (moment) => `${hour12(moment)}:${two(moment.minute)} ${half(moment)}`,
  R: ({ hour, minute }) => `${two(hour)}:${two(minute)}`,
  s: ({ second }) => two(second),
  S: ({ second }) => two(second),
  t: () => "\t",
  T: clock,
  u: ({ weekday }) => String(weekday),
  V: ({ week }) => two(week),
  w: ({ weekday }) => String(weekday % 7),
  W: ({ weekday }) => WEEKDAYS[weekday - 1] ?? "",
  y: ({ year }) => two(year % 100),
  Y: ({ year }) => String(year).padStart(4, "0"),
  z: ({ offset }) => {
    const minutes = Math.abs(Math.round(offset / 60));
    return `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
  },
  "%": () => "%",
};

/** Prints moments in seconds; `refuse` makes the error for a pattern with an unknown part. */
export function dateTimePrinter(
  pattern: string,
  zone: string | null,
  refuse: (message: string) => Error,
): (seconds: number) => string {
  const pieces: ((moment: Moment) => string)[] = [];
  for (const [whole, letter] of pattern.matchAll(/%([\s\S]?)|[^%]+/g)) {
    if (letter === undefined) pieces.push(() => whole);
    else {
      const part = PARTS[letter];
      if (part === undefined) throw refuse(`%${letter} is not a part of a moment: use ${Object.keys(PARTS).join(" ")}`);
      pieces.push(part);
    }
  }
  return (seconds) => {
    const moment = momentOf(seconds, zone);
    return pieces.map((piece) => piece(moment)).join("");
  };
}

function momentOf(seconds: number, zone: string | null): Moment {
  const civil = civilFromSeconds(seconds, zone);
  const days = localDays(seconds, zone);
  const weekday = dayOfWeek(days);
  // The week's Thursday lies in the week's year.
  const thursday = days + 4 - weekday;
  const weekYear = civilFromSeconds(thursday * 86_400, null).year;
  return {
    ...civil,
    weekday,
    dayOfYear: days - daysFromCivil(civil.year, 1, 1) + 1,
    week: Math.floor((thursday - daysFromCivil(weekYear, 1, 1)) / 7) + 1,
    weekYear,
    offset: offsetAt(seconds, zone),
  };
}
