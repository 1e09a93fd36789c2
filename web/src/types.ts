/** What the server says: the shapes of /api/board, /api/table and /api/options. */

/** Money and large counts are text, exactly; null is "not known". */
export type Value = string | number | null;

export interface Metric {
  name: string;
  unit: string;
  kind: "flow" | "level" | "distinct" | "ratio";
  title?: string;
  says?: string;
  good?: "up" | "down" | "neutral";
}

export interface Group {
  key: (string | null)[];
  label: string[];
  currency: string | null;
  word: string | null;
  color: number | null;
}

export interface Whole {
  currency: string | null;
  value: Value;
  previous?: Value;
  /** The part of the value that may be compared with what was before. */
  compared?: Value;
}

/** An answer of the book: a value per metric, group and slot of time. */
export interface Dense {
  query: { metrics: string[]; by: string[]; grain: string; tz?: string; top?: number | null };
  range: { start: string; end: string; text: string };
  comparison: string | null;
  coverage: { complete: boolean; text: string };
  notes: string[];
  metrics: Metric[];
  time: { start: number[]; end: number[]; label: string[] };
  status: string[];
  groups: Group[];
  values: Record<string, Value[][]>;
  previous?: Record<string, Value[][]>;
  overall: Record<string, Value[]>;
  overall_previous?: Record<string, Value[]>;
  overall_compared?: Record<string, Value[]>;
  whole: Record<string, Whole[]>;
}

export interface Problem {
  title: string;
  status?: number;
  detail?: string;
  nearest?: string[];
}

export interface Panel {
  id: string;
  title: string;
  mark: string;
  width: "wide" | "third" | "half" | "full";
  says?: string | null;
  query?: string | null;
  data: unknown;
  problem: Problem | null;
}

export interface Choice {
  name: string;
  title?: string;
  unit?: string;
  ok?: boolean;
  why?: string | null;
}

export interface Note {
  id?: string | number;
  time: number;
  text: string;
}

export interface Board {
  version: string;
  now: number;
  as_of: number | null;
  tab: string;
  tabs: { id: string; title: string }[];
  state: {
    metric: string[];
    by: string[];
    grain: string;
    range: { start: string; end: string; text: string };
    tz: string;
    compare: string | null;
    where: string[];
    words: string;
  };
  choices: {
    metrics: Choice[];
    by: Choice[];
    grains: Choice[];
    tz: { ok: boolean; why?: string | null };
    orgs: string[];
  };
  panels: Panel[];
  notes: Note[];
  sync: { can: boolean; running: boolean; last?: unknown };
  empty: { title: string; text: string; command?: string | null } | null;
}

export interface Table {
  columns: { name: string; title: string; unit: string | null; dimension?: boolean }[];
  rows: Value[][];
  total: number;
}

export interface Option {
  id: string;
  label: string;
  color: number | null;
  share: number | null;
}
