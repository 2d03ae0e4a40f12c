import type { ReactElement } from 'react';
import { durationFigure, moneyText } from './format.ts';

/** A figure set for columns: the unit is dimmed. */
export function Duration({ ms }: { readonly ms: number }): ReactElement {
  const { number, unit } = durationFigure(ms);
  return (
    <span className="whitespace-nowrap">
      {number} <span className="text-ink-3">{unit}</span>
    </span>
  );
}

export function Money({ amount, currency }: { readonly amount: number; readonly currency: string }): ReactElement {
  return <span className={`whitespace-nowrap ${amount === 0 ? 'text-ink-3' : ''}`}>{moneyText(amount, currency)}</span>;
}
