import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { BadgeCheck, OctagonAlert } from 'lucide-react';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { countText } from '../../text/format.ts';
import { Ago } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { Command } from '../../ui/states.tsx';

type Verification = Schemas['AuditVerification']['verification'];

/** Whether the chain of events is whole, as the gateway finds it now: asked for when the page is opened, and again on demand. */
export function useChain(): UseQueryResult<Verification> {
  return useQuery({
    queryKey: ['audit', 'verify'],
    queryFn: async ({ signal }) => (await gateway.audit.verify({ calls: 'none' }, { signal })).verification,
    staleTime: 10 * 60_000,
    refetchOnWindowFocus: false,
  });
}

/** Up to where it is whole; where it is not, `NotWhole` says so. */
export function ChainBadge({ chain }: { readonly chain: UseQueryResult<Verification> }): ReactElement | null {
  if (chain.isLoadingError)
    return (
      <div className="flex min-w-0 flex-wrap items-center gap-x-2">
        <span className="text-warn">▲ The integrity of the chain is unknown: {chain.error.message}</span> <Again chain={chain} />
      </div>
    );
  if (chain.data === undefined) return <p className="text-ink-3">Verifying the chain…</p>;
  const { ok, events, checked_at: checkedAt } = chain.data;
  if (!ok) return null;
  return (
    <div className="flex items-center gap-2">
      <span className="flex items-center gap-1.5 text-ok">
        <BadgeCheck size={16} aria-hidden="true" className="shrink-0" />
        <span>
          verified to #{countText(events.through)}, <Ago time={checkedAt} />
        </span>
      </span>
      <Again chain={chain} />
    </div>
  );
}

function Again({ chain, look = 'quiet' }: { readonly chain: UseQueryResult<Verification>; readonly look?: 'quiet' | 'plain' }): ReactElement {
  return (
    <Button look={look} disabled={chain.isFetching} onClick={() => void chain.refetch()}>
      {chain.isFetching ? 'Verifying…' : chain.isLoadingError ? 'Try again' : 'Verify again'}
    </Button>
  );
}

const findingsShown = 5;

/** Where somebody changed the record: which places, and the first steps of the runbook. */
export function NotWhole({ chain }: { readonly chain: UseQueryResult<Verification> }): ReactElement | null {
  if (chain.data === undefined || chain.data.ok) return null;
  const { findings, findings_left_out: leftOut } = chain.data;
  const more = Math.max(0, findings.length - findingsShown) + leftOut;
  return (
    <div role="alert" className="flex gap-3 rounded-panel border border-error-solid bg-error-soft p-3">
      <OctagonAlert size={18} aria-hidden="true" className="mt-0.5 shrink-0 text-error-solid" />
      <div className="min-w-0 flex-1">
        <p className="font-medium text-error">The audit log is not intact: it was changed outside the gateway.</p>
        <ul className="mt-1">
          {findings.slice(0, findingsShown).map(({ kind, chain, from, to, text }) => (
            <li key={`${kind} ${chain} ${String(from)} ${text}`}>
              <span className="font-medium">
                {kind}
                {chain !== '' && ` #${countText(from)}${to === from ? '' : `–#${countText(to)}`}`}
              </span>
              : {text}
            </li>
          ))}
          {more > 0 && <li className="text-ink-2">and {countText(more)} more</li>}
        </ul>
        <p className="mt-2 text-ink-2">
          First save a copy of the log on another machine, then compare it with an earlier proof or with what your SIEM received. The steps are in
          docs/guides/audit.md, “When it is not whole”.
        </p>
        <Command text="npx --no gateway audit export --calls rows audit.proof" />
        <Again chain={chain} look="plain" />
      </div>
    </div>
  );
}
