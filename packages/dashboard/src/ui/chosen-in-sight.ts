import { useLayoutEffect, useRef, type RefObject } from 'react';

/** For a row of choices that is scrolled sideways where it is wider than its place: the chosen one is always seen, also that which an address names. */
export function useChosenInSight<Row extends HTMLElement>(chosen: string): RefObject<Row | null> {
  const row = useRef<Row>(null);
  useLayoutEffect(() => {
    const one = row.current?.querySelector('[aria-selected=true], [aria-current]');
    if (row.current === null || one === null || one === undefined) return;
    const [around, at] = [row.current.getBoundingClientRect(), one.getBoundingClientRect()];
    if (at.left < around.left || at.right > around.right) row.current.scrollLeft += (at.left + at.right - around.left - around.right) / 2;
    // When another is chosen; in between somebody scrolls as they like.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [chosen]);
  return row;
}
