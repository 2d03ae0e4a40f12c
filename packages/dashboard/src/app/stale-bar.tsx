import { AuthenticationError } from '@gatewayops/sdk';
import { notifyManager, useQueryClient, type Query, type QueryCache } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore, type ReactElement } from 'react';
import { Clock } from '../time/time.tsx';
import { Button } from '../ui/button.tsx';
import { useLiveLostMs } from './live.ts';

/** A session that has ended says so itself. */
function isStale({ state }: Query): boolean {
  return state.error !== null && state.data !== undefined && !(state.error instanceof AuthenticationError);
}

/** Since when something on the page could not be had anew; null while all of it is what the gateway last said. */
function staleSinceMs(cache: QueryCache): number | null {
  const stale = cache.findAll({ type: 'active' }).filter(isStale);
  return stale.length === 0 ? null : Math.min(...stale.map(({ state }) => state.dataUpdatedAt));
}

/** Says that what is shown is old, and of when: it stays where it is. Also what is missing of what comes by itself. */
export function StaleBar(): ReactElement | null {
  const queries = useQueryClient();
  const cache = queries.getQueryCache();
  const since = useSyncExternalStore(
    useCallback((changed) => cache.subscribe(notifyManager.batchCalls(changed)), [cache]),
    () => staleSinceMs(cache),
  );
  const lostMs = useLiveLostMs();
  if (since === null && lostMs === null) return null;
  return (
    <div role="status" className="flex min-h-10 items-center justify-between gap-3 border-b border-hairline bg-warn-soft px-3 py-1 text-warn sm:px-4">
      {since === null ? (
        <span className="[&_time]:text-warn">
          ▲ Live stream reconnecting… data to <Clock time={new Date(lostMs ?? 0).toISOString()} />
        </span>
      ) : (
        <>
          <span className="[&_time]:text-warn">
            ▲ The gateway is not responding; some data shown is from <Clock time={new Date(since).toISOString()} />.
          </span>
          <Button look="quiet" onClick={() => void queries.refetchQueries({ type: 'active', predicate: isStale })}>
            Retry
          </Button>
        </>
      )}
    </div>
  );
}
