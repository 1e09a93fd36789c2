/** The map of what is held: a row per dataset, a cell per day, in runs of equal days. */
import { useWidth } from "../chart/size";

/** Cells by row: each is one of the states, with the reason where there is one. */
export interface Held {
  rows: string[];
  label: string[];
  states: string[];
  cells: number[][];
  why: string[][];
}

interface Run {
  from: number;
  to: number;
  state: string;
  why: string;
}

const LOOKS: Record<string, string> = {
  stable: "stable",
  provisional: "provisional: may still change",
  open: "open: still being filled",
  pending: "not read yet",
  unobtainable: "not given by the API",
  partial: "held in part",
  missing: "not read",
};
const NAMES = 132;
const HIGH = 16;
const PITCH = 22;
const month = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" });

/** Stretches of equal cells. */
function runs(held: Held, row: number): Run[] {
  const out: Run[] = [];
  const cells = held.cells[row] ?? [];
  for (const [i, cell] of cells.entries()) {
    const state = held.states[cell] ?? "";
    const why = held.why[row]?.[i] ?? "";
    const last = out.at(-1);
    if (last?.state === state && last.why === why) last.to = i;
    else out.push({ from: i, to: i, state, why });
  }
  return out;
}

function months({ label }: Held): { at: number; text: string }[] {
  return label.flatMap((day, at) => {
    if (at === 0 || day.slice(0, 7) === label[at - 1]!.slice(0, 7)) return [];
    const date = new Date(`${day.slice(0, 7)}-01`);
    if (Number.isNaN(date.getTime())) return [];
    return [{ at, text: date.getUTCMonth() === 0 ? String(date.getUTCFullYear()) : month.format(date) }];
  });
}

function said(held: Held, run: Run): string {
  const [from, to] = [held.label[run.from], held.label[run.to]];
  return `${from === to ? from : `${from} to ${to}`}: ${LOOKS[run.state] ?? run.state}${run.why ? ` (${run.why})` : ""}`;
}

export function MapOfDays({ held }: { held: Held }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const names = width < 500 ? 96 : NAMES;
  const total = Math.max(1, held.label.length);
  const x = (day: number) => names + (day / total) * (width - names);
  const height = held.rows.length * PITCH + 20;
  const rows = held.rows.map((name, row) => ({ name, runs: runs(held, row) }));
  const states = [...new Set(rows.flatMap((r) => r.runs.map((run) => run.state)))];
  const text = rows
    .map((r) => {
      const odd = r.runs.filter((run) => run.state !== "stable").map((run) => said(held, run));
      return `${r.name}: ${odd.join("; ") || "all stable"}`;
    })
    .join(". ");
  return (
    <div class="held" ref={ref}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={`What is held, by dataset and day. ${text}`}>
          {rows.map(({ name, runs: each }, row) => (
            <g key={name}>
              <text class="held-name" x="0" y={row * PITCH + HIGH / 2 + 4}>
                {fit(name, names)}
              </text>
              {each.map((run) => (
                <rect
                  key={run.from}
                  class={`held-${run.state}`}
                  x={x(run.from)}
                  width={Math.max(1, x(run.to + 1) - x(run.from))}
                  y={row * PITCH}
                  height={HIGH}
                >
                  <title>{`${name}, ${said(held, run)}`}</title>
                </rect>
              ))}
            </g>
          ))}
          {months(held).map(({ at, text: label }, i, all) =>
            all.length * 34 > width - names && i % 2 ? null : (
              <text key={at} class="held-month" x={Math.min(x(at), width - 26)} y={height - 4}>
                {label}
              </text>
            ),
          )}
        </svg>
      )}
      <ul class="legend">
        {states.map((state) => (
          <li key={state}>
            <i class={`dot held-${state}`} /> {LOOKS[state] ?? state}
          </li>
        ))}
      </ul>
    </div>
  );
}

const fit = (text: string, width: number): string => {
  const most = Math.floor(width / 6.6);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
};
