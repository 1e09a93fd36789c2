/** A chart over time: the drawing, and on it what is hovered, dragged, hatched and noted. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { iso, moment } from "../clock";
import { go, RANGE } from "../state";
import type { Dense, Note } from "../types";
import { Column, Hatch, Notes } from "./overlay";
import { draw, type Drawn } from "./plot";
import { chart as charted } from "./series";
import { useWidth } from "./size";
import { spoken, summary, Tip } from "./tip";

export interface TimeChartProps {
  name: string;
  dense: Dense;
  currency: string | null;
  stacked: boolean;
  height: number;
  tz: string;
  notes: Note[];
  before: boolean;
  zooms: boolean;
}

const DRAG = 5;

/** Zoom to some slots; whole days are asked for as dates, so that the address can be read. */
function zoom(dense: Dense, from: number, to: number, tz: string): void {
  const since = dense.time.start[Math.min(from, to)]!;
  const until = dense.time.end[Math.max(from, to)]!;
  const days = tz === "UTC" && since % 86400 === 0 && until % 86400 === 0;
  const words = days ? [iso(since, "UTC"), iso(until - 1, "UTC")] : [moment(since), moment(until)];
  go({ ...RANGE, since: words[0]!, until: words[1]! });
}

function slotAt(drawn: Drawn, slots: number, x: number): number {
  let [low, high] = [0, slots - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (drawn.edges(middle)[0] <= x) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function TimeChart(props: TimeChartProps) {
  const { dense, currency, stacked, height, tz, before } = props;
  const [ref, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLDivElement>(null);
  const [slot, setSlot] = useState<number | null>(null);
  const [drag, setDrag] = useState<{ from: number; x: number; moved: boolean } | null>(null);
  const chart = useMemo(() => charted(dense, currency, stacked), [dense, currency, stacked]);
  const drawn = useMemo(
    () => (width > 0 ? draw(chart, stacked && chart.adds, { width, height }, tz, before) : null),
    [chart, width, height, tz, before, stacked],
  );
  useLayoutEffect(() => {
    canvas.current?.replaceChildren(...(drawn ? [drawn.svg] : []));
  }, [drawn]);
  const slots = dense.time.start.length;
  const at = slot !== null && slot < slots ? slot : null;
  const find = (event: PointerEvent) => {
    const box = ref.current!.getBoundingClientRect();
    return slotAt(drawn!, slots, event.clientX - box.left);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const walk: Record<string, number> = {
      ArrowLeft: (at ?? slots) - 1,
      ArrowRight: (at ?? -1) + 1,
      Home: 0,
      End: slots - 1,
    };
    if (event.key in walk) setSlot(Math.max(0, Math.min(slots - 1, walk[event.key]!)));
    else if (event.key === "Enter" && at !== null && props.zooms) zoom(dense, at, at, tz);
    else if (event.key === "Escape" && at !== null) setSlot(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const over = {
    onPointerMove: (event: PointerEvent) => {
      if (!drawn) return;
      setSlot(find(event));
      if (drag && !drag.moved && Math.abs(event.clientX - drag.x) > DRAG) setDrag({ ...drag, moved: true });
    },
    onPointerLeave: () => !drag && setSlot(null),
    onPointerDown: (event: PointerEvent) => {
      if (!drawn || event.button !== 0 || !props.zooms) return;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      setDrag({ from: find(event), x: event.clientX, moved: false });
    },
    onPointerUp: (event: PointerEvent) => {
      if (drag?.moved && drawn) zoom(dense, drag.from, find(event), tz);
      setDrag(null);
    },
    onPointerCancel: () => setDrag(null),
  };
  return (
    <div class="chart" ref={ref}>
      <div
        class="canvas"
        role="img"
        aria-label={summary(chart, props.name)}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => setSlot(null)}
        {...over}
      >
        <div ref={canvas} />
        {drawn && (
          <svg class="over" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
            <Hatch {...{ chart, drawn, height, stacked }} />
            <Notes {...{ dense, drawn, height, width, notes: props.notes }} />
            {at !== null && !drag?.moved && <Column {...{ drawn, height, from: at, to: at, kind: "hover" }} />}
            {at !== null && drag?.moved && <Column {...{ drawn, height, from: drag.from, to: at, kind: "brush" }} />}
          </svg>
        )}
      </div>
      {at !== null && drawn && !drag?.moved && (
        <div class="tip" style={placed(drawn, at, width)}>
          <Tip {...{ chart, slot: at, tz, before }} />
        </div>
      )}
      <p class="unseen" aria-live="polite">
        {at !== null ? spoken({ chart, slot: at, tz, before }) : ""}
      </p>
    </div>
  );
}

/** Beside the slot, on the side that has room. */
function placed(drawn: Drawn, slot: number, width: number) {
  const [left, right] = drawn.edges(slot);
  return right < width / 2 ? { left: `${right + 8}px`, top: "8px" } : { right: `${width - left + 8}px`, top: "8px" };
}
