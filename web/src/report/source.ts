/** A report as a source: the boards that it brought along, and others made from its cubes. */
import { moment } from "../clock";
import { isDense } from "../labels";
import { Refused, type Source } from "../source";
import { parts as filterParts } from "../state";
import type { Board, Dense, Metric, Option, Panel, Table } from "../types";
import { answer, answers, type Asked } from "./answer";
import type { Report } from "./cube";
import { autoGrain, DAY, type Days, ranged, rangeText } from "./days";

const RANGES = ["last", "period", "since", "until"];
const STATE = [...RANGES, "metric", "by", "grain", "where", "compare"];

interface Wanted {
  days: Days;
  grain: string;
  metric: string[];
  by: string[];
  where: string[];
  compare: string | null;
}

function held(report: Report): Days {
  const days = report.cubes[0]?.days ?? [];
  return { start: days[0] ?? 0, end: (days.at(-1) ?? 0) + DAY };
}

function wanted(report: Report, base: Board, words: URLSearchParams): Wanted {
  const { start, end } = base.state.range;
  const own = { start: Date.parse(start) / 1000, end: Date.parse(end) / 1000 };
  const days = ranged(words, held(report)) ?? own;
  if (days.end <= days.start)
    throw new Refused({ title: "This report holds nothing of then", detail: `It holds ${rangeText(held(report))}.` });
  const compare = words.get("compare") ?? base.state.compare;
  return {
    days,
    grain: words.get("grain") ?? autoGrain(days),
    metric: words.get("metric")?.split(",") ?? base.state.metric,
    by: words.get("by")?.split(",") ?? base.state.by,
    where: words.getAll("where"),
    compare: compare === "none" ? null : compare,
  };
}

const same = (a: string[], b: string[]): boolean => a.join() === b.join();

/** Every metric that any panel of the report shows. */
function metrics(report: Report): Map<string, Metric> {
  const all = Object.values(report.boards).flatMap((b) =>
    b.panels.flatMap((p) => (isDense(p.data) ? p.data.metrics : [])),
  );
  return new Map(all.map((m) => [m.name, m]));
}

/** The question of a panel in another state: what followed the state before follows it now. */
function asked(report: Report, base: Board, dense: Dense, to: Wanted): Asked {
  const known = metrics(report);
  const follows = same(dense.query.metrics, base.state.metric);
  const names = follows ? to.metric : dense.query.metrics;
  const where = to.where.map(filterParts);
  const by = same(dense.query.by, base.state.by) ? to.by : dense.query.by;
  const all = names.flatMap((name) => known.get(name) ?? []);
  const can = all.filter((m) => answers(report, { metrics: [m], by, where }));
  const grain = dense.query.grain === "total" ? "total" : to.grain;
  return { metrics: can, by, grain, days: to.days, where, top: dense.query.top ?? null, compare: to.compare };
}

const title = (choices: Board["choices"]["by"], name: string | undefined): string =>
  choices.find((c) => c.name === name)?.title ?? name ?? "";

function panel(report: Report, base: Board, old: Panel, to: Wanted): Panel {
  if (!isDense(old.data)) return old;
  const question = asked(report, base, old.data, to);
  if (!question.metrics.length)
    return {
      ...old,
      data: null,
      problem: { title: "Not in this report", detail: "It holds no such detail; ask the book." },
    };
  const { metrics: names, by } = base.choices;
  const renamed = old.title
    .replace(title(names, base.state.metric[0]), title(names, to.metric[0]))
    .replace(title(by, base.state.by[0]).toLowerCase(), title(by, to.by[0]).toLowerCase());
  return { ...old, title: question.by === to.by ? renamed : old.title, data: answer(report, question, old.data) };
}

function choices(report: Report, base: Board): Board["choices"] {
  const dims = new Set(report.cubes.flatMap((cube) => Object.keys(cube.dims)));
  const can = (name: string) => name in report.ratios || report.cubes.some((cube) => name in cube.values);
  return {
    ...base.choices,
    metrics: base.choices.metrics.filter((m) => can(m.name)),
    by: base.choices.by.filter((d) => dims.has(d.name)),
    grains: base.choices.grains.filter((g) => !["minute", "hour"].includes(g.name)),
    tz: { ok: false, why: "A report is in UTC." },
  };
}

function boardOf(report: Report, words: URLSearchParams): Board {
  const tab = words.get("tab") ?? Object.keys(report.boards)[0]!;
  const base = report.boards[tab];
  if (!base) throw new Refused({ title: `This report has no tab ${tab}`, nearest: Object.keys(report.boards) });
  const ready = { ...base, choices: choices(report, base) };
  if (!STATE.some((name) => words.has(name))) return ready;
  const to = wanted(report, base, words);
  const range = { start: moment(to.days.start), end: moment(to.days.end), text: rangeText(to.days) };
  const state = { ...base.state, metric: to.metric, by: to.by, grain: to.grain, range, words: range.text };
  return {
    ...ready,
    state: { ...state, compare: to.compare, where: to.where },
    panels: base.panels.map((each) => panel(report, base, each, to)),
  };
}

function options(report: Report, by: string): Option[] {
  const found = report.cubes.find((cube) => by in cube.dims)?.dims[by] ?? [];
  return found.map(({ key, label, color }): Option => ({ id: key ?? label, label, color, share: null }));
}

export function embedded(report: Report): Source {
  return {
    live: false,
    board: async (words) => boardOf(report, new URLSearchParams(words)),
    table: async () => ({ columns: [], rows: [], total: 0 }) satisfies Table,
    options: async (by) => options(report, by),
    download: () => null,
    sync: async () => undefined,
    addNote: async () => undefined,
  };
}
