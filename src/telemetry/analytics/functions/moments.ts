/** Functions of dates and moments: now, reading and printing them, their parts, the beginning of what they lie in. */

import type { IntervalUnit } from "../ast.ts";
import type { Civil } from "../calendar.ts";
import { civilFromSeconds, dayOfWeek, isTimeZone, localDays, parseDateTime } from "../calendar.ts";
import { SqlError, shown } from "../sql-error.ts";
import { DATE, DATETIME, isNumber, type SqlType, STRING, UINT8, UINT16, UINT32 } from "../sql-types.ts";
import { dateTimePrinter } from "./date-time-format.ts";
import {
  type Call,
  constantText,
  hasArgument,
  momentArgument,
  placeOf,
  type ScalarFunction,
  typeOf,
} from "./declare.ts";
import { startOf } from "./start-of.ts";

const DAY = 86_400;

export const MOMENT_FUNCTIONS: readonly ScalarFunction[] = [
  {
    name: "now",
    usage: "now()",
    description: "the moment of the query",
    least: 0,
    most: 0,
    check: ({ nowSeconds }) => ({ type: DATETIME, apply: () => nowSeconds }),
  },
  {
    name: "today",
    usage: "today()",
    description: "the day of the query in UTC",
    least: 0,
    most: 0,
    check: ({ nowSeconds }) => ({ type: DATE, apply: () => Math.floor(nowSeconds / DAY) }),
  },
  {
    name: "toDateTime",
    usage: "toDateTime(x[, 'zone'])",
    description: "a moment from seconds since 1970, or from 'YYYY-MM-DD hh:mm:ss' in UTC or in the zone",
    least: 1,
    most: 2,
    mayFail: true,
    check: checkToDateTime,
  },
  {
    name: "toUnixTimestamp",
    usage: "toUnixTimestamp(t)",
    description: "seconds since 1970",
    least: 1,
    most: 1,
    check(call) {
      const { isDate } = momentArgument(call, 0);
      return { type: UINT32, apply: isDate ? (days: number) => days * DAY : (seconds: number) => seconds };
    },
  },
  {
    name: "formatDateTime",
    usage: "formatDateTime(t, '%Y-%m-%d'[, 'zone'])",
    description: "a moment printed by a pattern: %Y %m %d %H %i %S and others of ClickHouse",
    least: 2,
    most: 3,
    check(call) {
      const moment = momentArgument(call, 0);
      const zone = hasArgument(call, 2) ? zoneArgument(call, 2) : moment.zone;
      const print = dateTimePrinter(constantText(call, 1), zone, (message) => new SqlError(placeOf(call, 1), message));
      return { type: STRING, apply: moment.isDate ? (days: number) => print(days * DAY) : print };
    },
  },
  {
    name: "extract",
    usage: "extract(YEAR FROM t)",
    description: "YEAR, MONTH, DAY, HOUR, MINUTE or SECOND of a moment",
    least: 2,
    most: 2,
    check(call) {
      const unit = constantText(call, 0).toLowerCase() as Lowercase<IntervalUnit>;
      const { isDate, zone } = momentArgument(call, 1);
      const type = unit === "year" ? UINT16 : UINT8;
      return { type, apply: (_: string, t: number) => civilFromSeconds(isDate ? t * DAY : t, zone)[unit] };
    },
  },
  part("toYear", "year", UINT16, ({ year }) => year),
  part("toMonth", "month, 1 to 12", UINT8, ({ month }) => month),
  part("toDayOfMonth", "day of the month, 1 to 31", UINT8, ({ day }) => day),
  part("toDayOfWeek", "day of the week, 1 for Monday to 7 for Sunday", UINT8, (_, days) => dayOfWeek(days)),
  part("toHour", "hour, 0 to 23", UINT8, ({ hour }) => hour),
  part("toMinute", "minute, 0 to 59", UINT8, ({ minute }) => minute),
  part("toSecond", "second, 0 to 59", UINT8, ({ second }) => second),
  part("toYYYYMM", "year and month as one number, such as 202611", UINT32, ({ year, month }) => year * 100 + month),
  {
    name: "toStartOfInterval",
    usage: "toStartOfInterval(t, INTERVAL '15' MINUTE[, 'zone'])",
    description: "the beginning of the interval that a moment lies in",
    least: 2,
    most: 3,
    check(call) {
      const interval = call.args[1];
      if (interval?.node !== "constant" || interval.type.kind !== "interval") {
        throw new SqlError(placeOf(call, 1), "toStartOfInterval needs INTERVAL '15' MINUTE or alike here");
      }
      if ((interval.value as number) < 1) throw new SqlError(placeOf(call, 1), "the interval must be at least 1 unit");
      const zone = hasArgument(call, 2) ? zoneArgument(call, 2) : null;
      return beginning(call, interval.type.unit as IntervalUnit, interval.value as number, zone);
    },
  },
  start("toStartOfYear", "YEAR", 1),
  start("toStartOfMonth", "MONTH", 1),
  start("toStartOfWeek", "WEEK", 1, "the Monday of its week"),
  start("toStartOfDay", "DAY", 1),
  start("toStartOfHour", "HOUR", 1),
  start("toStartOfFifteenMinutes", "MINUTE", 15),
  start("toStartOfTenMinutes", "MINUTE", 10),
  start("toStartOfFiveMinutes", "MINUTE", 5),
  start("toStartOfMinute", "MINUTE", 1),
];

