import { useLayoutEffect, useRef, type RefObject } from 'react';

/** So far from an end what is there may be faded. */
const edge = 24;

/** For a row of choices that is scrolled sideways where it is wider than its place: the chosen one is always seen, also that which an address names. */
export function useChosenInSight<Row extends HTMLElement>(chosen: string): RefObject<Row | null> {
  const row = useRef<Row>(null);
  useLayoutEffect(() => {
    const whole = row.current;
    if (whole === null || chosen === '') return;
    const bring = (): void => {
      const one = whole.querySelector('[aria-selected=true], [aria-current]');
      if (one === null) return;
      const [around, at] = [whole.getBoundingClientRect(), one.getBoundingClientRect()];
      if (at.left < around.left + edge || at.right > around.right - edge) whole.scrollLeft += (at.left + at.right - around.left - around.right) / 2;
    };
    bring();
    // A screen that is turned has room for others. Until then, or until another is chosen, somebody scrolls as they like.
    const watch = new ResizeObserver(bring);
    watch.observe(whole);
    return () => watch.disconnect();
  }, [chosen]);
  return row;
}
