/** Every mark by its name: a panel says which one draws it. */
import type { ComponentType } from "preact";
import { Donut } from "./donut";
import { Facts } from "./facts";
import { Heat } from "./heat";
import { Kpi } from "./kpi";
import type { MarkProps } from "./mark";
import { Notes } from "./note";
import { Rank } from "./rank";
import { Table } from "./table";
import { Line, Stack } from "./time";
import { Waterfall } from "./waterfall";

export const MARKS: Record<string, ComponentType<MarkProps>> = {
  kpi: Kpi,
  stack: Stack,
  line: Line,
  donut: Donut,
  rank: Rank,
  table: Table,
  heat: Heat,
  waterfall: Waterfall,
  note: Notes,
  facts: Facts,
  heading: () => null,
};
