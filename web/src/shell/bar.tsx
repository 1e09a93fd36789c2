/** The bar that stays on top: the range, the grain, the zone, the comparison, the filters. */
import { useState } from "preact/hooks";
import { board, source } from "../load";
import { isChosen, isCustom, presets } from "../range";
import { go, RANGE, word } from "../state";
import { AddFilter, Chips } from "./filters";
import { Menu } from "./menu";

export function Bar() {
  return (
    <div class="bar" role="region" aria-label="Range and filters">
      <div class="bar-row">
        <div class="switch presets" role="group" aria-label="Range">
          {presets().map((preset) => (
            <button
              key={preset.title}
              type="button"
              title={preset.says}
              aria-pressed={isChosen(preset)}
              onClick={() => go(preset.words)}
            >
              {preset.title}
            </button>
          ))}
        </div>
        <Menu label="Custom" pressed={isCustom()}>
          {(close) => <Custom close={close} />}
        </Menu>
        <Grain />
        <Zone />
        <Compare />
        <Organization />
        <AddFilter />
      </div>
      <Chips />
    </div>
  );
}

function Custom({ close }: { close: () => void }) {
  const range = board.value?.state.range;
  const last = range ? new Date(Date.parse(range.end) - 1).toISOString().slice(0, 10) : "";
  const [since, setSince] = useState(range?.start.slice(0, 10) ?? "");
  const [until, setUntil] = useState(last);
  const submit = (event: Event) => {
    event.preventDefault();
    go({ ...RANGE, since, until });
    close();
  };
  return (
    <form class="custom" onSubmit={submit}>
      <label>
        From
        <input type="date" value={since} max={until} required onInput={(e) => setSince(e.currentTarget.value)} />
      </label>
      <label>
        Through
        <input type="date" value={until} min={since} required onInput={(e) => setUntil(e.currentTarget.value)} />
      </label>
      <button class="button strong" type="submit">
        Show
      </button>
    </form>
  );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function Grain() {
  const now = board.value;
  if (!now) return null;
  return (
    <select
      class="button"
      aria-label="Grain"
      value={word("grain") ?? ""}
      onChange={(e) => go({ grain: e.currentTarget.value || null })}
    >
      <option value="">Auto: {now.state.grain}</option>
      {now.choices.grains.map((grain) => (
        <option key={grain.name} value={grain.name} disabled={grain.ok === false} title={grain.why ?? undefined}>
          {capital(grain.name)}
          {grain.ok === false && grain.why ? ` (${grain.why})` : ""}
        </option>
      ))}
    </select>
  );
}

const ZONES = Intl.supportedValuesOf("timeZone");

function Zone() {
  const now = board.value;
  if (!now) return null;
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const near = [...new Set(["UTC", local, now.state.tz])];
  const why = now.choices.tz.ok ? undefined : (now.choices.tz.why ?? undefined);
  return (
    <select
      class="button zone"
      aria-label="Time zone"
      title={why}
      disabled={!now.choices.tz.ok && now.state.tz === "UTC"}
      value={now.state.tz}
      onChange={(e) => go({ tz: e.currentTarget.value === "UTC" ? null : e.currentTarget.value })}
    >
      {near.map((zone) => (
        <option key={zone} value={zone}>
          {zone.replaceAll("_", " ")}
        </option>
      ))}
      {now.choices.tz.ok && (
        <optgroup label="All zones">
          {ZONES.filter((zone) => !near.includes(zone)).map((zone) => (
            <option key={zone} value={zone}>
              {zone.replaceAll("_", " ")}
            </option>
          ))}
        </optgroup>
      )}
    </select>
  );
}

/** Which of several organizations; all of them together otherwise. */
function Organization() {
  const names = board.value?.choices.orgs ?? [];
  if (names.length < 2) return null;
  return (
    <select
      class="button"
      aria-label="Organization"
      value={word("org") ?? ""}
      onChange={(e) => go({ org: e.currentTarget.value || null })}
    >
      <option value="">All organizations</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Whether what was before is shown beside. */
export const toggleCompare = (): void => go({ compare: word("compare") === "none" ? null : "none" });

function Compare() {
  const value = word("compare") ?? "previous";
  return (
    <select
      class="button"
      aria-label="Compare with"
      value={value}
      onChange={(e) => go({ compare: e.currentTarget.value === "previous" ? null : e.currentTarget.value })}
    >
      <option value="previous">vs previous</option>
      {source().live && <option value="year">vs year ago</option>}
      <option value="none">No comparison</option>
    </select>
  );
}
