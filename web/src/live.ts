/** New data without a reload: a stream of versions, closed while nobody looks, opened again when it breaks. */
import { signal } from "@preact/signals";
import { board, load } from "./load";

const LONGEST = 60_000;

export const live = signal<"live" | "paused" | "connecting" | "off">("off");

let stream: EventSource | null = null;
let retry = 0;
let wait = 1000;

function close(): void {
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

function open(): void {
  close();
  live.value = "connecting";
  stream = new EventSource("api/events");
  let told = false;
  stream.addEventListener("open", () => {
    live.value = "live";
    wait = 1000;
  });
  stream.addEventListener("version", (event) => {
    // the first says where the book stands; any later one that something is new, be it only that a sync ended
    if (board.peek() && (told || event.data !== board.peek()?.version)) void load(true);
    told = true;
  });
  stream.addEventListener("error", () => {
    live.value = "connecting";
    if (stream?.readyState !== EventSource.CLOSED) return;
    close();
    retry = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST);
  });
}

/** Follow the book from now on. */
export function follow(): void {
  const look = () => {
    if (document.hidden) {
      close();
      live.value = "paused";
    } else open();
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", close);
  look();
}