function zoneArgument(call: Call, index: number): string {
  const zone = constantText(call, index);
  if (!isTimeZone(zone)) {
    throw new SqlError(placeOf(call, index), `'${shown(zone)}' is not a time zone: SHOW TIMEZONES lists them`);
  }
  return zone;
}

function checkToDateTime(call: Call): ReturnType<ScalarFunction["check"]> {
  const zone = hasArgument(call, 1) ? zoneArgument(call, 1) : null;
  const from = typeOf(call, 0);
  const type: SqlType = zone === null && from.kind === "datetime" ? from : { kind: "datetime", zone };
  if (from.kind === "string") {
    return {
      type,
      apply(text: string) {
        const seconds = parseDateTime(text, zone);
        if (seconds !== null) return seconds;
        throw new SqlError(
          call.place,
          `toDateTime cannot read '${shown(text)}': write 'YYYY-MM-DD hh:mm:ss' or seconds`,
        );
      },
    };
  }
  if (from.kind === "date") return { type, apply: (days: number) => days * DAY };
  if (from.kind === "datetime" || isNumber(from)) {
    return { type, apply: (seconds: number) => (Number.isFinite(seconds) ? Math.trunc(seconds) : 0) };
  }
  throw new SqlError(placeOf(call, 0), "toDateTime needs a number or a string here");
}

function part(name: string, what: string, type: SqlType, read: (civil: Civil, days: number) => number): ScalarFunction {
  return {
    name,
    usage: `${name}(t)`,
    description: what,
    least: 1,
    most: 1,
    check(call) {
      const { isDate, zone } = momentArgument(call, 0);
      return {
        type,
        apply(t: number) {
          const seconds = isDate ? t * DAY : t;
          return read(civilFromSeconds(seconds, zone), localDays(seconds, zone));
        },
      };
    },
  };
}

function start(
  name: string,
  unit: IntervalUnit | "WEEK",
  count: number,
  what = `the beginning of its ${count === 1 ? unit.toLowerCase() : `${count} minutes`}`,
): ScalarFunction {
  return {
    name,
    usage: `${name}(t)`,
    description: `of a moment, ${what}`,
    least: 1,
    most: 1,
    check: (call) => beginning(call, unit, count, null),
  };
}

/** Years, months and weeks begin with a date, smaller units with a moment. */
function beginning(call: Call, unit: IntervalUnit | "WEEK", count: number, zone: string | null) {
  const moment = momentArgument(call, 0);
  const inZone = zone ?? moment.zone;
  const isDate = unit === "YEAR" || unit === "MONTH" || unit === "WEEK";
  const type: SqlType = isDate ? DATE : { kind: "datetime", zone: inZone };
  const at = startOf(unit, count, inZone);
  return { type, apply: moment.isDate ? (days: number) => at(days * DAY) : at };
}
