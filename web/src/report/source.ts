/** A report as a source: the boards that it brought along, and others made from its cubes. */
import { moment } from "../clock";
import { isMoney } from "../format";
import { isDense } from "../labels";
import { Refused, type Source } from "../source";
import { type Changes, parts as filterParts, RANGE } from "../state";
import type { Board, Dense, Metric, Option, Panel, Problem, Table, Value, Whole } from "../types";
import { answer, type Asked } from "./answer";
import { type Condition, type Follows, type Report, tells } from "./cube";
import { autoGrain, DAY, type Days, ranged, rangeText } from "./days";
import { table } from "./table";

const STATE = ["since", "until", "metric", "by", "grain", "where", "compare"];
const ADDS_UP = ["flow", "level"];
const ONLY_WHOLE = "told only for all of the report";
const TOO_FINE = ["minute", "hour"];

interface Wanted {
  days: Days;
  grain: string;
  metric: string[];
  by: string[];
  where: string[];
  compare: boolean;
}

const list = (text: string | null): string[] | null => text?.split(",").filter((name) => name) ?? null;

function wanted(report: Report, base: Board, words: URLSearchParams): Wanted {
  const days = ranged(words, report.range);
  if (days.end <= days.start)
    throw new Refused({ title: "This report holds nothing of then", detail: `It is of ${rangeText(report.range)}.` });
  const grain = words.get("grain");
  return {
    days,
    grain: grain && !TOO_FINE.includes(grain) ? grain : autoGrain(days),
    metric: list(words.get("metric")) ?? base.state.metric,
    by: list(words.get("by")) ?? base.state.by,
    where: words.getAll("where"),
    compare: (words.get("compare") ?? base.state.compare ?? "none") !== "none",
  };
}

/** The question of a panel in a state. */
function asked(report: Report, row: Follows, to: Wanted): Asked {
  const known = (name: string): Metric =>
    report.metrics[name] ?? { name, unit: "", kind: "distinct", says: ONLY_WHOLE };
  return {
    metrics: (row.metric ?? to.metric).map(known),
    by: row.mark === "kpi" ? [] : (row.by ?? to.by),
    where: [...to.where, ...row.where].map(filterParts),
    days: to.days,
    grain: row.grain === "state" ? to.grain : row.grain,
    compare: to.compare && row.compares,
    top: row.top,
  };
}

const dimsOf = (question: { by: string[]; where: Condition[] }): string[] => [
  ...question.by,
  ...question.where.map((w) => w.name),
];

/** Cards. What a report cannot add up is told as it was at first, while the range is the report's own; else not. */
function cards(report: Report, question: Asked, old: Dense): Dense {
  const [can, not] = [true, false].map((is) =>
    question.metrics.filter((m) => tells(report, m.name, dimsOf(question)) === is),
  ) as [Metric[], Metric[]];
  const found = answer(report, { ...question, metrics: can });
  const { days, where, grain } = question;
  const { start, end } = report.range;
  const first = !where.length && days.start === start && days.end === end && grain === old.query.grain;
  const was = (m: Metric) => old.metrics.find((o) => o.name === m.name);
  const known = (m: Metric): Metric =>
    can.includes(m) ? m : { ...m, ...was(m), ...(first ? {} : { says: ONLY_WHOLE }) };
  const whole = (m: Metric): Whole[] => (first ? old.whole[m.name] : undefined) ?? [{ currency: null, value: null }];
  const values = (m: Metric): Value[][] => (first ? old.values[m.name] : undefined) ?? [];
  return {
    ...found,
    metrics: question.metrics.map(known),
    values: { ...found.values, ...Object.fromEntries(not.map((m) => [m.name, values(m)])) },
    whole: { ...found.whole, ...Object.fromEntries(not.map((m) => [m.name, whole(m)])) },
  };
}

function problem(report: Report, question: Asked): Problem {
  const lacking = question.metrics.find((m) => !tells(report, m.name, dimsOf(question)))!;
  const said = report.metrics[lacking.name]?.title ?? lacking.name;
  const dims = dimsOf(question).map((name) => (report.dims[name] ?? name).toLowerCase());
  const by = dims.length ? ` by ${[...new Set(dims)].join(" and ")}` : "";
  return { title: "Not in this report", detail: `It does not hold ${said.toLowerCase()}${by}; the book may.` };
}

const lower = (title: string): string =>
  /^.[a-z]/.test(title) ? title.charAt(0).toLowerCase() + title.slice(1) : title;

function titled(report: Report, row: Follows, question: Asked, old: Panel): string {
  if (!row.title) return old.title;
  const by = question.by.map((name) => report.dims[name] ?? name).join(" and ");
  return row.title.replace("{metric}", question.metrics[0]?.title ?? "").replace("{by}", lower(by));
}

