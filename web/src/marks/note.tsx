/** Sentences. */
import type { MarkProps } from "./mark";

type Text = string | { text: string; time?: number | string };

export function Notes({ panel }: MarkProps) {
  const texts = panel.data as Text[];
  if (!texts.length) return <p class="nothing">Nothing to say.</p>;
  return (
    <ul class="notes">
      {texts.map((each) => {
        const text = typeof each === "string" ? each : each.text;
        return (
          <li key={text}>
            <bdi>{text}</bdi>
          </li>
        );
      })}
    </ul>
  );
}
