import type { ReactElement } from 'react';
import { useAppearance } from '../app/appearance.ts';
import { agoText, clockText, exactText } from './moment.ts';

/** A moment as lists show it; the exact one stands in its title. */
export function Clock({ time }: { readonly time: string }): ReactElement {
  const { zone } = useAppearance();
  return (
    <time dateTime={time} title={exactText(time, zone)} className="font-mono text-meta whitespace-nowrap text-ink-2">
      {clockText(time, zone)}
    </time>
  );
}

export function Ago({ time, now }: { readonly time: string; readonly now?: number }): ReactElement {
  const { zone } = useAppearance();
  return (
    <time dateTime={time} title={exactText(time, zone)} className="whitespace-nowrap">
      {agoText(time, now)}
    </time>
  );
}
