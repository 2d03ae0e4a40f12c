import type { ReactElement } from 'react';
import { Mark } from '../../rail/rail.tsx';
import type { Policy } from './policy-text.ts';

const looks = {
  allow: { status: 'success', tone: 'text-ink-2', word: 'allow' },
  deny: { status: 'blocked', tone: 'text-blocked', word: 'deny' },
  hold: { status: 'waiting', tone: 'text-waiting', word: 'hold' },
} as const;

/** What a rule does, by the shape that its calls have on the rail. */
export function EffectWord({ effect }: { readonly effect: Policy['effect'] }): ReactElement {
  const { status, tone, word } = looks[effect];
  return (
    <span className={`inline-flex items-center gap-1.5 whitespace-nowrap ${tone}`}>
      <svg viewBox="0 0 12 12" width={12} height={12} aria-hidden="true" className="shrink-0 [&_g]:animate-none">
        <Mark status={status} />
      </svg>
      {word}
    </span>
  );
}
