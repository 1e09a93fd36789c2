/** Labels and values. */
import { useState } from "preact/hooks";
import { exact, headline, NOTHING } from "../format";
import type { Value } from "../types";
import type { MarkProps } from "./mark";

interface Fact {
  label: string;
  value: Value;
  unit?: string | null;
  tone?: string | null;
}

const FIRST = 8;
const STAMP = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z$/;

/** Text as it is; a moment as people read it. */
const plain = (value: Value): string =>
  value === null ? NOTHING : typeof value === "number" ? value.toLocaleString("en") : value.replace(STAMP, "$1 $2 UTC");

export function Facts({ panel }: MarkProps) {
  const facts = panel.data as Fact[];
  const [open, setOpen] = useState(false);
  if (!facts.length) return <p class="nothing">Nothing yet.</p>;
  const list = (
    <dl class="facts">
      {(open ? facts : facts.slice(0, FIRST)).map(({ label, value, unit, tone }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd class={tone ?? ""} title={unit ? exact(unit, value) : undefined}>
            <bdi>{unit ? headline(unit)(value) : plain(value)}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
  if (facts.length <= FIRST) return list;
  return (
    <>
      {list}
      <button class="more" type="button" onClick={() => setOpen(!open)} aria-expanded={open}>
        {open ? "Show fewer" : `Show all ${facts.length}`}
      </button>
    </>
  );
}
