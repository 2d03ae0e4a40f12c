import type { ReactElement } from 'react';
import { durationFigure, moneyText } from './format.ts';

/** A figure set for columns: the unit is dimmed. */
export function Duration({ ms }: { readonly ms: number }): ReactElement {
  const { number, unit } = durationFigure(ms);
  return (
    <>
      {number}
      {'\u00a0'}
      <span className="text-ink-3">{unit}</span>
    </>
  );
}

export function Money({ amount, currency }: { readonly amount: number; readonly currency: string }): ReactElement {
  const text = moneyText(amount, currency);
  return amount === 0 ? <span className="text-ink-3">{text}</span> : <>{text}</>;
}
