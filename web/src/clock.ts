/** Moments as people read them, by the clocks of the zone that was asked for. */

const formats = new Map<string, Intl.DateTimeFormat>();

function format(tz: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = tz + JSON.stringify(options);
  let found = formats.get(name);
  if (!found) formats.set(name, (found = new Intl.DateTimeFormat("en-GB", { timeZone: tz, ...options })));
  return found;
}

const text = (unix: number, tz: string, options: Intl.DateTimeFormatOptions): string =>
  format(tz, options).format(unix * 1000);

export const day = (unix: number, tz: string): string => text(unix, tz, { day: "numeric", month: "short" });
export const hour = (unix: number, tz: string): string => text(unix, tz, { hour: "2-digit", minute: "2-digit" });
export const month = (unix: number, tz: string): string => text(unix, tz, { month: "short" });
export const year = (unix: number, tz: string): string => text(unix, tz, { year: "numeric" });
export const weekday = (unix: number, tz: string): string => text(unix, tz, { weekday: "short" });

/** The day as 2026-11-24. */
export const iso = (unix: number, tz: string): string =>
  format(tz, { year: "numeric", month: "2-digit", day: "2-digit" })
    .formatToParts(unix * 1000)
    .filter((p) => p.type !== "literal")
    .reverse()
    .map((p) => p.value)
    .join("-");

/** A slot of an answer, in full. */
export function slot(start: number, end: number, grain: string, tz: string): string {
  const last = end - 1;
  switch (grain) {
    case "minute":
    case "hour":
      return `${weekday(start, tz)} ${day(start, tz)}, ${hour(start, tz)}`;
    case "day":
      return `${weekday(start, tz)} ${day(start, tz)} ${year(start, tz)}`;
    case "month":
      return `${month(start, tz)} ${year(start, tz)}`;
    case "quarter":
      return `${month(start, tz)}–${month(last, tz)} ${year(start, tz)}`;
    case "year":
      return year(start, tz);
    default:
      return `${day(start, tz)} – ${day(last, tz)} ${year(last, tz)}`;
  }
}

/** `14:32 UTC` today, `23 Nov, 14:32 UTC` before. */
export function asOf(unix: number, now: number, tz = "UTC"): string {
  const today = iso(unix, tz) === iso(now, tz);
  return `${today ? "" : `${day(unix, tz)}, `}${hour(unix, tz)} ${tz === "UTC" ? "UTC" : tz.replace(/_/g, " ")}`;
}

/** How a moment is asked for. */
export const moment = (unix: number): string => new Date(unix * 1000).toISOString().replace(".000Z", "Z");

export interface Fields {
  month: number;
  day: number;
  /** From Sunday, 0. */
  weekday: number;
  hour: number;
  minute: number;
}

/** A moment taken apart by the clocks of a zone. */
export function fields(unix: number, tz: string): Fields {
  const at = new Date(tz === "UTC" ? unix * 1000 : (unix + offset(unix, tz)) * 1000);
  return {
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    weekday: at.getUTCDay(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
  };
}

/** Seconds that a zone is ahead of UTC at a moment. */
function offset(unix: number, tz: string): number {
  const said = format(tz, { timeZoneName: "longOffset" }).formatToParts(unix * 1000);
  const [, sign, hours, minutes] = /([+-])(\d+):(\d+)/.exec(said.at(-1)?.value ?? "") ?? [];
  return sign ? (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60) : 0;
}
