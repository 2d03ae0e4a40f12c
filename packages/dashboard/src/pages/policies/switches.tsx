import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { pluralText } from '../../text/format.ts';
import { Ago, Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { ErrorCard } from '../../ui/states.tsx';
import { Who } from '../../ui/who.tsx';

/** What is switched off, which no rule lifts; nothing while all is on. */
export function Switches(): ReactElement | null {
  const may = useCapability('switches.write');
  const now = useNow(60_000);
  const found = useQuery({
    queryKey: ['switches', 'all'],
    queryFn: ({ signal }) => gateway.switches.list({ limit: 200 }, { signal }).page(),
    refetchInterval: 15_000,
  });
  const enable = useMutation({
    mutationFn: ({ kind, name }: NonNullable<typeof found.data>['switches'][number]) => gateway.switches.enable(kind, name),
    onSuccess: () => found.refetch(),
  });
  if (found.isLoadingError) return <ErrorCard error={found.error} what="The list of what is switched off" onRetry={() => void found.refetch()} />;
  const list = found.data?.switches ?? [];
  if (list.length === 0) return null;
  return (
    <section aria-label="Switched off" className="border-t border-hairline bg-blocked-soft px-3 py-2 sm:px-4">
      <h2 className="font-semibold text-blocked">
        {found.data?.has_more === true ? 'More than ' : ''}
        {pluralText(list.length, 'item')} switched off, regardless of policies
      </h2>
      <FaultLine error={enable.error} />
      <ul className="mt-1 max-h-40 overflow-y-auto">
        {list.map((one) => (
          <li key={`${one.kind} ${one.name}`} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-1">
            <span className="font-medium">
              {one.kind.replace('_', ' ')} {one.name}
            </span>
            <span>{one.reason}</span>
            <span className="text-ink-2">
              <Ago time={one.changed_at} now={now} /> by <Who id={one.changed_by} name={one.changed_by_name} />
              {one.until !== null && (
                <>
                  , until <Clock time={one.until} />
                </>
              )}
            </span>
            <Button
              className="ml-auto"
              disabled={!may.allowed || enable.isPending}
              title={may.allowed ? undefined : may.reason}
              aria-label={`Enable ${one.kind.replace('_', ' ')} ${one.name}`}
              onClick={() => enable.mutate(one)}
            >
              Enable
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
