/** Answers made from the cubes of a report: the same shapes, the same rules of ranking and adding as the server's. */
import { moment } from "../clock";
import { isMoney } from "../format";
import type { Dense, Group, Metric, Value } from "../types";
import { type Cube, type Entity, parse, type Report, write } from "./cube";
import { DAY, type Days, rangeText, slots } from "./days";

export interface Asked {
  metrics: Metric[];
  by: string[];
  grain: string;
  days: Days;
  /** Texts such as `project=proj_1` and `project!=proj_1`, in parts. */
  where: { name: string; not: boolean; value: string }[];
  top: number | null;
  compare: string | null;
}

interface Sum {
  group: Group;
  now: Record<string, (bigint | null)[]>;
  before: Record<string, (bigint | null)[]>;
}

/** The sums of which a metric is made; empty where a report cannot know it. */
export const parts = (report: Report, metric: string): string[] => report.ratios[metric] ?? [metric];

/** Whether a report can answer this. */
export function answers(report: Report, asked: Pick<Asked, "metrics" | "by" | "where">): boolean {
  const dims = [...asked.by, ...asked.where.map((w) => w.name)];
  return asked.metrics.every((m) => parts(report, m.name).every((name) => cubeOf(report, name, dims) !== undefined));
}

const cubeOf = (report: Report, sum: string, dims: string[]): Cube | undefined =>
  report.cubes.find((cube) => sum in cube.values && dims.every((dim) => dim in cube.dims));

/** Which rows of a cube pass the filters: per dimension, the entities that do. */
function passing(cube: Cube, where: Asked["where"]): [number[], boolean[]][] {
  const names = [...new Set(where.map((w) => w.name))];
  return names.map((name) => {
    const each = where.filter((w) => w.name === name);
    const matches = (e: Entity, value: string) => (e.key ?? e.label) === value || e.label === value;
    const [wanted, unwanted] = [each.filter((w) => !w.not), each.filter((w) => w.not)];
    const ok = cube.dims[name]!.map(
      (e) => (!wanted.length || wanted.some((w) => matches(e, w.value))) && !unwanted.some((w) => matches(e, w.value)),
    );
    return [cube.rows.dims[name]!, ok];
  });
}

/** By whole weeks, so that Mondays lie beside Mondays; a year is 364 days. */
export const shift = (days: Days, compare: string): number =>
  compare === "year" ? 364 * DAY : Math.ceil((days.end - days.start) / DAY / 7) * 7 * DAY;

interface Frame {
  asked: Asked;
  /** The slot of each day of the range. */
  slotOf: Map<number, number>;
  back: number;
  count: number;
  found: Map<string, Sum>;
}

const add = (row: (bigint | null)[], slot: number, value: bigint): void => {
  row[slot] = (row[slot] ?? 0n) + value;
};

function collect(cube: Cube, sum: string, money: boolean, frame: Frame, currency: string | null): void {
  const { asked, slotOf, found } = frame;
  const pass = passing(cube, asked.where);
  const entities = asked.by.map((name) => [cube.dims[name]!, cube.rows.dims[name]!] as const);
  for (const [i, text] of cube.values[sum]!.entries()) {
    const value = parse(text, money);
    if (value === null || !pass.every(([column, ok]) => ok[column[i]!])) continue;
    const day = cube.days[cube.rows.day[i]!]!;
    const slot = slotOf.get(day);
    const earlier = frame.back ? slotOf.get(day + frame.back) : undefined;
    if (slot === undefined && earlier === undefined) continue;
    const mine = cube.currencies[cube.rows.currency[i]!] ?? currency;
    const each = entities.map(([list, column]) => list[column[i]!]!);
    const id = JSON.stringify([mine, ...each.map((e) => e.key ?? e.label)]);
    const known = found.get(id) ?? { group: grouped(each, mine), now: {}, before: {} };
    found.set(id, known);
    if (slot !== undefined) add((known.now[sum] ??= new Array(frame.count).fill(null)), slot, value);
    if (earlier !== undefined) add((known.before[sum] ??= new Array(frame.count).fill(null)), earlier, value);
  }
}

const grouped = (each: Entity[], currency: string | null): Group => ({
  key: each.map((e) => e.key),
  label: each.map((e) => e.label),
  currency,
  word: each.find((e) => e.word)?.word ?? null,
  color: each.length === 1 ? each[0]!.color : null,
});

const total = (row: (bigint | null)[] | undefined): bigint | null =>
  (row ?? []).reduce<bigint | null>((sum, v) => (v === null ? sum : (sum ?? 0n) + v), null);

const size = (value: bigint | null): bigint => (value === null ? 0n : value < 0n ? -value : value);

