/** What a node says of itself to its workers, and by them to `/readyz`. Part of `assemble.ts`. */
import { bounds } from './kernel/bounds.ts';
import type { Log } from './kernel/log.ts';
import type { Readiness } from './node/worker-messages.ts';
import type { LedgerState } from './store/ledger/ledger-store.ts';

export interface ReadinessParts {
  readonly isRegistryUp: () => boolean;
  readonly isBlocked: () => boolean;
  readonly isStopping: () => boolean;
  /** How long ago the registry last said that nothing else holds; null: it has not been read yet. */
  readonly viewAgeMs: () => number | null;
  readonly ledger: () => LedgerState;
  readonly servers: () => readonly ('ready' | 'starting' | 'failed' | 'unknown')[];
  /** Resolves when every worker knows. */
  readonly tell: (readiness: Readiness) => Promise<void>;
  readonly log: Log;
}

export interface NodeReadiness {
  now(): Readiness;
  /** Tells the workers where it is another than they know, or they have heard nothing for long. */
  push(): Promise<void>;
}

export function createReadiness(parts: ReadinessParts): NodeReadiness {
  const { isRegistryUp, isBlocked, isStopping, viewAgeMs, ledger, servers, tell, log } = parts;
  let last = '';
  let toldAtMs = 0;

  function now(): Readiness {
    const states = servers();
    const viewStale = (viewAgeMs() ?? 0) > bounds.viewAgeMsMax;
    const count = (wanted: string): number => states.filter((one) => one === wanted).length;
    return {
      ready: isRegistryUp() && !isBlocked() && !viewStale && !isStopping(),
      registry: isRegistryUp() ? 'ready' : 'down',
      ledger: ledger(),
      servers: { ready: count('ready') + count('unknown'), starting: count('starting'), failed: count('failed') },
      recordBlocked: isBlocked(),
      viewStale,
    };
  }

  return {
    now,
    async push() {
      const next = now();
      const text = JSON.stringify(next);
      // A worker that hears nothing for long takes its view for stale.
      if (text === last && performance.now() - toldAtMs < bounds.viewAgeMsMax / 6) return;
      if (next.viewStale && !last.includes('"viewStale":true')) log.error('access.view_stale', { seconds: bounds.viewAgeMsMax / 1000 });
      last = text;
      toldAtMs = performance.now();
      await tell(next);
    },
  };
}
