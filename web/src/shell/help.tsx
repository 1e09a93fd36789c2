/** What the keys do. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { KEYS } from "../keys";

export const help = signal(false);

export function Help() {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (help.value) box.current?.showModal();
  }, [help.value]);
  if (!help.value) return null;
  return (
    <dialog class="help" ref={box} aria-label="Help" onClose={() => (help.value = false)}>
      <h2>Keyboard</h2>
      <dl>
        {KEYS.filter((k) => k.says).map((k) => (
          <div key={k.keys}>
            <dt>
              {k.keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{k.says}</dd>
          </div>
        ))}
      </dl>
      <p class="soft">
        Drag over a chart to zoom. Click an entry of a list or a legend to filter. Hatched bars may still change. Cost
        is billed, before tax, credits and adjustments.
      </p>
      <form method="dialog">
        <button class="button" type="submit">
          Close
        </button>
      </form>
    </dialog>
  );
}
