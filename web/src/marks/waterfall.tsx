/** From the total before to the total now, group by group: what grew and what shrank. */
import { exact, listed, num } from "../format";
import { hue, title } from "../labels";
import type { Dense } from "../types";
import type { MarkProps } from "./mark";
import { ranked } from "./rank";

interface Step {
  label: string;
  from: number;
  to: number;
  whole: boolean;
  color: string;
}

const MOST = 8;

/** The steps from what was to what is, the largest first; small ones are one step. */
function steps(dense: Dense, currency: string | null): Step[] {
  const rows = ranked(dense).filter((r) => r.group.currency === currency);
  const changes = rows
    .map((r) => ({
      label: title(r.group),
      color: hue(r.group, r.place),
      size: (num(r.compared) ?? 0) - (num(r.before) ?? 0),
    }))
    .filter((c) => c.size !== 0)
    .sort((a, b) => Math.abs(b.size) - Math.abs(a.size));
  const rest = changes.slice(MOST);
  const first = rows.reduce((sum, r) => sum + (num(r.before) ?? 0), 0);
  const kept = changes.slice(0, MOST);
  if (rest.length) {
    const size = rest.reduce((sum, c) => sum + c.size, 0);
    kept.push({ label: `${rest.length} more`, color: "var(--grey)", size });
  }
  let level = first;
  const middle = kept.map((c): Step => {
    const from = level;
    level += c.size;
    return { label: c.label, from, to: level, whole: false, color: c.color };
  });
  const whole = (label: string, to: number): Step => ({ label, from: 0, to, whole: true, color: "var(--accent)" });
  return [whole("Before", first), ...middle, whole("Now", level)];
}

export function Waterfall({ panel }: MarkProps) {
  const dense = panel.data as Dense;
  const metric = dense.metrics[0]!;
  const currency = dense.groups[0]?.currency ?? null;
  if (!dense.overall_previous || !dense.groups.length)
    return <p class="nothing">{dense.comparison ?? "There is nothing to compare with."}</p>;
  const all = steps(dense, currency);
  const top = Math.max(...all.flatMap((s) => [s.from, s.to]), 0);
  const bottom = Math.min(...all.flatMap((s) => [s.from, s.to]), 0);
  const at = (value: number) => ((value - bottom) / (top - bottom || 1)) * 100;
  const say = listed(
    metric.unit,
    all.map((s) => s.to),
  );
  return (
    <ol class="waterfall">
      {all.map((step) => {
        const change = step.to - step.from;
        const said = step.whole ? say(step.to, currency) : `${change > 0 ? "+" : ""}${say(change, currency)}`;
        const tone = step.whole
          ? "whole"
          : change > 0 === (metric.good === "up")
            ? "good"
            : metric.good === "neutral"
              ? "plain"
              : "bad";
        return (
          <li key={step.label} title={`${step.label}: ${exact(metric.unit, step.whole ? step.to : change, currency)}`}>
            <bdi class="waterfall-name">{step.label}</bdi>
            <span class="waterfall-track">
              <i
                class={tone}
                style={{
                  left: `${at(Math.min(step.from, step.to))}%`,
                  width: `${Math.max(0.4, Math.abs(at(step.to) - at(step.from)))}%`,
                }}
              />
            </span>
            <span class="waterfall-value">{said}</span>
          </li>
        );
      })}
    </ol>
  );
}
