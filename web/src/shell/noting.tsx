/** Notes on the axis: write one, and remove those of the range. */
import { useState } from "preact/hooks";
import { day, iso } from "../clock";
import { load, source } from "../load";
import type { Board, Note } from "../types";
import { Menu } from "./menu";

export const Noting = ({ board }: { board: Board }) => (
  <Menu label="Notes" name="Notes on the axis" kind="plain" align="right">
    {() => <Written board={board} />}
  </Menu>
);

/** The newest day of the range that has begun. */
const newest = (board: Board): string =>
  iso(Math.min(Date.parse(board.state.range.end) / 1000 - 1, board.now), board.state.tz);

function Written({ board }: { board: Board }) {
  const [date, setDate] = useState(newest(board));
  const [text, setText] = useState("");
  const [trouble, setTrouble] = useState("");
  const change = async (doing: Promise<void> | undefined) => {
    try {
      await doing;
      setTrouble("");
      setText("");
      await load(true);
    } catch (error) {
      setTrouble((error as Error).message);
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void change(source().addNote({ date, text }));
  };
  return (
    <div class="noting">
      <ul>
        {board.notes.map((note: Note) => (
          <li key={note.id ?? note.time}>
            <span class="soft">{day(note.time, board.state.tz)}</span> <bdi>{note.text}</bdi>
            {note.id && (
              <button
                type="button"
                aria-label={`Remove the note ${note.text}`}
                onClick={() => void change(source().removeNote?.(String(note.id)))}
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      <form class="custom" onSubmit={submit}>
        <label>
          Day
          <input type="date" value={date} required onInput={(e) => setDate(e.currentTarget.value)} />
        </label>
        <label>
          What happened
          <input type="text" value={text} maxLength={500} required onInput={(e) => setText(e.currentTarget.value)} />
        </label>
        {trouble && (
          <p class="noting-trouble" role="alert">
            {trouble}
          </p>
        )}
        <button class="button strong" type="submit">
          Add a note
        </button>
      </form>
    </div>
  );
}
