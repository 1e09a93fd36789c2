/** What a report has embedded: boards as the server answered them, and daily sums from which others can be made. */
import { isMoney } from "../format";
import type { Board, Metric, Value } from "../types";
import type { Days } from "./days";

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
  /** Per sum and day, 1 where the book holds it. */
  held: Record<string, number[]>;
  /** What is later may still grow, and is compared with nothing. */
  through: number;
  /** What the whole range is compared with. */
  before: Days | null;
  /** What of the whole range is not held, and why. */
  missing: (Days & { text: string })[];
}

/** A sum, perhaps of some datasets alone (empty: of all that it has). */
export interface Part {
  sum: string;
  datasets: string[];
}

/** What of a panel's question follows the state (null), and what is its own. */
export interface Follows {
  metric: string[] | null;
  by: string[] | null;
  grain: string;
  top: number | null;
  compares: boolean;
  where: string[];
  /** With `{metric}` and `{by}`; empty where it is the user's own and stays as it is. */
  title: string;
  mark: string;
  says: string;
  is_fixed: boolean;
}

export interface Report {
  range: Days;
  /** What all of it is restricted to, in words. */
  only: string;
  /** As /api/board answered, by tab. */
  boards: Record<string, Board>;
  panels: Record<string, Record<string, Follows>>;
  cubes: Cube[];
  metrics: Record<string, Metric>;
  /** Of a ratio, what is divided by what. */
  ratios: Record<string, Part[]>;
  /** The titles of dimensions. */
  dims: Record<string, string>;
}

export interface Condition {
  name: string;
  not: boolean;
  value: string;
}

/** The sums of which a metric is made. */
export const parts = (report: Report, metric: string): Part[] =>
  report.ratios[metric] ?? [{ sum: metric, datasets: [] }];

/** The first cube that has a sum by all of these dimensions. */
export function cubeOf(report: Report, part: Part, dims: string[]): Cube | undefined {
  const wanted = part.datasets.length ? [...dims, "dataset"] : dims;
  return report.cubes.find((cube) => part.sum in cube.values && wanted.every((dim) => dim in cube.dims));
}

/** Whether a report can tell a metric by some dimensions, or restricted by them. */
export const tells = (report: Report, metric: string, dims: string[]): boolean =>
  metric in report.metrics && parts(report, metric).every((part) => cubeOf(report, part, dims) !== undefined);

const PLACES = 18;
const read = new WeakMap<Value[], (bigint | null)[]>();

/** The values of a sum, exactly: money in units of 10^-18, counts as they are. */
export function exactly(cube: Cube, sum: string, unit: string): (bigint | null)[] {
  const texts = cube.values[sum]!;
  let found = read.get(texts);
  if (!found) read.set(texts, (found = texts.map((text) => parse(text, isMoney(unit)))));
  return found;
}

function parse(value: Value, money: boolean): bigint | null {
  if (value === null) return null;
  if (!money) return BigInt(value);
  const [whole = "0", fraction = ""] = String(value).replace("-", "").split(".");
  const size = BigInt(whole + fraction.padEnd(PLACES, "0"));
  return String(value).startsWith("-") ? -size : size;
}

/** A sum as the server writes it. */
export function write(value: bigint | null, money: boolean): Value {
  if (value === null) return null;
  if (!money)
    return value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
  const digits = String(value < 0n ? -value : value).padStart(PLACES + 1, "0");
  const fraction = digits.slice(-PLACES).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -PLACES)}${fraction ? `.${fraction}` : ""}`;
}
