/** A ranked list: each row is a filter; it is also the text of the chart beside it. */
import { useState } from "preact/hooks";
import { delta, exact, listed, num, percent } from "../format";
import { chooses, hue, title } from "../labels";
import { Change } from "../shell/change";
import { all, filter } from "../state";
import type { Dense, Group, Value } from "../types";
import type { MarkProps } from "./mark";

export interface Ranked {
  group: Group;
  place: number;
  value: Value;
  before: Value | undefined;
  /** What of the value may be compared with what was before. */
  compared: Value;
}

/** The groups of an answer with the numbers of its whole range. */
export function ranked(dense: Dense): Ranked[] {
  const metric = dense.metrics[0]!.name;
  const values = dense.overall[metric] ?? [];
  const before = dense.overall_previous?.[metric];
  const compared = dense.overall_compared?.[metric];
  return dense.groups.map((group, place) => {
    const value = values[place] ?? null;
    return { group, place, value, before: before?.[place], compared: compared?.[place] ?? value };
  });
}

const FIRST = 10;

export function Rank({ panel, board }: MarkProps) {
  return <Ranking dense={panel.data as Dense} compared={board.state.compare !== null} first={FIRST} bars />;
}

interface RankingProps {
  dense: Dense;
  compared: boolean;
  first: number;
  bars?: boolean;
}

export function Ranking({ dense, compared, first, bars = false }: RankingProps) {
  const [open, setOpen] = useState(false);
  const rows = ranked(dense);
  const metric = dense.metrics[0]!;
  if (!rows.length) return <p class="nothing">Nothing in this range.</p>;
  const say = listed(
    metric.unit,
    rows.map((r) => r.value),
  );
  const sizes = rows.map((r) => Math.abs(num(r.value) ?? 0));
  /** Of each currency: bars of one are never measured by another. */
  const most = new Map<string | null, number>();
  rows.forEach((r, i) => most.set(r.group.currency, Math.max(most.get(r.group.currency) ?? 0, sizes[i]!)));
  const adds = metric.kind === "flow" && new Set(rows.map((r) => r.group.currency)).size === 1;
  const sum = adds ? sizes.reduce((a, b) => a + b, 0) : 0;
  const shown = open ? rows : rows.slice(0, first);
  const withChange = compared && rows.some((r) => r.before != null);
  return (
    <>
      <ol class={`rank ${bars ? "bars" : ""}`}>
        {shown.map((row) => (
          <Row
            key={`${row.group.key.join()}${row.group.word}${row.group.currency}`}
            row={row}
            by={dense.query.by}
            said={say(row.value, row.group.currency)}
            title={`${title(row.group)}: ${exact(metric.unit, row.value, row.group.currency)}`}
            share={adds && sum ? percent(num(row.value) ?? 0, sum) : ""}
            size={bars ? (sizes[row.place] ?? 0) / (most.get(row.group.currency) || 1) : null}
            change={withChange ? <Change {...delta(metric.unit, row.compared, row.before, metric.good)} /> : null}
          />
        ))}
      </ol>
      {rows.length > first && (
        <button class="more" type="button" onClick={() => setOpen(!open)} aria-expanded={open}>
          {open ? "Show fewer" : `Show all ${rows.length}`}
        </button>
      )}
    </>
  );
}

interface RowProps {
  row: Ranked;
  by: string[];
  said: string;
  title: string;
  share: string;
  size: number | null;
  change: preact.ComponentChildren;
}

function Row({ row, by, said, title: exactly, share, size, change }: RowProps) {
  const texts = chooses(row.group, by);
  const now = all("where");
  const inside = (
    <>
      <i class="dot" style={{ background: hue(row.group, row.place) }} />
      <bdi class="rank-name">{title(row.group)}</bdi>
      <span class="rank-share">{share}</span>
      <span class="rank-change">{change}</span>
      <span class="rank-value">{said}</span>
      {size !== null && (
        <span class="rank-bar">
          <i style={{ width: `${size * 100}%`, background: hue(row.group, row.place) }} />
        </span>
      )}
    </>
  );
  return (
    <li title={exactly}>
      {texts ? (
        <button type="button" aria-pressed={texts.every((t) => now.includes(t))} onClick={() => filter(texts)}>
          {inside}
        </button>
      ) : (
        <span class="rank-row">{inside}</span>
      )}
    </li>
  );
}
