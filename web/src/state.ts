/** The address is the state: its words are those of `tallybook query`, and what is unknown here is kept. */
import { computed, signal } from "@preact/signals";

const address = signal(location.search.replace(/^\?/, ""));
let steps: number = history.state?.steps ?? 0;

/** What the server understands; anything else in an address is kept there, and not sent. */
const SENT = new Set([
  ...["tab", "metric", "by", "grain", "last", "period", "since", "until"],
  ...["where", "top", "compare", "tz", "org", "as_of"],
]);

/** The words that are asked, as text. */
export const words = computed(() =>
  new URLSearchParams([...params.value].filter(([name]) => SENT.has(name))).toString(),
);

const params = computed(() => new URLSearchParams(address.value));

/** The value of a word, or null. */
export const word = (name: string): string | null => params.value.get(name);

/** Every value of a word that may be repeated. */
export const all = (name: string): string[] => params.value.getAll(name);

export type Changes = Record<string, string | string[] | null>;

/** The words with some of them replaced (null removes one). */
export function changed(changes: Changes): string {
  const next = new URLSearchParams(address.value);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const each of value === null ? [] : [value].flat()) next.append(name, each);
  }
  return next.toString();
}

/** Where a link with these changes leads. */
export const href = (changes: Changes): string => `?${changed(changes)}`;

/** Go to a changed state; Back returns. */
export function go(changes: Changes): void {
  const next = changed(changes);
  if (next === params.value.toString()) return;
  try {
    history.pushState({ steps: steps + 1 }, "", `${location.pathname}?${next}`);
    steps++;
  } catch {
    // a page opened from a file may not change its address: the state then lives here alone
  }
  address.value = next;
}

/** Go back one step, if a step was taken here. */
export function back(): void {
  if (steps > 0) history.back();
}

addEventListener("popstate", (event) => {
  steps = (event.state as { steps: number } | null)?.steps ?? 0;
  address.value = location.search.replace(/^\?/, "");
});

/** What one range replaces. */
export const RANGE: Changes = { last: null, period: null, since: null, until: null, grain: null };

/** A filter of the address, `project=proj_1` or `project!=proj_1`, in parts. */
export function parts(text: string): { name: string; not: boolean; value: string } {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(at, 0));
  return { name: name.replace(/!$/, ""), not: name.endsWith("!"), value: text.slice(at + 1) };
}

/** Add these filters, or remove them where all are there. */
export function filter(texts: string[]): void {
  const now = all("where");
  const have = texts.every((text) => now.includes(text));
  go({ where: have ? now.filter((text) => !texts.includes(text)) : [...new Set([...now, ...texts])] });
}
