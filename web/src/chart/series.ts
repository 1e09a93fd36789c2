/** An answer as series to draw: numbers for pixels, texts for people. */
import { num } from "../format";
import { hue, title } from "../labels";
import type { Dense, Group, Metric, Value } from "../types";

export interface Series {
  id: string;
  label: string;
  color: string;
  group: Group;
  metric: Metric;
  values: (number | null)[];
  exact: Value[];
}

export interface Chart {
  dense: Dense;
  metric: Metric;
  currency: string | null;
  series: Series[];
  /** Per slot: the sum of what is stacked; null where nothing is known. */
  totals: (number | null)[];
  /** The same of the range before, where it may be added up. */
  before: (number | null)[] | null;
  /** Whether parts add up to a whole. */
  adds: boolean;
}

/** The currencies of an answer, the one with the most money first. */
export function currencies(dense: Dense, metric: string): string[] {
  const whole = dense.whole[metric] ?? [];
  return [...whole]
    .filter((w) => w.currency !== null)
    .sort((a, b) => Math.abs(num(b.value) ?? 0) - Math.abs(num(a.value) ?? 0))
    .map((w) => w.currency as string);
}

const sum = (rows: (number | null)[][], slots: number): (number | null)[] =>
  Array.from({ length: slots }, (_, slot) => {
    let total: number | null = null;
    for (const row of rows) {
      const value = row[slot];
      if (value != null) total = (total ?? 0) + value;
    }
    return total;
  });

export function chart(dense: Dense, currency: string | null, stacked: boolean): Chart {
  const metric = dense.metrics[0]!;
  const slots = dense.time.start.length;
  const metrics = stacked ? dense.metrics.filter((m) => m.unit === metric.unit) : dense.metrics;
  const kept = dense.groups
    .map((group, i) => ({ group, i }))
    .filter(({ group }) => group.currency === currency || !currency);
  const series = metrics.flatMap((each, m) =>
    kept.map(({ group, i }): Series => {
      const exact = dense.values[each.name]?.[i] ?? [];
      const name = metrics.length > 1 ? (each.title ?? each.name.replaceAll("_", " ")) : title(group);
      const color = metrics.length > 1 ? hue({ color: m, word: null }) : hue(group, i);
      return { id: `${each.name}/${i}`, label: name, color, group, metric: each, values: exact.map(num), exact };
    }),
  );
  const adds = metric.kind === "flow" || (metric.kind === "level" && dense.query.by.length > 0);
  const rows = dense.previous?.[metric.name];
  const comparable = rows && ((adds && stacked) || kept.length === 1) && metrics.length === 1;
  return {
    dense,
    metric,
    currency,
    series,
    totals: sum(adds || series.length === 1 ? series.map((s) => s.values) : [], slots),
    before: comparable
      ? sum(
          kept.map(({ i }) => (rows[i] ?? []).map(num)),
          slots,
        )
      : null,
    adds,
  };
}

export interface Layer {
  series: Series;
  low: number[];
  high: number[];
}

/** Stack series, the first at the bottom; what is negative grows down from zero. */
export function stack(series: Series[], slots: number): Layer[] {
  const up = new Array<number>(slots).fill(0);
  const down = new Array<number>(slots).fill(0);
  return series.map((each) => {
    const low: number[] = [];
    const high: number[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const value = each.values[slot];
      const side = (value ?? 0) < 0 ? down : up;
      low.push(side[slot]!);
      side[slot]! += value ?? 0;
      high.push(value == null ? Number.NaN : side[slot]!);
    }
    return { series: each, low, high };
  });
}
