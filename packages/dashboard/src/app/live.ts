/** Calls and figures as they end. A stream that has lost its connection is opened again by itself; meanwhile the shell says to when what it brought reaches. */
import type { LiveEvent, LiveQuery } from '@gatewayops/sdk';
import { useSyncExternalStore } from 'react';
import { gateway } from './gateway.ts';

/** Of each stream without a connection: when the last came of it. */
const lost = new Map<AbortSignal, number>();
const listeners = new Set<() => void>();

export async function* followLive(query: LiveQuery, signal: AbortSignal): AsyncGenerator<LiveEvent, void, undefined> {
  let lastMs = Date.now();
  const note = (isLost: boolean): void => {
    if (isLost) lost.set(signal, lastMs);
    else if (!lost.delete(signal)) return;
    for (const listener of listeners) listener();
  };
  try {
    for await (const event of gateway.traces.tail(query, { signal, onLost: () => note(true) })) {
      lastMs = Date.now();
      note(false);
      yield event;
    }
  } finally {
    note(false);
  }
}

/** Since when live calls are missing; null while they come. */
export function useLiveLostMs(): number | null {
  return useSyncExternalStore(subscribe, () => (lost.size === 0 ? null : Math.min(...lost.values())));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
