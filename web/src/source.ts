/** Where answers come from: a server, or what a report has embedded. Nothing else knows which. */
import type { Preset } from "./range";
import type { Board, Note, Option, Problem, Table } from "./types";

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

export interface Source {
  /** Whether new data can appear. */
  live: boolean;
  /** The ranges that one click asks for, where they are not those of every day. */
  presets?: Preset[];
  board(words: string, signal: AbortSignal): Promise<Board>;
  table(words: string, signal?: AbortSignal): Promise<Table>;
  options(by: string, words: string): Promise<Option[]>;
  /** The address of an export, or null where there is none. */
  download(form: "csv" | "xlsx" | "parquet", words: string): string | null;
  sync(): Promise<void>;
  addNote(note: Pick<Note, "text"> & { date: string }): Promise<void>;
  removeNote?(id: string): Promise<void>;
}

/** JSON that the page brought along, plain or (of the type application/gzip) compressed and in base64. */
export async function brought<T>(id: string): Promise<T | null> {
  const element = document.getElementById(id);
  const text = element?.textContent;
  if (!text) return null;
  if (element.getAttribute("type") !== "application/gzip") return JSON.parse(text) as T;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json() as Promise<T>;
}

const plain = (words: string): string => new URLSearchParams(words).toString();

async function answer<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { headers: { accept: "application/json" }, ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused({ title: "The server does not answer", detail: "Is `tallybook dashboard` still running?" });
  }
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
  if (response.status === 401 && response.headers.get("location") === null) location.reload();
  const problem = await response.json().catch(() => null);
  throw new Refused(problem ?? { title: `The server answered ${response.status}`, status: response.status });
}

const post = (path: string, body: unknown): Promise<void> =>
  answer(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  });

/** The HTTP API beside the page; the first board may be in the page already. */
export function http(first: { words: string; board: Board } | null): Source {
  return {
    live: true,
    board: async (words, signal) => {
      const ready = first && plain(first.words) === words ? first.board : null;
      first = null;
      return ready ?? answer<Board>(`api/board?${words}`, { signal, headers: { accept: "application/json" } });
    },
    table: (words, signal) => answer<Table>(`api/table?${words}`, { signal: signal ?? null }),
    options: async (by, words) => {
      const asked = new URLSearchParams(words);
      asked.set("by", by);
      return (await answer<{ values: Option[] }>(`api/options?${asked}`)).values;
    },
    download: (form, words) => `api/export.${form}?${words}`,
    sync: () => post("api/sync", {}),
    addNote: (note) => post("api/notes", note),
    removeNote: (id) => answer(`api/notes/${encodeURIComponent(id)}`, { method: "DELETE" }),
  };
}
