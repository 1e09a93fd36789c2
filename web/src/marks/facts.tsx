/** Labels and values. */
import { exact, headline } from "../format";
import type { Value } from "../types";
import type { MarkProps } from "./mark";

interface Fact {
  label: string;
  value: Value;
  unit?: string | null;
  tone?: string | null;
}

export function Facts({ panel }: MarkProps) {
  const facts = panel.data as Fact[];
  if (!facts.length) return <p class="nothing">Nothing yet.</p>;
  return (
    <dl class="facts">
      {facts.map(({ label, value, unit, tone }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd class={tone ?? ""} title={unit ? exact(unit, value) : undefined}>
            <bdi>{unit ? headline(unit)(value) : (value ?? "—")}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}
