/** The ranges that one click asks for. */
import { source } from "./load";
import { RANGE, word, type Changes } from "./state";

export interface Preset {
  title: string;
  says: string;
  words: Changes;
}

const last = (length: string): Changes => ({ ...RANGE, last: length });
const period = (name: string): Changes => ({ ...RANGE, period: name });

const PRESETS: Preset[] = [
  { title: "24 h", says: "Last 24 hours", words: last("24h") },
  { title: "7 d", says: "Last 7 days", words: last("7d") },
  { title: "28 d", says: "Last 28 days", words: last("28d") },
  { title: "91 d", says: "Last 91 days", words: last("91d") },
  { title: "This month", says: "This month, so far", words: period("this-month") },
  { title: "Last month", says: "Last month, whole", words: period("last-month") },
  { title: "12 months", says: "Last 12 months", words: last("12mo") },
];

/** The ranges that are offered here. */
export const presets = (): Preset[] => source().presets ?? PRESETS;

/** What the board shows when the address names no range. */
const DEFAULT = "28d";

const named = (): boolean => ["last", "period", "since", "until"].some((name) => word(name) !== null);

export function isChosen(preset: Preset): boolean {
  if (!named() && !source().presets) return preset.words.last === DEFAULT;
  return ["last", "period", "since", "until"].every((name) => word(name) === (preset.words[name] ?? null));
}

export const isCustom = (): boolean => named() && !presets().some(isChosen);
