/** The keyboard, as a table; `?` shows it. */
import { board } from "./load";
import { presets } from "./range";
import { toggleCompare } from "./shell/bar";
import { copyLink } from "./shell/header";
import { help } from "./shell/help";
import { all, back, go } from "./state";
import { nextTheme } from "./theme";

export interface Key {
  keys: string;
  says: string;
  does?: (key: string) => void;
}

const focus = (selector: string): void => document.querySelector<HTMLElement>(selector)?.focus();

/** The next of a list of choices after the one that is chosen. */
const next = (names: string[], now: string | undefined): string | undefined =>
  names[(names.indexOf(now ?? "") + 1) % names.length];

function nextMetric(): void {
  const now = board.peek();
  const cards = [...document.querySelectorAll<HTMLElement>(".card[aria-pressed]")];
  const at = cards.findIndex((card) => card.getAttribute("aria-pressed") === "true");
  if (now && cards.length) cards[(at + 1) % cards.length]!.click();
}

function tab(step: number): void {
  const now = board.peek();
  if (!now) return;
  const names = now.tabs.map((t) => t.id);
  const found = step > 0 ? next(names, now.tab) : next([...names].reverse(), now.tab);
  if (found) go({ tab: found, metric: null, by: null });
}

export const KEYS: Key[] = [
  {
    keys: "1 2 3 4 5 6 7",
    says: "range: 24 h to 12 months",
    does: (key) => go(presets()[Number(key) - 1]?.words ?? {}),
  },
  { keys: "h", says: "by hour", does: () => go({ grain: "hour" }) },
  { keys: "d", says: "by day", does: () => go({ grain: "day" }) },
  { keys: "w", says: "by week", does: () => go({ grain: "week" }) },
  { keys: "a", says: "the grain that fits the range", does: () => go({ grain: null }) },
  { keys: "m", says: "next metric", does: nextMetric },
  { keys: "g", says: "choose what to group by", does: () => focus(".group-by") },
  { keys: "f", says: "add a filter", does: () => document.querySelector<HTMLElement>(".filter-button")?.click() },
  { keys: "x", says: "show or hide what was before", does: toggleCompare },
  { keys: "/", says: "search the table", does: () => focus("input.search") },
  { keys: "[", says: "tab to the left", does: () => tab(-1) },
  { keys: "]", says: "tab to the right", does: () => tab(1) },
  { keys: "c", says: "copy the link", does: () => void copyLink() },
  { keys: "t", says: "theme: system, light, dark", does: nextTheme },
  { keys: "Backspace", says: "back to the view before", does: back },
  { keys: "Esc", says: "clear the filters", does: () => all("where").length > 0 && go({ where: null }) },
  { keys: "← →", says: "walk along a chart; Enter zooms in" },
  { keys: "?", says: "this list", does: () => (help.value = true) },
];

const BY_KEY = new Map(KEYS.flatMap((k) => (k.does ? k.keys.split(" ").map((key) => [key, k.does!] as const) : [])));

/** Listen; typing into a field is left alone. */
export function listen(): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || help.peek()) return;
    if (target.closest("input, select, textarea, dialog")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    const does = BY_KEY.get(event.key === "Escape" ? "Esc" : event.key);
    if (!does) return;
    event.preventDefault();
    does(event.key);
  });
}
