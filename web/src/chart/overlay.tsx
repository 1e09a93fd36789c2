/** What lies over a drawing: the slot looked at, what may still change, and notes. */
import type { Dense, Note } from "../types";
import { type Drawn, MARGIN } from "./plot";
import type { Chart } from "./series";

/** The pattern of what may still change; once on the page. */
export const Patterns = () => (
  <svg class="patterns" width="0" height="0" aria-hidden="true">
    <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <line x1="0" y1="0" x2="0" y2="5" />
    </pattern>
  </svg>
);

interface ColumnProps {
  drawn: Drawn;
  height: number;
  from: number;
  to: number;
  kind: string;
}

export function Column({ drawn, height, from, to, kind }: ColumnProps) {
  const left = drawn.edges(Math.min(from, to))[0];
  const right = drawn.edges(Math.max(from, to))[1];
  return (
    <rect
      class={kind}
      x={left}
      width={Math.max(1, right - left)}
      y={MARGIN.top}
      height={height - MARGIN.top - MARGIN.bottom}
    />
  );
}

interface HatchProps {
  chart: Chart;
  drawn: Drawn;
  height: number;
  stacked: boolean;
}

/** What may still change is hatched, and the stretch says so. */
export function Hatch({ chart, drawn, height, stacked }: HatchProps) {
  const { status } = chart.dense;
  const moving = (s: string | undefined) => s === "open" || s === "provisional";
  const first = status.findIndex(moving);
  if (first < 0) return null;
  const bars = status.flatMap((each, slot) => {
    if (!moving(each)) return [];
    const [left, right] = drawn.edges(slot);
    const top = stacked && chart.adds ? drawn.y(Math.max(0, chart.totals[slot] ?? 0)) : MARGIN.top;
    const bottom = drawn.y(0);
    return bottom - top > 0.5 ? [{ slot, x: left, width: right - left, y: top, height: bottom - top }] : [];
  });
  const words = status.slice(first).every((s) => s === "open" || !moving(s)) ? "open" : "provisional";
  const x = drawn.edges(first)[0];
  return (
    <g>
      {bars.map(({ slot, ...box }) => (
        <rect key={slot} {...box} fill="url(#hatch)" />
      ))}
      <line class="edge" x1={x} x2={x} y1={MARGIN.top - 8} y2={height - MARGIN.bottom} />
      <text
        class="edge-text"
        x={Number(drawn.svg.getAttribute("width")) - MARGIN.right}
        y={MARGIN.top - 10}
        text-anchor="end"
      >
        {words}
      </text>
    </g>
  );
}

interface NotesProps {
  dense: Dense;
  drawn: Drawn;
  height: number;
  width: number;
  notes: Note[];
}

const NOTE_TEXT = 22;

/** Notes on the axis: a mark each, with its text where that fits. */
export function Notes({ dense, drawn, height, width, notes }: NotesProps) {
  const { start, end } = dense.time;
  const inside = notes.filter((n) => n.time >= (start[0] ?? Infinity) && n.time < (end.at(-1) ?? -Infinity));
  let free = 0;
  return (
    <g>
      {inside.map((note) => {
        const x = drawn.edges(slotOf(start, note.time))[0];
        const text = [...note.text].length > NOTE_TEXT ? `${[...note.text].slice(0, NOTE_TEXT).join("")}…` : note.text;
        const room = text.length * 6.5 + 14;
        const shown = x >= free && x + room < width - 90;
        if (shown) free = x + room;
        return (
          <g key={`${note.time}${note.text}`} class="note">
            <title>{note.text}</title>
            <line x1={x} x2={x} y1={MARGIN.top - 2} y2={height - MARGIN.bottom} />
            <path d={`M${x - 4},${MARGIN.top - 7}h8l-4,6z`} />
            {shown && (
              <text x={x + 8} y={MARGIN.top}>
                {text}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

function slotOf(starts: number[], time: number): number {
  const after = starts.findIndex((s) => s > time);
  return after < 0 ? starts.length - 1 : Math.max(0, after - 1);
}
