/** Rows for reading, made of an answer. */
import type { Dense, Table, Value } from "../types";
import type { Report } from "./cube";

export function table(report: Report, dense: Dense): Table {
  const { by, grain } = dense.query;
  const timed = grain !== "total";
  const several = new Set(dense.groups.map((g) => g.currency)).size > 1;
  const told = (name: string, title: string) => ({ name, title, unit: null, dimension: false });
  const columns = [
    ...(timed ? [told("time", "Time")] : []),
    ...by.map((name) => ({ ...told(name, report.dims[name] ?? name), dimension: true })),
    ...(several ? [told("currency", "Currency")] : []),
    ...dense.metrics.map((m) => ({ name: m.name, title: m.title ?? m.name, unit: m.unit, dimension: false })),
  ];
  const rows = dense.time.label.flatMap((label, slot) =>
    dense.groups.map((group, j): Value[] => [
      ...(timed ? [label] : []),
      ...group.label,
      ...(several ? [group.currency] : []),
      ...dense.metrics.map((m) => (timed ? dense.values[m.name]![j]![slot]! : dense.overall[m.name]![j]!)),
    ]),
  );
  return { columns, rows: timed ? rows.reverse() : rows, total: rows.length };
}
