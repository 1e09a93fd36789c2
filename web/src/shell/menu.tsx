/** A button with what it opens; a click beside it or Esc closes. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface MenuProps {
  label: ComponentChildren;
  name?: string;
  kind?: string;
  pressed?: boolean;
  align?: "left" | "right";
  children: (close: () => void) => ComponentChildren;
}

export function Menu({ label, name, kind = "button", pressed, align = "left", children }: MenuProps) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>(".menu input, .menu button, .menu select")?.focus();
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div class="menu-box" ref={box} onKeyDown={onKeyDown}>
      <button
        ref={button}
        class={kind}
        type="button"
        aria-expanded={open}
        aria-label={name}
        aria-pressed={pressed}
        title={name}
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      {open && <div class={`menu ${align}`}>{children(() => setOpen(false))}</div>}
    </div>
  );
}
