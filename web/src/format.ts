/** Numbers as people read them: 3 significant digits in headlines, one precision per list, a true minus. */
import type { Value } from "./types";

export const MINUS = "−";
export const NOTHING = "—";

/** A value for drawing; null where it is not known. */
export const num = (value: Value | undefined): number | null =>
  value === null || value === undefined || value === "" ? null : Number(value);

const symbols = new Map<string, string>();

function symbol(currency: string | null | undefined): string {
  const code = (currency ?? "usd").toUpperCase();
  let found = symbols.get(code);
  if (found === undefined) {
    try {
      const parts = new Intl.NumberFormat("en", { style: "currency", currency: code, currencyDisplay: "narrowSymbol" });
      found = parts.formatToParts(0).find((p) => p.type === "currency")?.value ?? code;
    } catch {
      found = code;
    }
    if (found.length > 1) found += " ";
    symbols.set(code, found);
  }
  return found;
}

export const isMoney = (unit: string): boolean => unit.split("/")[0] === "money";
export const isShare = (unit: string): boolean => unit === "share";

const grouped = (value: number, digits: number, least = digits): string =>
  value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: least });

/** Three significant digits, never as a power of ten. */
const significant = (value: number): string =>
  value === 0
    ? "0"
    : value.toLocaleString("en", {
        maximumSignificantDigits: 3,
        ...(value < 1e-6 ? { maximumFractionDigits: 20 } : {}),
      });

const STEPS: [number, string][] = [
  [1e15, "Qd"],
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "K"],
];
const BYTES: [number, string][] = [
  [1e15, " PB"],
  [1e12, " TB"],
  [1e9, " GB"],
  [1e6, " MB"],
  [1e3, " kB"],
];

function compact(value: number, steps = STEPS): string {
  for (const [i, [size, suffix]] of steps.entries()) {
    const scaled = Number((value / size).toPrecision(3));
    if (scaled < 1) continue;
    const above = steps[i - 1];
    return scaled >= 1000 && above ? `1${above[1]}` : `${grouped(scaled, scaled >= 100 ? 0 : 2, 0)}${suffix}`;
  }
  return `${significant(value)}${steps === BYTES ? " B" : ""}`;
}

const signed = (value: number, text: (magnitude: number) => string): string =>
  `${value < 0 ? MINUS : ""}${text(Math.abs(value))}`;

function money(value: number, currency: string | null | undefined, digits: number | null): string {
  const unit = symbol(currency);
  return signed(value, (magnitude) => {
    if (digits === null) return unit + significant(magnitude);
    const least = 10 ** -digits;
    if (magnitude !== 0 && magnitude < least / 2) return `<${unit}${grouped(least, digits)}`;
    return unit + grouped(magnitude, digits);
  });
}

type Said = (value: Value | undefined, currency?: string | null) => string;

/** A headline: 3 digits that matter, or whole units of money. */
export function headline(unit: string): Said {
  return (value, currency) => {
    const n = num(value);
    if (n === null || Number.isNaN(n)) return NOTHING;
    if (isShare(unit)) return signed(n * 100, (m) => `${grouped(m, 1, m >= 99.95 || m === 0 ? 0 : 1)}%`);
    if (unit === "bytes") return signed(n, (m) => compact(m, BYTES));
    if (!isMoney(unit)) return signed(n, compact);
    const size = Math.abs(n);
    if (size >= 1e5) return signed(n, (m) => symbol(currency) + compact(m));
    return money(n, currency, size >= 1000 ? 0 : size >= 0.995 || size === 0 ? 2 : null);
  };
}

/** One precision for a list of values, decided by the largest. */
export function listed(unit: string, values: Iterable<Value | undefined>): Said {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(num(value) ?? 0));
  if (!isMoney(unit)) return unit.includes("/") || largest >= 1e4 || isShare(unit) ? headline(unit) : counted(unit);
  const digits = largest >= 1000 ? 0 : largest >= 1 ? 2 : largest >= 0.01 ? 4 : null;
  return (value, currency) => {
    const n = num(value);
    return n === null ? NOTHING : money(n, currency, digits);
  };
}

