/** The board on screen: old data stays while new loads, and what went wrong is said beside it. */
import { effect, signal } from "@preact/signals";
import { Refused, type Source } from "./source";
import { words } from "./state";
import type { Board, Problem } from "./types";

const PATIENCE = 120;

export const board = signal<Board | null>(null);
export const problem = signal<Problem | null>(null);
/** Whether an answer takes long enough that the old one is dimmed. */
export const slow = signal(false);

let running: AbortController | null = null;
let origin: Source;

export const source = (): Source => origin;

/** Ask for the board of the state; an earlier question is given up. */
export async function load(quietly = false): Promise<void> {
  running?.abort();
  const mine = (running = new AbortController());
  const timer = quietly ? 0 : setTimeout(() => (slow.value = true), PATIENCE);
  try {
    const found = await origin.board(words.peek(), mine.signal);
    if (mine.signal.aborted) return;
    board.value = found;
    problem.value = null;
  } catch (error) {
    if (mine.signal.aborted) return;
    problem.value = error instanceof Refused ? error.problem : { title: "The page failed", detail: String(error) };
  } finally {
    clearTimeout(timer);
    if (running === mine) slow.value = false;
  }
}

/** Load whenever the state changes. */
export function start(from: Source): void {
  origin = from;
  effect(() => {
    void words.value;
    void load();
  });
}
