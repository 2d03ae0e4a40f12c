import { copyText } from '../ui/copy.tsx';

/** Copies the address where it means two moments: it stays what it is. Else it is asked which of both a link shall mean. */
export function copyLink(ask: () => void): void {
  const { searchParams, href } = new URL(location.href);
  if (searchParams.has('from') && searchParams.has('to')) void copyText(href);
  else ask();
}