function panel(report: Report, row: Follows, old: Panel, to: Wanted): Panel {
  if (row.is_fixed) return old;
  const question = asked(report, row, to);
  const shown = { ...old, title: titled(report, row, question, old) };
  const first = isDense(old.data) ? old.data : null;
  if (row.mark === "kpi" && first) return { ...shown, data: cards(report, question, first) };
  if (!question.metrics.every((m) => tells(report, m.name, dimsOf(question))))
    return { ...shown, data: null, problem: problem(report, question) };
  const dense = answer(report, question);
  const billed = question.metrics.some((m) => isMoney(m.unit)) ? (report.metrics.cost?.says ?? "") : "";
  const adds = question.metrics.every((m) => ADDS_UP.includes(m.kind));
  return {
    ...shown,
    mark: row.mark === "stack" && !adds ? "line" : row.mark,
    says: row.says || billed,
    data: row.mark === "table" ? table(report, dense) : dense,
    problem: null,
  };
}

const isCut = (data: unknown): boolean =>
  typeof data === "object" && data !== null && "rows" in data && (data as Table).rows.length < (data as Table).total;

function choices(report: Report, base: Board, metric: string[]): Board["choices"] {
  const { metrics, grains } = base.choices;
  const dims = Object.keys(report.dims).filter((name) => metric.every((m) => tells(report, m, [name])));
  return {
    metrics: metrics.filter((m) => tells(report, m.name, [])),
    by: dims.map((name) => ({ name, title: report.dims[name] ?? name })),
    grains: grains.filter((g) => !TOO_FINE.includes(g.name)),
    tz: { ok: false, why: "A report is in UTC." },
    orgs: base.choices.orgs,
  };
}

const same = (a: string[], b: string[]): boolean => a.join() === b.join();

/** The page that has every other one below each other. */
const ALL = { id: "all", title: "All on one page" };

function boardOf(report: Report, words: URLSearchParams): Board {
  const names = Object.keys(report.boards);
  const tab = words.get("tab") ?? names[0]!;
  if (tab !== ALL.id && !report.boards[tab])
    throw new Refused({ title: `This report has no tab ${tab}`, nearest: [...names, ALL.id] });
  const [first, ...more] = (tab === ALL.id ? names : [tab]).map((name) => tabOf(report, name, words));
  const tabs = [...first!.tabs, ALL];
  const headed = more.flatMap((each): Panel[] => [
    heading(each),
    ...each.panels.map((p) => ({ ...p, id: `${each.tab}-${p.id}` })),
  ]);
  return { ...first!, tab, tabs, panels: [...first!.panels, ...headed] };
}

const heading = ({ tab, tabs }: Board): Panel => ({
  ...{ id: tab, title: tabs.find((t) => t.id === tab)?.title ?? tab, mark: "heading", width: "full" },
  ...{ data: [], problem: null },
});

function tabOf(report: Report, tab: string, words: URLSearchParams): Board {
  const base = report.boards[tab]!;
  const rows = report.panels[tab]!;
  const to = wanted(report, base, words);
  const is = STATE.some((name) => words.has(name));
  const range = { start: moment(to.days.start), end: moment(to.days.end), text: rangeText(to.days) };
  const only = report.only && `, only ${report.only}`;
  // The main panel shows it already.
  const repeats = (row: Follows) => is && row.metric === null && row.by !== null && same(row.by, to.by);
  return {
    ...base,
    now: Math.floor(Date.now() / 1000),
    choices: choices(report, base, to.metric),
    state: {
      ...base.state,
      ...{ metric: to.metric, by: to.by, grain: to.grain, range, where: to.where, words: range.text + only },
      compare: to.compare ? "previous" : null,
    },
    panels: base.panels
      .filter((each) => !repeats(rows[each.id]!))
      .map((each) => (is || isCut(each.data) ? panel(report, rows[each.id]!, each, to) : each)),
  };
}

function options(report: Report, by: string): Option[] {
  const found = new Map(
    report.cubes
      .flatMap((cube) => cube.dims[by] ?? [])
      .filter((e) => e.word === null || e.word === "none")
      .map((e) => [e.key ?? e.label, e]),
  );
  return [...found.values()]
    .sort((a, b) => (a.color ?? Infinity) - (b.color ?? Infinity))
    .map(({ key, label, color }): Option => ({ id: key ?? label, label, color, share: null }));
}

/** Ranges of the report's own: what "the last week" means elsewhere was when it was made. */
function presets({ range }: Report): { title: string; says: string; words: Changes }[] {
  const whole = { title: "Whole report", says: rangeText(range), words: RANGE };
  const last = [7, 28]
    .filter((days) => days * DAY < range.end - range.start)
    .map((days) => {
      const part = { start: range.end - days * DAY, end: range.end };
      const [since, until] = [moment(part.start), moment(part.end - 1)].map((text) => text.slice(0, 10));
      return { title: `Last ${days} d`, says: rangeText(part), words: { ...RANGE, since: since!, until: until! } };
    });
  return [whole, ...last];
}

export function embedded(report: Report): Source {
  return {
    live: false,
    presets: presets(report),
    board: async (words) => boardOf(report, new URLSearchParams(words)),
    table: async () => ({ columns: [], rows: [], total: 0 }) satisfies Table,
    options: async (by) => options(report, by),
    download: () => null,
    sync: async () => undefined,
    addNote: async () => undefined,
  };
}
