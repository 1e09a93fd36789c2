/** Where an axis of time has its labels: at the starts of days, Mondays, months, never more than fit. */
import { day, fields, hour, month, year, type Fields } from "../clock";

export interface Tick {
  slot: number;
  text: string;
}

interface Level {
  is: (at: Fields) => boolean;
  text: (unix: number, at: Fields, tz: string) => string;
}

const byMonth: Level["text"] = (unix, at, tz) => (at.month === 1 ? year(unix, tz) : month(unix, tz));
const byDay: Level["text"] = (unix, _, tz) => day(unix, tz);
const byHour: Level["text"] = (unix, at, tz) => (at.hour + at.minute === 0 ? day(unix, tz) : hour(unix, tz));

const everyMinutes = (step: number): Level => ({ is: (at) => at.minute % step === 0, text: byHour });
const everyHours = (step: number): Level => ({ is: (at) => at.minute === 0 && at.hour % step === 0, text: byHour });
const atMidnight = (at: Fields) => at.hour === 0 && at.minute === 0;
const everyDay: Level = { is: atMidnight, text: byDay };
const mondays: Level = { is: (at) => atMidnight(at) && at.weekday === 1, text: byDay };
const everyMonths = (step: number): Level => ({
  is: (at) => atMidnight(at) && at.day === 1 && (at.month - 1) % step === 0,
  text: byMonth,
});
/** Weeks have no first of a month: the first that begins in one stands for it. */
const firstWeeks = (step: number): Level => ({ is: (at) => at.day <= 7 && (at.month - 1) % step === 0, text: byMonth });

const HOURS = [1, 3, 6, 12].map(everyHours);
const MONTHS = [1, 3, 6, 12].map(everyMonths);
const LEVELS: Record<string, Level[]> = {
  minute: [...[1, 5, 15, 30].map(everyMinutes), ...HOURS, everyDay],
  hour: [...HOURS, everyDay, mondays, ...MONTHS],
  day: [everyDay, mondays, ...MONTHS],
  week: [{ is: () => true, text: byDay }, ...[1, 3, 6, 12].map(firstWeeks)],
  month: MONTHS,
  quarter: MONTHS.slice(1),
};
const PLAIN: Record<string, Level["text"]> = { minute: byHour, hour: byHour, month: byMonth, quarter: byMonth };

/** The finest labels of which at most `most` are needed. */
export function ticks(starts: number[], grain: string, tz: string, most: number): Tick[] {
  const at = starts.map((unix) => fields(unix, tz));
  for (const level of LEVELS[grain] ?? []) {
    const slots = at.flatMap((each, slot) => (level.is(each) ? [slot] : []));
    if (slots.length && slots.length <= most)
      return slots.map((slot) => ({ slot, text: level.text(starts[slot]!, at[slot]!, tz) }));
  }
  const text = PLAIN[grain] ?? (grain === "year" ? (unix: number) => year(unix, tz) : byDay);
  const step = Math.max(1, Math.ceil(starts.length / Math.max(1, most)));
  return starts.flatMap((unix, slot) => (slot % step ? [] : [{ slot, text: text(unix, at[slot]!, tz) }]));
}
