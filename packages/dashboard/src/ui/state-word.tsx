import type { ReactElement } from 'react';

const looks: Readonly<
  Record<string, { readonly word: string; readonly tone: string; readonly shape: 'dot' | 'triangle' | 'octagon' | 'ring' | 'dashed' | 'barred' }>
> = {
  ready: { word: 'ready', tone: 'text-ink-2', shape: 'dot' },
  starting: { word: 'starting', tone: 'text-waiting', shape: 'ring' },
  degraded: { word: 'degraded', tone: 'text-warn', shape: 'triangle' },
  failed: { word: 'failed', tone: 'text-error', shape: 'octagon' },
  failing: { word: 'failing', tone: 'text-error', shape: 'octagon' },
  down: { word: 'down', tone: 'text-error', shape: 'octagon' },
  recovering: { word: 'recovering', tone: 'text-warn', shape: 'triangle' },
  draining: { word: 'draining', tone: 'text-waiting', shape: 'ring' },
  off: { word: 'switched off', tone: 'text-blocked', shape: 'barred' },
  unanswered: { word: 'no successful call yet', tone: 'text-warn', shape: 'triangle' },
  unknown: { word: 'no call yet', tone: 'text-ink-3', shape: 'dashed' },
};

interface Asked {
  readonly state: string;
  readonly calls: number;
}

/** What calls have shown of a target of which nothing else is known: those that went well would have made it ready. */
export function targetState({ state, calls }: Asked): string {
  return state === 'unknown' && calls > 0 ? 'unanswered' : state;
}

/** Likewise of a server. */
export function serverState({ state, targets }: { readonly state: string; readonly targets: readonly Asked[] }): string {
  return state === 'unknown' && targets.some(({ calls }) => calls > 0) ? 'unanswered' : state;
}

/** The word alone, where there is no room for more. */
export function stateText(state: string): string {
  return looks[state]?.word ?? state;
}

/** The state of a server or of a target: shape, word, colour. */
export function StateWord({ state, reason }: { readonly state: string; readonly reason: string | null }): ReactElement {
  const { word, tone, shape } = looks[state] ?? { word: state, tone: 'text-ink-3', shape: 'dashed' };
  return (
    <span className={`inline-flex items-center gap-1.5 ${tone}`} title={reason ?? undefined}>
      <svg viewBox="0 0 12 12" width={12} height={12} aria-hidden="true" className="shrink-0 fill-current stroke-current">
        {shape === 'dot' && <circle cx={6} cy={6} r={3.5} stroke="none" />}
        {shape === 'ring' && <circle cx={6} cy={6} r={3.5} fill="none" strokeWidth={1.5} />}
        {shape === 'dashed' && <circle cx={6} cy={6} r={3.5} fill="none" strokeWidth={1} strokeDasharray="2 1.5" />}
        {shape === 'barred' && <path d="M2 6a4 4 0 1 1 8 0a4 4 0 1 1 -8 0M3.2 8.8L8.8 3.2" fill="none" strokeWidth={1.5} />}
        {shape === 'triangle' && <path d="M6 1.5L11 10.5H1Z" stroke="none" />}
        {shape === 'octagon' && <path d="M4 1H8L11 4V8L8 11H4L1 8V4Z" stroke="none" />}
      </svg>
      {word}
    </span>
  );
}
