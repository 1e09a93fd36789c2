/** Ranges and slots of a report, in UTC days: what its presets, dates and grains mean. */
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
const floor = (unix: number): number => Math.floor(unix / DAY) * DAY;

/** A date or a moment; `ends` takes the day of a bare date with it. */
function edge(text: string, ends: boolean): number | null {
  const at = Date.parse(text) / 1000;
  if (Number.isNaN(at)) return null;
  return /^\d{4}-\d\d-\d\d$/.test(text) ? at + (ends ? DAY : 0) : ends ? Math.ceil(at / DAY) * DAY : floor(at);
}

function lasting(text: string, end: number): number | null {
  const [, count, unit] = /^(\d+)(h|d|w|mo)$/.exec(text) ?? [];
  if (!count) return null;
  const date = new Date((end - 1) * 1000);
  if (unit === "mo") return utc(date.getUTCFullYear(), date.getUTCMonth() - Number(count) + 1);
  const monday = floor(end - 1) - ((date.getUTCDay() + 6) % 7) * DAY;
  if (unit === "w") return monday - (Number(count) - 1) * 7 * DAY;
  return unit === "d" ? end - Number(count) * DAY : floor(end - Number(count) * 3600);
}

function period(name: string, end: number): Days | null {
  const date = new Date((end - 1) * 1000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (name === "this-month") return { start: utc(year, month), end };
  if (name === "last-month") return { start: utc(year, month - 1), end: utc(year, month) };
  const [, y, m] = /^(\d{4})(?:-(\d\d))?$/.exec(name) ?? [];
  if (!y) return null;
  return m ? { start: utc(+y, +m - 1), end: utc(+y, +m) } : { start: utc(+y, 0), end: utc(+y + 1, 0) };
}

/** The range that an address asks for, within what is held; null where it says none. */
export function ranged(words: URLSearchParams, held: Days): Days | null {
  const [last, named] = [words.get("last"), words.get("period")];
  const [since, until] = [words.get("since"), words.get("until")];
  let asked: Days | null = null;
  if (last) asked = { start: lasting(last, held.end) ?? held.start, end: held.end };
  else if (named) asked = period(named, held.end);
  else if (since || until)
    asked = { start: (since && edge(since, false)) || held.start, end: (until && edge(until, true)) || held.end };
  return asked && { start: Math.max(asked.start, held.start), end: Math.min(asked.end, held.end) };
}

export const autoGrain = ({ start, end }: Days): string =>
  end - start <= 92 * DAY ? "day" : end - start <= 400 * DAY ? "week" : "month";

/** The start of the slot after the one that begins here. */
function next(at: number, grain: string): number {
  const date = new Date(at * 1000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (grain === "week") return at + (7 - ((date.getUTCDay() + 6) % 7)) * DAY;
  if (grain === "month") return utc(year, month + 1);
  if (grain === "quarter") return utc(year, month - (month % 3) + 3);
  return grain === "year" ? utc(year + 1, 0) : at + DAY;
}

export function slots({ start, end }: Days, grain: string): Slots {
  const out: Slots = { start: [], end: [], label: [] };
  for (let at = start; at < end;) {
    const to = grain === "total" ? end : Math.min(end, next(at, grain));
    out.start.push(at);
    out.end.push(to);
    out.label.push(iso(at, "UTC"));
    at = to;
  }
  return out;
}

const said = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

export function rangeText({ start, end }: Days): string {
  const count = (end - start) / DAY;
  const [from, to] = [said.format(start * 1000), said.format((end - 1) * 1000)];
  return `${from === to ? from : `${from}-${to}`}, ${count} ${count === 1 ? "day" : "days"}, UTC`;
}
