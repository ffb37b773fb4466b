/** Civil time: from seconds since the epoch to year, month, day and back, in UTC or in a named time zone. */

const DAY = 86_400;

/** Offsets change at multiples of this. */
const ZONE_STEP = 900;
const ZONE_CACHE_MAX = 20_000;

export interface Civil {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/** Days since the epoch of a date in the proleptic Gregorian calendar; months beyond 1 to 12 carry over. */
export function daysFromCivil(year: number, month: number, day: number): number {
  // Date.UTC takes years below 100 for those of the last century.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return Math.floor(date.getTime() / 1_000 / DAY);
}

export function civilFromSeconds(seconds: number, zone: string | null): Civil {
  const local = seconds + offsetAt(seconds, zone);
  const date = new Date(Math.floor(local) * 1_000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

export function secondsFromCivil({ year, month, day, hour, minute, second }: Civil, zone: string | null): number {
  const local = daysFromCivil(year, month, day) * DAY + hour * 3_600 + minute * 60 + second;
  if (isUtc(zone)) return local;
  // The offset belongs to the moment, which is only known with the offset: the second guess is right.
  const first = local - offsetAt(local, zone);
  return local - offsetAt(first, zone);
}

export function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(2_000 + (((year % 400) + 400) % 400), month, 0)).getUTCDate();
}

function isUtc(zone: string | null): boolean {
  return zone === null || zone === "UTC" || zone === "Etc/UTC";
}

const formatters = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Seconds that the clocks of a zone are ahead of UTC. */
export function offsetAt(seconds: number, zone: string | null): number {
  if (zone === null || isUtc(zone)) return 0;
  const step = Math.floor(seconds / ZONE_STEP);
  const key = `${zone}\n${step}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const moment = step * ZONE_STEP;
  const formatter = formatterOf(zone);
  const parts = Object.fromEntries(
    formatter.formatToParts(moment * 1_000).map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
  const offset = daysFromCivil(year, month, day) * DAY + (hour % 24) * 3_600 + minute * 60 + second - moment;
  if (offsets.size >= ZONE_CACHE_MAX) offsets.clear();
  offsets.set(key, offset);
  return offset;
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      calendar: "gregory",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formatters.set(zone, formatter);
  }
  return formatter;
}

let zones: readonly string[] | undefined;

/** Names of time zones, Etc/UTC first among them. */
export function timeZones(): readonly string[] {
  zones ??= [...new Set(["Etc/UTC", "UTC", ...Intl.supportedValuesOf("timeZone")])].sort();
  return zones;
}

export function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z0-9_+/-]{1,64}$/.test(zone) || /^[+-]/.test(zone)) return false;
  try {
    formatterOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** 1 is Monday, 7 is Sunday. */
export function dayOfWeek(days: number): number {
  return ((((days + 3) % 7) + 7) % 7) + 1;
}

const TWO = (value: number) => String(value).padStart(2, "0");

export function dateText(days: number): string {
  const { year, month, day } = civilFromSeconds(days * DAY, null);
  return `${String(year).padStart(4, "0")}-${TWO(month)}-${TWO(day)}`;
}

export function dateTimeText(seconds: number, zone: string | null): string {
  const { hour, minute, second } = civilFromSeconds(seconds, zone);
  return `${dateText(localDays(seconds, zone))} ${TWO(hour)}:${TWO(minute)}:${TWO(second)}`;
}

/** Days since the epoch on the calendar of a zone. */
export function localDays(seconds: number, zone: string | null): number {
  return Math.floor((seconds + offsetAt(seconds, zone)) / DAY);
}

/** 'YYYY-MM-DD hh:mm:ss' or 'YYYY-MM-DD', or a number of seconds; null for anything else. */
export function parseDateTime(text: string, zone: string | null): number | null {
  if (/^\d{5,12}$/.test(text)) return Number(text);
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2}):(\d{2}))?$/.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const isReal =
    month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month) && hour < 24 && minute < 60 && second < 60;
  return isReal ? secondsFromCivil({ year, month, day, hour, minute, second }, zone) : null;
}
