/** What ids are called and which hue they have, as boards and menus have said it. */
import type { Board, Dense, Group } from "./types";

const known = new Map<string, string>();

export const remember = (dimension: string, id: string, label: string): void => {
  known.set(`${dimension}=${id}`, label);
};

export const isCalled = (dimension: string, id: string): boolean => known.has(`${dimension}=${id}`);

export const called = (dimension: string, id: string): string => known.get(`${dimension}=${id}`) ?? id;

export const isDense = (data: unknown): data is Dense =>
  typeof data === "object" && data !== null && "groups" in data && "time" in data;

/** Remember every label of a board. */
export function learn(board: Board): void {
  for (const { data } of board.panels) {
    if (!isDense(data)) continue;
    for (const group of data.groups)
      data.query.by.forEach((name, i) => {
        const key = group.key[i];
        if (key != null && group.label[i] != null) remember(name, key, group.label[i]);
      });
  }
}

const WORDS: Record<string, string> = { other: "Other" };

/** What a group is called; what has no key is called by its word. */
export function title(group: Group): string {
  if (group.word && !group.label.length) return WORDS[group.word] ?? group.word;
  return group.label.join(" · ") || "Total";
}

/** The filters that choose a group, or null where nothing does. */
export function chooses(group: Group, by: string[]): string[] | null {
  if (!by.length || (group.word !== null && group.word !== "none")) return null;
  const texts = by.flatMap((name, i) => {
    const value = group.key[i] ?? (group.word === "none" ? "(none)" : null);
    return value === null ? [] : [`${name}=${value}`];
  });
  return texts.length ? texts : null;
}

const HUES = 12;

/** The class of a group's hue: an entity keeps it; words and Other are grey. */
export function hue(group: Pick<Group, "color" | "word">, place = 0): string {
  if (group.word) return "var(--grey)";
  const index = group.color ?? place;
  const shade = Math.floor(index / HUES) % 3;
  return `var(--hue-${index % HUES}${shade ? (shade === 1 ? "-pale" : "-deep") : ""})`;
}
