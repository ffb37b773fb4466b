/** Where the interval begins that a moment lies in: intervals are counted from 1970, years and months from 1900. */
import type { IntervalUnit } from "../ast.ts";
import { civilFromSeconds, dayOfWeek, daysFromCivil, localDays, offsetAt, secondsFromCivil } from "../calendar.ts";

const DAY = 86_400;
const FIRST_YEAR = 1_900;

/** From seconds to the beginning: in days for years, months and weeks, else in seconds. */
export function startOf(unit: IntervalUnit | "WEEK", count: number, zone: string | null): (seconds: number) => number {
  switch (unit) {
    case "YEAR":
      return (seconds) => {
        const years = civilFromSeconds(seconds, zone).year - FIRST_YEAR;
        return daysFromCivil(FIRST_YEAR + Math.floor(years / count) * count, 1, 1);
      };
    case "MONTH":
      return (seconds) => {
        const { year, month } = civilFromSeconds(seconds, zone);
        const months = Math.floor(((year - FIRST_YEAR) * 12 + month - 1) / count) * count;
        return daysFromCivil(FIRST_YEAR + Math.floor(months / 12), (months % 12) + 1, 1);
      };
    case "WEEK":
      return (seconds) => {
        const days = localDays(seconds, zone);
        return days - (dayOfWeek(days) - 1);
      };
    case "DAY":
      return (seconds) => {
        const days = Math.floor(localDays(seconds, zone) / count) * count;
        const { year, month, day } = civilFromSeconds(days * DAY, null);
        return secondsFromCivil({ year, month, day, hour: 0, minute: 0, second: 0 }, zone);
      };
    case "HOUR":
      return (seconds) => floorLocal(seconds, count * 3_600, zone);
    case "MINUTE":
      return (seconds) => floorLocal(seconds, count * 60, zone);
    case "SECOND":
      return (seconds) => Math.floor(seconds / count) * count;
  }
}

/** Rounds down on the clock of the zone. */
function floorLocal(seconds: number, size: number, zone: string | null): number {
  const offset = offsetAt(seconds, zone);
  return Math.floor((seconds + offset) / size) * size - offset;
}