/** The first ones by size, Other, then words. */
function ranked(sums: Sum[], first: string, top: number | null, by: number): Sum[] {
  const order = (a: Sum, b: Sum) => {
    const [x, y] = [size(total(a.now[first])), size(total(b.now[first]))];
    return x === y ? a.group.label.join().localeCompare(b.group.label.join()) : x > y ? -1 : 1;
  };
  const plain = sums.filter((s) => s.group.word === null).sort(order);
  const words = sums.filter((s) => s.group.word !== null).sort(order);
  if (top === null || plain.length <= top) return [...plain, ...words];
  const rest = new Map<string | null, Sum>();
  for (const each of plain.slice(top)) {
    const currency = each.group.currency;
    const label = new Array<string>(by).fill("Other");
    const empty: Sum = { group: { key: [], label, currency, word: "other", color: null }, now: {}, before: {} };
    const into = rest.get(currency) ?? empty;
    rest.set(currency, into);
    for (const side of ["now", "before"] as const)
      for (const [name, row] of Object.entries(each[side])) {
        const to = (into[side][name] ??= new Array(row.length).fill(null));
        row.forEach((value, slot) => value !== null && add(to, slot, value));
      }
  }
  return [...plain.slice(0, top), ...rest.values(), ...words];
}

type Side = Record<string, (bigint | null)[]>;

function valueOf(report: Report, metric: Metric, of: (sum: string) => bigint | null): Value {
  const [over, under] = parts(report, metric.name);
  if (under === undefined) return write(of(over!), isMoney(metric.unit));
  const [a, b] = [of(over!), of(under)];
  return a === null || !b ? null : Number(a) / Number(b);
}

function summed(sums: Sum[], side: "now" | "before", name: string): bigint | null {
  return sums.reduce<bigint | null>((sum, s) => {
    const value = total(s[side][name]);
    return value === null ? sum : (sum ?? 0n) + value;
  }, null);
}

function statuses(report: Report, frame: Frame): string[] {
  const order = ["stable", "provisional", "open"];
  const out = new Array<string>(frame.count).fill("stable");
  const cube = report.cubes[0];
  cube?.days.forEach((day, i) => {
    const slot = frame.slotOf.get(day);
    const status = cube.status[i]!;
    if (slot !== undefined && order.indexOf(status) > order.indexOf(out[slot]!)) out[slot] = status;
  });
  return out;
}

/** An answer to a question that a report can answer. */
export function answer(report: Report, asked: Asked, like: Dense): Dense {
  const time = slots(asked.days, asked.grain);
  const slotOf = new Map<number, number>();
  time.start.forEach((start, slot) => {
    for (let day = start; day < time.end[slot]!; day += DAY) slotOf.set(day, slot);
  });
  const held = report.cubes[0]!.days[0]!;
  const back = asked.compare ? shift(asked.days, asked.compare) : 0;
  const compared = back > 0 && asked.days.start - back >= held;
  const frame: Frame = { asked, slotOf, back: compared ? back : 0, count: time.start.length, found: new Map() };
  const currencies = new Set(report.cubes.flatMap((cube) => cube.currencies).filter((c) => c !== null));
  const dims = [...asked.by, ...asked.where.map((w) => w.name)];
  const withMoney = asked.metrics.some((m) => isMoney(m.unit));
  const sums = new Map(asked.metrics.flatMap((m) => parts(report, m.name).map((name) => [name, isMoney(m.unit)])));
  for (const [name, money] of sums)
    collect(
      cubeOf(report, name, dims)!,
      name,
      money,
      frame,
      withMoney && currencies.size === 1 ? [...currencies][0]! : null,
    );
  const first = parts(report, asked.metrics[0]!.name).at(-1)!;
  const groups = ranked([...frame.found.values()], first, asked.top, asked.by.length);
  const perSlot = (side: "now" | "before", metric: Metric) =>
    groups.map((g) =>
      time.start.map((_, slot) => valueOf(report, metric, (sum) => (g[side] as Side)[sum]?.[slot] ?? null)),
    );
  const overall = (side: "now" | "before", metric: Metric) =>
    groups.map((g) => valueOf(report, metric, (sum) => total((g[side] as Side)[sum])));
  const of = <T>(make: (metric: Metric) => T): Record<string, T> =>
    Object.fromEntries(asked.metrics.map((m) => [m.name, make(m)]));
  const kinds = [...new Set(groups.map((g) => g.group.currency))];
  const whole = (metric: Metric) =>
    kinds.map((currency) => {
      const mine = groups.filter((g) => g.group.currency === currency);
      const value = valueOf(report, metric, (sum) => summed(mine, "now", sum));
      return compared
        ? { currency, value, previous: valueOf(report, metric, (sum) => summed(mine, "before", sum)) }
        : { currency, value };
    });
  const before = { start: asked.days.start - back, end: asked.days.end - back };
  return {
    ...like,
    query: { ...like.query, metrics: asked.metrics.map((m) => m.name), by: asked.by, grain: asked.grain },
    range: { start: moment(asked.days.start), end: moment(asked.days.end), text: rangeText(asked.days) },
    comparison: compared ? `compared with ${rangeText(before)}` : null,
    metrics: asked.metrics,
    time,
    status: statuses(report, frame),
    groups: groups.map((g) => g.group),
    values: of((m) => perSlot("now", m)),
    overall: of((m) => overall("now", m)),
    whole: of(whole),
    ...(compared
      ? {
          previous: of((m) => perSlot("before", m)),
          overall_previous: of((m) => overall("before", m)),
          overall_compared: undefined,
        }
      : { previous: undefined, overall_previous: undefined, overall_compared: undefined }),
  } as Dense;
}
