/** The drawing itself, by Observable Plot: one path per series, whatever the number of slots. */
import { areaY, axisX, axisY, gridY, lineY, plot, ruleY } from "@observablehq/plot";
import { axis } from "../format";
import { type Chart, type Layer, stack } from "./series";
import { ticks } from "./ticks";

export const MARGIN = { top: 22, right: 8, bottom: 24 };

export interface Size {
  width: number;
  height: number;
}

export interface Drawn {
  svg: SVGSVGElement;
  left: number;
  /** The pixels of a slot's edges, and of a value. */
  edges: (slot: number) => [number, number];
  y: (value: number) => number;
  layers: Layer[];
}

const GAP = 0.12;
const NARROWEST = 6;
/** How much of the height a higher past may take: beyond, its line leaves the picture, and the present stays legible. */
const ABOVE = 1.6;
const TALLEST_HEADROOM = 1.04;

interface Points {
  x: number[];
  a: number[];
  b: number[];
}

/** The corners of every bar, with a break between bars where these are wide enough to have gaps. */
function corners(starts: number[], ends: number[], gap: boolean, low: number[], high: number[]): Points {
  const out: Points = { x: [], a: [], b: [] };
  const put = (x: number, a: number, b: number) => {
    out.x.push(x);
    out.a.push(a);
    out.b.push(b);
  };
  for (let i = 0; i < starts.length; i++) {
    const inset = gap ? ((ends[i]! - starts[i]!) * GAP) / 2 : 0;
    put(starts[i]! + inset, low[i]!, high[i]!);
    put(ends[i]! - inset, low[i]!, high[i]!);
    if (gap) put(Number.NaN, Number.NaN, Number.NaN);
  }
  return out;
}

/** The steps of a line that stands for a whole slot each. */
function steps(starts: number[], ends: number[], values: (number | null)[]): Points {
  const flat = values.map((v) => v ?? Number.NaN);
  return corners(starts, ends, false, flat, flat);
}

function extent(chart: Chart, layers: Layer[], before: boolean): [number, number] {
  let [low, high] = [0, 0];
  const take = (value: number | null | undefined) => {
    if (value == null || Number.isNaN(value)) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  for (const layer of layers) layer.high.forEach(take);
  if (!layers.length) for (const each of chart.series) each.values.forEach(take);
  const most = high * ABOVE;
  if (before) chart.before?.forEach((v) => take(v !== null && most > 0 ? Math.min(v, most) : v));
  return high === low ? [0, 1] : [low * TALLEST_HEADROOM, high * TALLEST_HEADROOM];
}

const room = (texts: string[]): number => 12 + Math.max(...texts.map((t) => t.length)) * 6.8;

function yTicks([low, high]: [number, number], height: number): number[] {
  const rough = (high - low) / Math.max(2, Math.floor(height / 52));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((m) => m * power >= rough) ?? 10) * power;
  const from = Math.ceil(low / step - 1e-9);
  const to = Math.floor(high / step + 1e-9);
  return Array.from({ length: to - from + 1 }, (_, i) => Number(((from + i) * step).toPrecision(12)));
}

export function draw(chart: Chart, stacked: boolean, { width, height }: Size, tz: string, showBefore: boolean): Drawn {
  const { start, end } = chart.dense.time;
  const grain = chart.dense.query.grain;
  const layers = stacked ? stack(chart.series, start.length) : [];
  const before = showBefore && chart.before !== null;
  const domain = extent(chart, layers, before);
  const marks = yTicks(domain, height);
  const say = axis(chart.metric.unit, chart.currency, marks);
  const left = room(marks.map(say));
  const slotWidth = (width - left - MARGIN.right) / Math.max(1, start.length);
  const labels = ticks(start, grain, tz, Math.max(2, Math.floor((width - left) / 62)));
  const centred = slotWidth > 14 && grain !== "hour" && grain !== "minute";
  const texts = new Map(labels.map((t) => [place(start[t.slot]!, end[t.slot]!, centred), t.text]));
  const gap = stacked && slotWidth >= NARROWEST;
  const area = (layer: Layer) => {
    const p = corners(start, end, gap, layer.low, layer.high);
    return areaY({ length: p.x.length }, { x: p.x, y1: p.a, y2: p.b, fill: layer.series.color, curve: "linear" });
  };
  const line = (values: (number | null)[], stroke: string, dash: string | undefined, thick: number) => {
    const p = steps(start, end, values);
    const dashed = dash ? { strokeDasharray: dash } : {};
    return lineY(
      { length: p.x.length },
      { x: p.x, y: p.a, stroke, strokeWidth: thick, strokeLinejoin: "round", clip: "frame" as const, ...dashed },
    );
  };
  const svg = plot({
    width,
    height,
    marginLeft: left,
    marginTop: MARGIN.top,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    className: "plot",
    x: { type: "linear", domain: [start[0] ?? 0, end.at(-1) ?? 1], label: null },
    y: { domain, label: null },
    marks: [
      gridY(marks, { stroke: "var(--line)", strokeOpacity: 1 }),
      axisY(marks, { tickSize: 0, tickFormat: say, fill: "var(--soft)", tickPadding: 8 }),
      axisX([...texts.keys()], {
        tickSize: 0,
        tickPadding: 8,
        tickFormat: (v: number) => texts.get(v) ?? "",
        fill: "var(--soft)",
      }),
      ...layers.map(area),
      ...(stacked ? [] : chart.series.map((s) => line(s.values, s.color, undefined, 1.75))),
      ...(before ? [line(chart.before!, "var(--before)", "3 3", 1.25)] : []),
      ruleY([0], { stroke: "var(--zero)" }),
    ],
  }) as SVGSVGElement;
  for (const style of svg.querySelectorAll("style")) style.remove(); // the page's own style sheet has these rules
  svg.setAttribute("aria-hidden", "true");
  const scaled = svg as unknown as Scaled;
  const [x, y] = [scaled.scale("x"), scaled.scale("y")].map((scale) => scale.apply) as [Apply, Apply];
  return { svg, left, edges: (slot) => [x(start[slot]!), x(end[slot]!)], y, layers };
}

type Apply = (value: number) => number;

interface Scaled {
  scale(name: string): { apply: Apply };
}

const place = (start: number, end: number, centred: boolean): number => (centred ? (start + end) / 2 : start);
