import { copyText } from '../ui/copy.tsx';

/** Copies the address where it means two moments, or the page has no range of time: it stays what it is. Else it is asked which of both a link shall mean. */
export function copyLink(hasRange: boolean, ask: () => void): void {
  const { searchParams, href } = new URL(location.href);
  if (!hasRange || (searchParams.has('from') && searchParams.has('to'))) void copyText(href);
  else ask();
}
