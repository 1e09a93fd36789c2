/** The map of what is held: a row per dataset, a cell per day, in runs of equal days. */
import { useWidth } from "../chart/size";

interface Run {
  start: string;
  end: string;
  state: string;
  widths?: string[];
  reason?: string | null;
}

export interface Runs {
  org?: string;
  start: string;
  end: string;
  datasets: { dataset: string; runs: Run[] }[];
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
const DAY = 86_400_000;

const days = (from: string, to: string): number => Math.round((Date.parse(to) - Date.parse(from)) / DAY);
const month = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" });

function months({ start, end }: Runs): { at: number; text: string }[] {
  const out = [];
  const first = new Date(Date.parse(start));
  for (let at = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1); at < Date.parse(end);) {
    const date = new Date(at);
    const text = date.getUTCMonth() === 0 ? String(date.getUTCFullYear()) : month.format(date);
    out.push({ at: Math.round((at - first.getTime()) / DAY), text });
    at = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  }
  return out;
}

const lastDay = (end: string): string => new Date(Date.parse(end) - DAY).toISOString().slice(0, 10);

function said(run: Run): string {
  const to = lastDay(run.end);
  const dates = run.start === to ? run.start : `${run.start} to ${to}`;
  const widths = run.widths?.length ? `, by ${run.widths.join(", ")}` : "";
  return `${dates}: ${LOOKS[run.state] ?? run.state}${widths}${run.reason ? ` (${run.reason})` : ""}`;
}

export function MapOfDays({ runs }: { runs: Runs }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const names = width < 500 ? 96 : NAMES;
  const total = Math.max(1, days(runs.start, runs.end));
  const x = (day: number) => names + (day / total) * (width - names);
  const height = runs.datasets.length * PITCH + 20;
  const states = [...new Set(runs.datasets.flatMap((d) => d.runs.map((r) => r.state)))];
  const text = runs.datasets
    .map(
      (d) =>
        `${d.dataset}: ${
          d.runs
            .filter((r) => r.state !== "stable")
            .map(said)
            .join("; ") || "all stable"
        }`,
    )
    .join(". ");
  return (
    <div class="held" ref={ref}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={`What is held, by dataset and day. ${text}`}>
          {runs.datasets.map(({ dataset, runs: each }, row) => (
            <g key={dataset}>
              <text class="held-name" x="0" y={row * PITCH + HIGH / 2 + 4}>
                {fit(dataset, names)}
              </text>
              {each.map((run) => (
                <rect
                  key={run.start}
                  class={`held-${run.state}`}
                  x={x(days(runs.start, run.start))}
                  width={Math.max(1, x(days(runs.start, run.end)) - x(days(runs.start, run.start)))}
                  y={row * PITCH}
                  height={HIGH}
                >
                  <title>{`${dataset}, ${said(run)}`}</title>
                </rect>
              ))}
            </g>
          ))}
          {months(runs).map(({ at, text: label }, i, all) =>
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
