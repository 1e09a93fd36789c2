import type { Delta } from "../format";

const ARROWS = { up: "↑", down: "↓", level: "" };

/** A change with its direction and its tone; in words for those who hear it. */
export function Change({ text, arrow, tone, said }: Delta) {
  return (
    <span class={`change ${tone}`}>
      <span aria-hidden="true">{arrow ? `${ARROWS[arrow]} ${text}` : text}</span>
      <span class="unseen">{said}</span>
    </span>
  );
}
