/** Cards: a number, what it was before and its course; each switches the page to its metric. */
import { area, curveMonotoneX, line } from "d3-shape";
import { delta, exact, headline, num } from "../format";
import { Change } from "../shell/change";
import { go } from "../state";
import type { Dense, Metric, Value, Whole } from "../types";
import type { MarkProps } from "./mark";

export function Kpi({ panel, board }: MarkProps) {
  const dense = panel.data as Dense;
  const chosen = board.state.metric[0];
  const offered = new Set(board.choices.metrics.map((m) => m.name));
  return (
    <div class={`cards ${dense.metrics.length % 3 ? "by-2" : "by-3"}`} role="group" aria-label="Metrics">
      {dense.metrics.map((metric) => (
        <Card
          key={metric.name}
          {...{ dense, metric, compared: board.state.compare !== null }}
          title={titled(metric, board.choices.metrics.find((m) => m.name === metric.name)?.title)}
          chosen={metric.name === chosen}
          switches={panel.width === "full" && offered.has(metric.name)}
        />
      ))}
    </div>
  );
}

export const titled = (metric: Metric, title?: string): string =>
  title ?? metric.title ?? capital(metric.name.replaceAll("_", " "));

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface CardProps {
  dense: Dense;
  metric: Metric;
  title: string;
  chosen: boolean;
  switches: boolean;
  compared: boolean;
}

function Card({ dense, metric, title, chosen, switches, compared }: CardProps) {
  const whole = dense.whole[metric.name] ?? [];
  const [main, ...others] = [...whole].sort((a, b) => Math.abs(num(b.value) ?? 0) - Math.abs(num(a.value) ?? 0));
  const say = headline(metric.unit);
  const inside = (
    <>
      <span class="card-title">{title}</span>
      <span class="card-number">
        <strong title={exact(metric.unit, main?.value, main?.currency)}>{say(main?.value, main?.currency)}</strong>
        {compared && <Change {...delta(metric.unit, main?.compared ?? main?.value, main?.previous, metric.good)} />}
      </span>
      <Others {...{ others, metric }} />
      <span class="card-says">{metric.says ?? ""}</span>
      <Spark values={course(dense, metric)} />
    </>
  );
  if (!switches) return <div class="card">{inside}</div>;
  return (
    <button class="card" type="button" aria-pressed={chosen} onClick={() => go({ metric: metric.name })}>
      {inside}
    </button>
  );
}

/** Money of other currencies is told beside, never added. */
function Others({ others, metric }: { others: Whole[]; metric: Metric }) {
  const say = headline(metric.unit);
  if (!others.length) return null;
  return <span class="card-others">{others.map((w) => `+ ${say(w.value, w.currency)}`).join(" ")}</span>;
}

/** The course of the main group: the one of the most money. */
function course(dense: Dense, metric: Metric): (number | null)[] {
  const rows: Value[][] = dense.values[metric.name] ?? [];
  const size = (row: Value[]) => row.reduce<number>((sum, v) => sum + Math.abs(num(v) ?? 0), 0);
  return [...rows].sort((a, b) => size(b) - size(a))[0]?.map(num) ?? [];
}

const WIDE = 200;
const HIGH = 36;

function Spark({ values }: { values: (number | null)[] }) {
  const known = values.filter((v) => v !== null);
  const top = Math.max(...known, 0);
  const bottom = Math.min(...known, 0);
  const points = values.flatMap((v, i): [number, number][] =>
    v === null
      ? []
      : [[(i / Math.max(1, values.length - 1)) * WIDE, HIGH - ((v - bottom) / (top - bottom || 1)) * (HIGH - 3) - 1]],
  );
  return (
    <svg class="spark" viewBox={`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none" aria-hidden="true">
      {points.length > 1 && (
        <>
          <path class="spark-area" d={area<[number, number]>().y0(HIGH).curve(curveMonotoneX)(points) ?? ""} />
          <path class="spark-line" d={line<[number, number]>().curve(curveMonotoneX)(points) ?? ""} />
        </>
      )}
    </svg>
  );
}
