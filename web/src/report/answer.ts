/** Answers made from the cubes of a report: the same shapes, the same rules of ranking and adding as the server's. */
import { moment } from "../clock";
import { isMoney } from "../format";
import type { Dense, Metric, Value, Whole } from "../types";
import { parts, type Part, type Report, write } from "./cube";
import { dates, lengthText, rangeText, slots, slotsOfDays } from "./days";
import { collect, type Collected, type Exact, type Found, named, type Question, type Sums } from "./sums";

export interface Asked extends Question {
  metrics: Metric[];
  top: number | null;
}

type Side = "total" | "compared" | "earlier";
type Take = (sums: Sums) => Exact;

const plus = (a: Exact, b: Exact): Exact => (b === null ? a : (a ?? 0n) + b);
const size = (value: Exact): bigint => (value === null ? 0n : value < 0n ? -value : value);

function less(a: string[], b: string[]): number {
  const at = a.findIndex((text, i) => text !== b[i]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
}

/** The first ones by size, Other, then words. */
function ranked(found: Found[], first: Part, top: number | null, by: number): Found[] {
  const sizeOf = (each: Found) => size(each.sums.get(named(first))?.total ?? null);
  const order = (a: Found, b: Found) => {
    const [x, y] = [sizeOf(a), sizeOf(b)];
    return x === y ? less(a.id, b.id) : x > y ? -1 : 1;
  };
  const plain = found.filter((each) => each.group.word === null).sort(order);
  const words = found.filter((each) => each.group.word !== null).sort(order);
  if (top === null || !by || plain.length <= top) return [...plain, ...words];
  return [...plain.slice(0, top), ...rest(plain.slice(top), by), ...words];
}

/** What is left, as Other, one for each currency. */
function rest(left: Found[], by: number): Found[] {
  const out = new Map<string | null, Found>();
  for (const each of left) {
    const currency = each.group.currency;
    const group = { key: new Array<null>(by).fill(null), label: new Array<string>(by).fill("Other") };
    const into = out.get(currency) ?? {
      group: { ...group, currency, word: "other", color: null },
      id: [],
      sums: new Map<string, Sums>(),
    };
    out.set(currency, into);
    for (const [name, sums] of each.sums) into.sums.set(name, added(into.sums.get(name), sums));
  }
  return [...out.values()];
}

const added = (a: Sums | undefined, b: Sums): Sums =>
  a === undefined
    ? b
    : {
        now: a.now.map((value, slot) => plus(value, b.now[slot]!)),
        total: plus(a.total, b.total),
        compared: plus(a.compared, b.compared),
        before: a.before.map((value, slot) => plus(value, b.before[slot]!)),
        earlier: plus(a.earlier, b.earlier),
      };

/** A metric from the sums that it is made of. */
function valueOf(report: Report, metric: Metric, of: (part: Part) => Exact): Value {
  const [over, under] = parts(report, metric.name);
  if (under === undefined) return write(of(over!), isMoney(metric.unit));
  const [a, b] = [of(over!), of(under)];
  return a === null || !b ? null : Number(a) / Number(b);
}

const valueIn = (report: Report, metric: Metric, each: Found, take: Take): Value =>
  valueOf(report, metric, (part) => {
    const sums = each.sums.get(named(part));
    return sums ? take(sums) : null;
  });

/** What a metric is compared with, and whether only a part of it is. */
interface Beside {
  compared: boolean;
  cut: boolean;
}

function wholes(report: Report, metric: Metric, { found, several }: Collected, { compared, cut }: Beside): Whole[] {
  const money = isMoney(metric.unit);
  const codes = [...new Set(found.map((each) => each.group.currency))];
  return (codes.length ? codes : [null])
    .filter((code) => !several || money === (code !== null))
    .map((currency) => {
      const all = found.filter((each) => each.group.currency === currency);
      const side = (name: Side): Value =>
        valueOf(report, metric, (part) =>
          all.reduce<Exact>((sum, each) => plus(sum, each.sums.get(named(part))?.[name] ?? null), null),
        );
      const now = { currency, value: side("total") };
      const before = compared ? { ...now, previous: side("earlier") } : now;
      return cut ? { ...before, compared: side("compared") } : before;
    });
}

const WORST = ["stable", "provisional", "open"];

/** What each slot is: missing only where nothing of it is held. */
function statuses(collected: Collected, asked: Asked): string[] {
  const time = slots(asked.days, asked.grain);
  const slotOf = slotsOfDays(time);
  const out = time.start.map(() => "missing");
  for (const cube of collected.cubes)
    cube.days.forEach((day, i) => {
      const slot = slotOf.get(day);
      const status = cube.status[i]!;
      if (slot !== undefined && WORST.indexOf(status) > WORST.indexOf(out[slot]!)) out[slot] = status;
    });
  return out;
}

/** What is said of the comparison, as the book says it. */
function comparison({ windows }: Collected): string | null {
  const known = [...windows.values()].find((window) => window !== null);
  return known ? `compared with ${dates(known.before)}, ${lengthText(known.before)}` : null;
}

/** What of the range is not held, in words as the book says it. */
function coverage({ cubes }: Collected, { days }: Asked): Dense["coverage"] {
  const gaps = cubes.flatMap((cube) => cube.missing).filter((gap) => gap.start < days.end && gap.end > days.start);
  const texts = [...new Set(gaps.map((gap) => gap.text))];
  const more = texts.length > 1 ? ` (and ${texts.length - 1} more)` : "";
  return { complete: !texts.length, text: texts.length ? `INCOMPLETE: ${texts[0]}${more}` : "" };
}

/** An answer to a question that a report can answer. */
export function answer(report: Report, asked: Asked): Dense {
  const time = slots(asked.days, asked.grain);
  const wanted = new Map(asked.metrics.flatMap((m) => parts(report, m.name)).map((part) => [named(part), part]));
  const collected = collect(report, asked, [...wanted.values()], time);
  const windowed = (m: Metric) => parts(report, m.name).every((part) => collected.windows.get(named(part)));
  const compared = asked.metrics.filter(windowed);
  const isCut = (part: Part) => collected.windows.get(named(part))!.until < asked.days.end;
  const cut = compared.filter((m) => parts(report, m.name).some(isCut));
  const groups = asked.metrics.length
    ? ranked(collected.found, parts(report, asked.metrics[0]!.name).at(-1)!, asked.top, asked.by.length)
    : [];
  const of = <T>(metrics: Metric[], make: (metric: Metric) => T): Record<string, T> =>
    Object.fromEntries(metrics.map((m) => [m.name, make(m)]));
  const cells = (take: (slot: number) => Take) => (m: Metric) =>
    groups.map((each) => time.start.map((_, slot) => valueIn(report, m, each, take(slot))));
  const over = (name: Side) => (m: Metric) => groups.map((each) => valueIn(report, m, each, (sums) => sums[name]));
  return {
    query: { metrics: asked.metrics.map((m) => m.name), by: asked.by, grain: asked.grain, tz: "UTC", top: asked.top },
    range: { start: moment(asked.days.start), end: moment(asked.days.end), text: rangeText(asked.days) },
    comparison: comparison(collected),
    coverage: coverage(collected, asked),
    notes: [],
    metrics: asked.metrics,
    time,
    status: statuses(collected, asked),
    groups: groups.map((each) => each.group),
    values: of(
      asked.metrics,
      cells((slot) => (sums) => sums.now[slot]!),
    ),
    overall: of(asked.metrics, over("total")),
    whole: of(asked.metrics, (m) =>
      wholes(report, m, collected, { compared: compared.includes(m), cut: cut.includes(m) }),
    ),
    ...(compared.length && {
      previous: of(
        compared,
        cells((slot) => (sums) => sums.before[slot]!),
      ),
      overall_previous: of(compared, over("earlier")),
    }),
    ...(cut.length && { overall_compared: of(compared, over("compared")) }),
  };
}