const counted =
  (unit: string): Said =>
  (value) => {
    const n = num(value);
    if (n === null) return NOTHING;
    return unit === "bytes" ? headline(unit)(value) : signed(n, (m) => grouped(m, m >= 100 ? 0 : 2, 0));
  };

/** The value with every digit that is known. */
export function exact(unit: string, value: Value | undefined, currency?: string | null): string {
  if (value === null || value === undefined) return "not known";
  if (isShare(unit)) return `${signed(Number(value) * 100, (m) => grouped(m, 4, 0))}%`;
  const text = typeof value === "number" ? String(value) : value;
  if (/e/i.test(text)) return text;
  const [whole = "0", fraction = ""] = text.replace(/^-/, "").split(".");
  const kept = fraction.replace(/0+$/, "");
  const cents = isMoney(unit) ? kept.padEnd(2, "0") : kept;
  const digits = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",") + (cents ? `.${cents}` : "");
  const shown = isMoney(unit) ? symbol(currency) + digits : digits;
  return (text.startsWith("-") ? MINUS : "") + shown + (unit === "bytes" ? " bytes" : "");
}

/** A label of an axis. */
export function axis(unit: string, currency: string | null | undefined, ticks: number[]): (value: number) => string {
  const step = ticks.length > 1 ? Math.abs(ticks[1]! - ticks[0]!) : 1;
  if (isShare(unit)) return (v) => signed(v * 100, (m) => `${grouped(m, step < 0.01 ? 1 : 0)}%`);
  const shorten = unit === "bytes" ? (m: number) => compact(m, BYTES) : compact;
  if (!isMoney(unit)) return (v) => signed(v, (m) => (m === 0 ? "0" : shorten(m)));
  const digits = step >= 1 ? 0 : Math.min(8, Math.ceil(-Math.log10(step) - 1e-9));
  return (v) => signed(v, (m) => symbol(currency) + (m >= 1e5 ? compact(m) : grouped(m, m === 0 ? 0 : digits)));
}

export interface Delta {
  text: string;
  arrow: "up" | "down" | "level" | null;
  tone: "good" | "bad" | "plain";
  said: string;
}

/** What changed: a direction, a size, and whether that is good. */
export function delta(unit: string, now: Value | undefined, before: Value | undefined, good = "neutral"): Delta {
  const [a, b] = [num(now), num(before)];
  const share = isShare(unit);
  if (a === null || b === null || (!share && b === 0))
    return { text: NOTHING, arrow: null, tone: "plain", said: "nothing to compare with" };
  const change = share ? (a - b) * 100 : (a - b) / Math.abs(b);
  const size = Math.abs(change);
  const text = share
    ? `${grouped(size, 1)} pp`
    : size >= 10
      ? `×${significant(Math.abs(a / b))}`
      : `${grouped(size * 100, size >= 1 ? 0 : 1)}%`;
  if (size < (share ? 0.05 : 0.0005))
    return { text: share ? "0 pp" : "0%", arrow: "level", tone: "plain", said: "unchanged" };
  const up = change > 0;
  const tone = good === "neutral" || !good ? "plain" : (good === "up") === up ? "good" : "bad";
  return { text, arrow: up ? "up" : "down", tone, said: `${up ? "up" : "down"} ${text}` };
}

/** A share of a whole, for lists. */
export const percent = (part: number, whole: number): string => {
  const share = (part / whole) * 100;
  if (!Number.isFinite(share)) return "";
  return share !== 0 && Math.abs(share) < 0.05
    ? "<0.1%"
    : signed(share, (m) => `${grouped(m, m >= 99.95 ? 0 : 1, 0)}%`);
};
