/** What a report has embedded: boards as the server answered them, and daily sums from which others can be made. */
import type { Board, Value } from "../types";

export interface Entity {
  key: string | null;
  label: string;
  word: string | null;
  color: number | null;
}

/** Sums by day, currency and some dimensions: columns of indexes and of values, a row each. */
export interface Cube {
  /** Unix seconds at which each day starts; days follow each other. */
  days: number[];
  status: string[];
  currencies: (string | null)[];
  dims: Record<string, Entity[]>;
  rows: { day: number[]; currency: number[]; dims: Record<string, number[]> };
  values: Record<string, Value[]>;
}

export interface Report {
  /** As /api/board answered, by tab. */
  boards: Record<string, Board>;
  cubes: Cube[];
  /** A ratio to what is divided by what. */
  ratios: Record<string, [string, string]>;
}

const PLACES = 18;

/** Exact: money in units of 10^-18, counts as they are. */
export function parse(value: Value, money: boolean): bigint | null {
  if (value === null) return null;
  if (!money) return BigInt(typeof value === "number" ? Math.round(value) : value.split(".")[0]!);
  const [whole = "0", fraction = ""] = String(value).replace("-", "").split(".");
  const size = BigInt(whole + fraction.padEnd(PLACES, "0").slice(0, PLACES));
  return String(value).startsWith("-") ? -size : size;
}

/** The same as the server writes it. */
export function write(value: bigint | null, money: boolean): Value {
  if (value === null) return null;
  if (!money)
    return value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
  const digits = String(value < 0n ? -value : value).padStart(PLACES + 1, "0");
  const fraction = digits.slice(-PLACES).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -PLACES)}${fraction ? `.${fraction}` : ""}`;
}
