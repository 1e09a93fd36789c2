/** Light, dark, or as the system has it; kept in this browser alone. */
import { signal } from "@preact/signals";

const KEY = "tallybook.theme";
const ORDER = ["system", "light", "dark"] as const;
export type Theme = (typeof ORDER)[number];

function kept(): Theme {
  try {
    return ORDER.find((t) => t === localStorage.getItem(KEY)) ?? "system";
  } catch {
    return "system";
  }
}

export const theme = signal<Theme>(kept());

export function setTheme(next: Theme): void {
  theme.value = next;
  const root = document.documentElement;
  if (next === "system") delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // a browser that keeps nothing still shows it
  }
}

export const nextTheme = (): void => setTheme(ORDER[(ORDER.indexOf(theme.peek()) + 1) % ORDER.length]!);

setTheme(theme.peek());
