/** Shares of a whole: what is under 5 % folds into Other; the list beside it has all. */
import { arc, pie } from "d3-shape";
import { headline, listed, num, percent } from "../format";
import { hue, title } from "../labels";
import type { Dense } from "../types";
import type { MarkProps } from "./mark";
import { ranked, Ranking } from "./rank";

const LEAST = 0.05;
/** How many are shown where nearly all are small. */
const MOST_SMALL = 8;
const SIZE = 140;

interface Slice {
  label: string;
  color: string;
  value: number;
}

function slices(dense: Dense, currency: string | null | undefined): Slice[] {
  const rows = ranked(dense).filter((r) => (num(r.value) ?? 0) > 0 && (!currency || r.group.currency === currency));
  const sum = rows.reduce((total, r) => total + num(r.value)!, 0);
  const named = rows.filter((r) => r.group.word !== "other").sort((a, b) => num(b.value)! - num(a.value)!);
  const over = named.filter((r) => num(r.value)! / sum >= LEAST);
  const shown = over.reduce((total, r) => total + num(r.value)!, 0);
  const large = shown * 2 > sum ? over : named.slice(0, MOST_SMALL);
  const rest = rows.filter((r) => !large.includes(r));
  const drawn = large.map((r) => ({ label: title(r.group), color: hue(r.group, r.place), value: num(r.value)! }));
  if (!rest.length) return drawn;
  const small = rest.reduce((total, r) => total + num(r.value)!, 0);
  return [...drawn, { label: `${rest.length} more`, color: "var(--grey)", value: small }];
}

export function Donut({ panel, board }: MarkProps) {
  const dense = panel.data as Dense;
  const metric = dense.metrics[0]!;
  const [whole] = [...(dense.whole[metric.name] ?? [])].sort((a, b) => (num(b.value) ?? 0) - (num(a.value) ?? 0));
  const parts = metric.kind === "flow" || metric.kind === "level" ? slices(dense, whole?.currency) : [];
  const sum = parts.reduce((total, p) => total + p.value, 0);
  const shape = arc<{ startAngle: number; endAngle: number }>()
    .innerRadius(SIZE / 2 - 21)
    .outerRadius(SIZE / 2);
  const arcs = pie<Slice>()
    .value((s) => s.value)
    .sort(null)
    .padAngle(parts.length > 1 ? 0.015 : 0)(parts);
  const say = listed(metric.unit, [whole?.value]);
  const said = parts.map((p) => `${p.label} ${percent(p.value, sum)}`).join(", ");
  return (
    <div class="donut">
      {parts.length > 0 && (
        <svg
          width={SIZE}
          height={SIZE}
          viewBox={`${-SIZE / 2} ${-SIZE / 2} ${SIZE} ${SIZE}`}
          role="img"
          aria-label={`Shares of ${say(whole?.value, whole?.currency)}: ${said}`}
        >
          {arcs.map((each) => (
            <path key={each.data.label} d={shape(each) ?? ""} style={{ fill: each.data.color }}>
              <title>{`${each.data.label}: ${say(each.data.value, whole?.currency)}, ${percent(each.data.value, sum)}`}</title>
            </path>
          ))}
          <text class="donut-number" y="-1">
            {headline(metric.unit)(whole?.value, whole?.currency)}
          </text>
          <text class="donut-name" y="15">
            {metric.title?.toLowerCase() ?? metric.name.replaceAll("_", " ")}
          </text>
        </svg>
      )}
      <Ranking dense={dense} compared={board.state.compare !== null} first={7} />
    </div>
  );
}
