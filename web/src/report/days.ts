/** Ranges and slots of a report, in UTC days: what its dates and grains mean. */
import { iso } from "../clock";

export const DAY = 86_400;

export interface Days {
  /** Unix seconds, half-open. */
  start: number;
  end: number;
}

export interface Slots {
  start: number[];
  end: number[];
  label: string[];
}

const utc = (year: number, month: number, day = 1): number => Date.UTC(year, month, day) / 1000;

/** A date or a moment, as whole days; `ends` takes the day with it. */
function edge(text: string | null, ends: boolean): number | null {
  const at = Date.parse(text ?? "") / 1000;
  if (Number.isNaN(at)) return null;
  const day = Math.floor(at / DAY) * DAY;
  return ends && (day < at || /^\d{4}-\d\d-\d\d$/.test(text!)) ? day + DAY : day;
}

/** The range that an address asks for, within a report's own, which it is where the address says none. */
export function ranged(words: URLSearchParams, own: Days): Days {
  const start = edge(words.get("since"), false) ?? own.start;
  const end = edge(words.get("until"), true) ?? own.end;
  return { start: Math.max(start, own.start), end: Math.min(end, own.end) };
}

export const autoGrain = ({ start, end }: Days): string =>
  end - start <= 92 * DAY ? "day" : end - start <= 400 * DAY ? "week" : "month";

/** By whole weeks, so that Mondays lie beside Mondays. */
export const weeks = ({ start, end }: Days): number => Math.ceil((end - start) / DAY / 7) * 7 * DAY;

/** The start of the slot after the one that begins here. */
function next(at: number, grain: string): number {
  const date = new Date(at * 1000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (grain === "week") return at + (7 - ((date.getUTCDay() + 6) % 7)) * DAY;
  if (grain === "month") return utc(year, month + 1);
  if (grain === "quarter") return utc(year, month - (month % 3) + 3);
  return grain === "year" ? utc(year + 1, 0) : at + DAY;
}

/** The start of the unit of a grain that a day is in: what the slot is called by. */
function first(at: number, grain: string): number {
  const date = new Date(at * 1000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (grain === "week") return at - ((date.getUTCDay() + 6) % 7) * DAY;
  if (grain === "month") return utc(year, month);
  if (grain === "quarter") return utc(year, month - (month % 3));
  return grain === "year" ? utc(year, 0) : at;
}

export function slots({ start, end }: Days, grain: string): Slots {
  const out: Slots = { start: [], end: [], label: [] };
  for (let at = start; at < end;) {
    const to = grain === "total" ? end : Math.min(end, next(at, grain));
    out.start.push(at);
    out.end.push(to);
    out.label.push(iso(first(at, grain), "UTC"));
    at = to;
  }
  return out;
}

/** Which slot each day is in. */
export function slotsOfDays({ start, end }: Slots): Map<number, number> {
  const out = new Map<number, number>();
  start.forEach((from, slot) => {
    for (let day = from; day < end[slot]!; day += DAY) out.set(day, slot);
  });
  return out;
}

const form = (options: Intl.DateTimeFormatOptions) => {
  const said = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", ...options });
  return (unix: number): string => said.format(unix * 1000);
};
const dayOf = form({ day: "numeric" });
const monthOf = form({ month: "short" });
const yearOf = form({ year: "numeric" });

/** From when to when: `1-31 Oct 2026`, as the book says it. */
export function dates({ start, end }: Days): string {
  const last = end - 1;
  const [day, month, year] = [dayOf(start), monthOf(start), yearOf(start)];
  const to = `${dayOf(last)} ${monthOf(last)} ${yearOf(last)}`;
  if (year !== yearOf(last)) return `${day} ${month} ${year} - ${to}`;
  if (month !== monthOf(last)) return `${day} ${month} - ${to}`;
  return day === dayOf(last) ? to : `${day}-${to}`;
}

export function rangeText(days: Days): string {
  return `${dates(days)}, ${lengthText(days)}, UTC`;
}

export function lengthText({ start, end }: Days): string {
  const count = Math.round((end - start) / DAY);
  return count === 1 ? "1 day" : `${count} days`;
}
