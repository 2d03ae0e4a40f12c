import { useLayoutEffect, useRef, type RefObject } from 'react';

/** So far from an end what is there may be faded. */
const edge = 24;

/** For a row of choices that is scrolled sideways where it is wider than its place: the chosen one is always seen, also that which an address names. */
export function useChosenInSight<Row extends HTMLElement>(chosen: string): RefObject<Row | null> {
  const row = useRef<Row>(null);
  useLayoutEffect(() => {
    const one = chosen === '' ? null : row.current?.querySelector('[aria-selected=true], [aria-current]');
    if (row.current === null || one === null || one === undefined) return;
    const [around, at] = [row.current.getBoundingClientRect(), one.getBoundingClientRect()];
    if (at.left < around.left + edge || at.right > around.right - edge) row.current.scrollLeft += (at.left + at.right - around.left - around.right) / 2;
    // Until another is chosen somebody scrolls as they like.
  }, [chosen]);
  return row;
}
