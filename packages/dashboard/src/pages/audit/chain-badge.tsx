import { useQuery } from '@tanstack/react-query';
import { BadgeCheck, OctagonAlert } from 'lucide-react';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { countText } from '../../text/format.ts';
import { Ago } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';

/** Whether the chain of events is whole, as the gateway finds it now: asked for when the page is opened, and again on demand. */
export function ChainBadge(): ReactElement {
  const verified = useQuery({
    queryKey: ['audit', 'verify'],
    queryFn: async ({ signal }) => (await gateway.audit.verify({ calls: 'none' }, { signal })).verification,
    staleTime: 10 * 60_000,
    refetchOnWindowFocus: false,
  });
  if (verified.isLoadingError)
    return (
      <span className="flex items-center gap-2">
        <FaultLine error={verified.error} />
        <Button look="quiet" disabled={verified.isFetching} onClick={() => void verified.refetch()}>
          Try again
        </Button>
      </span>
    );
  if (verified.data === undefined) return <span className="text-ink-3">Verifying the chain …</span>;
  const { ok, events, checked_at: checkedAt, findings } = verified.data;
  return (
    <span className="flex items-center gap-2">
      {ok ? (
        <span className="flex items-center gap-1.5 text-ok">
          <BadgeCheck size={16} aria-hidden="true" /> verified to #{countText(events.through)}, <Ago time={checkedAt} />
        </span>
      ) : (
        <span role="alert" className="flex items-center gap-1.5 font-medium text-error">
          <OctagonAlert size={16} aria-hidden="true" /> The record was changed: {findings[0]?.kind ?? 'see gateway audit verify'}
          {findings.length > 1 && ` and ${countText(findings.length - 1)} more`}
        </span>
      )}
      <Button look="quiet" disabled={verified.isFetching} onClick={() => void verified.refetch()}>
        Verify again
      </Button>
    </span>
  );
}
