import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** Narrower than that, nothing can be drawn; pages are so for a moment while they are laid out. */
const LEAST = 160;

/** The width of an element, as it changes. */
export function useWidth<T extends HTMLElement>(): [{ current: T | null }, number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const look = () => setWidth(element.clientWidth < LEAST ? 0 : Math.floor(element.clientWidth));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
