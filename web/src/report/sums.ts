/** Sums of a report's cubes: by group and slot of time, now and in the range before. Exact. */
import { isMoney } from "../format";
import type { Group } from "../types";
import { type Condition, type Cube, cubeOf, type Entity, exactly, type Part, type Report } from "./cube";
import { DAY, type Days, type Slots, slots, slotsOfDays, weeks } from "./days";

export type Exact = bigint | null;

/** A range before, and how much of the range asked for it is compared with. */
export interface Window {
  before: Days;
  /** Until when the range asked for is compared. */
  until: number;
  /** The slot beside which a day of the range before lies. */
  slotOf: (day: number) => number | undefined;
}

/** The numbers of one group and one sum. */
export interface Sums {
  now: Exact[];
  total: Exact;
  compared: Exact;
  before: Exact[];
  earlier: Exact;
}

export interface Found {
  group: Group;
  id: string[];
  sums: Map<string, Sums>;
}

/** A question to the cubes. */
export interface Question {
  by: string[];
  where: Condition[];
  days: Days;
  grain: string;
  compare: boolean;
}

export const named = (part: Part): string => [part.sum, ...part.datasets].join("/");

const plus = (a: Exact, b: Exact): Exact => (b === null ? a : (a ?? 0n) + b);

/** What a range is compared with: as the book does for the range of the report, else by whole weeks. */
function windowOf(report: Report, cube: Cube, sum: string, asked: Question, now: Slots): Window | null {
  const { days, grain } = asked;
  const until = Math.min(days.end, cube.through);
  if (!asked.compare || until <= days.start) return null;
  const own = days.start === report.range.start && days.end === report.range.end ? cube.before : null;
  const back = own ? days.start - own.start : weeks(days);
  const before = own ?? { start: days.start - back, end: until - back };
  for (let day = before.start; day < before.end; day += DAY)
    if (!cube.held[sum]![(day - cube.days[0]!) / DAY]) return null;
  const at = slotsOfDays(now);
  const inUnits = own && ["month", "quarter", "year"].includes(grain) ? slotsOfDays(slots(before, grain)) : null;
  return { before, until, slotOf: (day) => (inUnits ? inUnits.get(day) : at.get(day + back)) };
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Whether an entity is meant by a value: its id, its name, or a pattern with `*`, which takes no word in brackets. */
function meant(value: string): (entity: Entity) => boolean {
  if (!value.includes("*")) return (e) => e.key === value || e.label === value;
  const pattern = new RegExp(`^${value.split("*").map(escaped).join(".*")}$`, "s");
  return (e) => e.word === null && (pattern.test(e.label) || pattern.test(e.key ?? ""));
}

/** Which rows of a cube pass: per dimension that is restricted, the entities that do. */
function passing(cube: Cube, where: Condition[], part: Part): [number[], boolean[]][] {
  const only = part.datasets.map((value): Condition => ({ name: "dataset", not: false, value }));
  return [where, only].flatMap((conditions) =>
    [...new Set(conditions.map((c) => c.name))].map((name): [number[], boolean[]] => {
      const each = conditions.filter((c) => c.name === name);
      const wanted = each.filter((c) => !c.not).map((c) => meant(c.value));
      const unwanted = each.filter((c) => c.not).map((c) => meant(c.value));
      const ok = cube.dims[name]!.map(
        (e) => (!wanted.length || wanted.some((is) => is(e))) && !unwanted.some((is) => is(e)),
      );
      return [cube.rows.dims[name]!, ok];
    }),
  );
}

const grouped = (each: Entity[], currency: string | null): Group => ({
  key: each.map((e) => e.key),
  label: each.map((e) => e.label),
  currency,
  word: each.find((e) => e.word)?.word ?? null,
  color: each.length === 1 ? each[0]!.color : null,
});

const empty = (count: number): Sums => ({
  now: new Array<Exact>(count).fill(null),
  total: null,
  compared: null,
  before: new Array<Exact>(count).fill(null),
  earlier: null,
});

/** All groups of a question, and per sum what it is compared with. */
export interface Collected {
  found: Found[];
  windows: Map<string, Window | null>;
  cubes: Cube[];
  /** Whether money is in several currencies, so that counts stand apart from it. */
  several: boolean;
}

export function collect(report: Report, asked: Question, wanted: Part[], now: Slots): Collected {
  const dims = [...asked.by, ...asked.where.map((w) => w.name)];
  const found = new Map<string, Found>();
  const windows = new Map<string, Window | null>();
  const chosen = wanted.map((part) => [part, cubeOf(report, part, dims)!] as const);
  const codes = [...new Set(chosen.flatMap(([, cube]) => cube.currencies))].filter((code) => code !== null);
  const currency = codes.length === 1 ? codes[0]! : null;
  for (const [part, cube] of chosen) {
    const window = windowOf(report, cube, part.sum, asked, now);
    windows.set(named(part), window);
    gather({ report, cube, part, asked, now, window, currency, found });
  }
  if (!found.size && !asked.by.length) found.set("", { group: grouped([], currency), id: [], sums: new Map() });
  const several = codes.length > 1;
  for (const [part, cube] of chosen)
    fill({ report, cube, part, now, window: windows.get(named(part))!, several }, [...found.values()]);
  return { found: [...found.values()], windows, cubes: chosen.map(([, cube]) => cube), several };
}

interface Gathering {
  report: Report;
  cube: Cube;
  part: Part;
  asked: Question;
  now: Slots;
  window: Window | null;
  currency: string | null;
  found: Map<string, Found>;
}

/** What is not known although it is held, by group: it is no 0. */
const UNKNOWN = new WeakMap<Sums, Set<number>>();

/** The sums of the group of a row, which other cubes may know already. */
function sumsOf({ cube, part, asked, now, currency, found }: Gathering, i: number): Sums {
  const mine = cube.currencies[cube.rows.currency[i]!] ?? currency;
  const each = asked.by.map((name) => cube.dims[name]![cube.rows.dims[name]![i]!]!);
  const id = [...each.map((e) => e.key ?? e.label), String(mine)];
  const name = JSON.stringify(id);
  const known: Found = found.get(name) ?? { group: grouped(each, mine), id, sums: new Map() };
  found.set(name, known);
  const sums = known.sums.get(named(part)) ?? empty(now.start.length);
  known.sums.set(named(part), sums);
  return sums;
}

function gather(gathering: Gathering): void {
  const { report, cube, part, asked, now, window } = gathering;
  const pass = passing(cube, asked.where, part);
  const columns = [cube.rows.currency, ...asked.by.map((name) => cube.rows.dims[name]!)];
  const slotOf = slotsOfDays(now);
  const values = exactly(cube, part.sum, report.metrics[part.sum]!.unit);
  const places = new Map<string, Sums>();
  for (const [i, value] of values.entries()) {
    const day = cube.days[cube.rows.day[i]!]!;
    const slot = slotOf.get(day);
    const isBefore = window !== null && day >= window.before.start && day < window.before.end;
    if ((slot === undefined && !isBefore) || !pass.every(([column, ok]) => ok[column[i]!])) continue;
    const place = columns.map((column) => column[i]!).join();
    const sums = places.get(place) ?? sumsOf(gathering, i);
    places.set(place, sums);
    if (slot !== undefined) {
      sums.now[slot] = plus(sums.now[slot]!, value);
      sums.total = plus(sums.total, value);
      if (window && day < window.until) sums.compared = plus(sums.compared, value);
      if (value === null) UNKNOWN.set(sums, (UNKNOWN.get(sums) ?? new Set()).add(slot));
    }
    if (!isBefore) continue;
    const beside = window.slotOf(day);
    sums.earlier = plus(sums.earlier, value);
    if (beside !== undefined) sums.before[beside] = plus(sums.before[beside]!, value);
  }
}

/** What was compared and says nothing is 0: all of it is held. */
function settle(sums: Sums, window: Window): void {
  sums.earlier ??= 0n;
  sums.compared ??= UNKNOWN.has(sums) ? null : 0n;
  for (let day = window.before.start; day < window.before.end; day += DAY) {
    const slot = window.slotOf(day);
    if (slot !== undefined && slot < sums.before.length) sums.before[slot] ??= 0n;
  }
}

interface Filling extends Pick<Gathering, "report" | "cube" | "part" | "now" | "window"> {
  several: boolean;
}

/** Where the book holds a sum and no row says anything, it is 0; elsewhere it is not known. */
function fill({ report, cube, part, now, window, several }: Filling, found: Found[]): void {
  const money = isMoney(report.metrics[part.sum]!.unit);
  const held = now.start.map((start, slot) => heldDays(cube, part.sum, { start, end: now.end[slot]! }).includes(1));
  for (const each of found) {
    if (several && money !== (each.group.currency !== null)) continue;
    const sums = each.sums.get(named(part)) ?? empty(now.start.length);
    each.sums.set(named(part), sums);
    const unknown = UNKNOWN.get(sums);
    held.forEach((is, slot) => {
      if (is && !unknown?.has(slot)) sums.now[slot] ??= 0n;
    });
    if (held.includes(true) && !unknown) sums.total ??= 0n;
    if (window) settle(sums, window);
  }
}

/** Per day of a range, 1 where a sum is held. */
export const heldDays = (cube: Cube, sum: string, { start, end }: Days): number[] =>
  cube.held[sum]!.slice((start - cube.days[0]!) / DAY, (end - cube.days[0]!) / DAY);
