import type { Board, Panel } from "../types";

export interface MarkProps {
  panel: Panel;
  board: Board;
}
