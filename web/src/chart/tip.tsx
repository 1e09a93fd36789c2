/** What a slot holds, ranked: the tooltip of a chart, and the sentence for those who cannot see it. */
import { slot as slotText } from "../clock";
import { exact, isMoney, listed, num, percent } from "../format";
import type { Chart, Series } from "./series";

const MOST = 8;

const STATUS: Record<string, string> = {
  open: "open: still being filled",
  provisional: "provisional: may still change",
  partial: "held in part",
  missing: "not read",
  pending: "not read yet",
  unobtainable: "not given by the API",
};

export const statusText = (status: string | undefined): string | null =>
  status && status !== "stable" ? (STATUS[status] ?? status) : null;

interface Row {
  series: Series;
  value: number;
}

function ranked(chart: Chart, slot: number): Row[] {
  const rows = chart.series.flatMap((series) => {
    const value = series.values[slot];
    return value == null || (value === 0 && chart.adds) ? [] : [{ series, value }];
  });
  return rows.sort(
    (a, b) =>
      Number(b.series.group.word !== "other") - Number(a.series.group.word !== "other") ||
      Math.abs(b.value) - Math.abs(a.value),
  );
}

const when = (chart: Chart, slot: number, tz: string): string => {
  const { start, end } = chart.dense.time;
  return slotText(start[slot]!, end[slot]!, chart.dense.query.grain, tz);
};

export interface TipProps {
  chart: Chart;
  slot: number;
  tz: string;
  before: boolean;
}

export function Tip({ chart, slot, tz, before }: TipProps) {
  const unit = chart.metric.unit;
  const rows = ranked(chart, slot);
  const total = chart.totals[slot];
  const earlier = before ? chart.before?.[slot] : undefined;
  const say = listed(unit, [...rows.map((r) => r.value), total, earlier]);
  const single = chart.series.length === 1;
  const more = rows.slice(MOST);
  const status = statusText(chart.dense.status[slot]);
  return (
    <>
      <div class="tip-head">
        <span>{when(chart, slot, tz)}</span>
        {total != null && <strong>{say(total, chart.currency)}</strong>}
      </div>
      {rows.length === 0 && <p class="soft">Nothing here.</p>}
      <table>
        <tbody>
          {earlier != null && (
            <tr class="soft">
              <td>
                <i class="dash" />
              </td>
              <td>Before</td>
              <td />
              <td>{say(earlier, chart.currency)}</td>
            </tr>
          )}
          {!single &&
            rows.slice(0, MOST).map(({ series, value }) => (
              <tr key={series.id}>
                <td>
                  <i class="dot" style={{ background: series.color }} />
                </td>
                <td class="name">
                  <bdi>{series.label}</bdi>
                </td>
                <td class="soft">{chart.adds && total ? percent(value, total) : ""}</td>
                <td>{listed(series.metric.unit, [value, total])(value, series.group.currency)}</td>
              </tr>
            ))}
          {!single && more.length > 0 && (
            <tr class="soft">
              <td />
              <td>{more.length} more</td>
              <td />
              <td>
                {chart.adds
                  ? say(
                      more.reduce((sum, r) => sum + r.value, 0),
                      chart.currency,
                    )
                  : ""}
              </td>
            </tr>
          )}
        </tbody>
      </table>
      {single && isMoney(unit) && rows[0] && (
        <p class="soft">exactly {exact(unit, rows[0].series.exact[slot], chart.currency)}</p>
      )}
      {status && <p class="tip-status">{status}</p>}
    </>
  );
}

/** The same in a sentence. */
export function spoken({ chart, slot, tz, before }: TipProps): string {
  const unit = chart.metric.unit;
  const rows = ranked(chart, slot);
  const total = chart.totals[slot];
  const say = listed(unit, [total, ...rows.map((r) => r.value)]);
  const parts = [when(chart, slot, tz)];
  if (total != null) parts.push(say(total, chart.currency));
  const earlier = before ? chart.before?.[slot] : null;
  if (earlier != null) parts.push(`before: ${say(earlier, chart.currency)}`);
  if (chart.series.length > 1)
    for (const { series, value } of rows.slice(0, 3))
      parts.push(`${series.label}: ${say(value, series.group.currency)}`);
  const status = statusText(chart.dense.status[slot]);
  if (status) parts.push(status);
  return parts.join("; ");
}

/** A chart in a sentence. */
export function summary(chart: Chart, name: string): string {
  const { metric, dense, currency } = chart;
  const whole = dense.whole[metric.name]?.find((w) => !currency || w.currency === currency);
  const say = listed(metric.unit, [whole?.value]);
  const top = chart.series.slice(0, 3).map((s) => s.label);
  return [
    `${name}, ${dense.range.text}`,
    whole && num(whole.value) !== null ? `in all ${say(whole.value, whole.currency)}` : "",
    top.length > 1 ? `led by ${top.join(", ")}` : "",
    "Arrow keys walk along it, Enter zooms in.",
  ]
    .filter(Boolean)
    .join(". ");
}
