/** Would this caller be let through to that: the decision, and every rule on the way to it. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { Allowed, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { AccessForm } from './access-form.tsx';
import { Explanation } from './explanation.tsx';

export function CheckAccess(): ReactElement {
  return (
    <Allowed permission="policies.read">
      <AccessPage />
    </Allowed>
  );
}

function AccessPage(): ReactElement {
  const search = useSearch({ from: '/access' });
  const navigate = useNavigate({ from: '/access' });
  const { as, server, kind = 'tool', name, arguments: written, ip } = search;
  const isAsked = as !== undefined && server !== undefined && name !== undefined;
  const explained = useQuery({
    queryKey: ['explain', as, server, kind, name, written, ip],
    queryFn: async ({ signal }) =>
      (
        await gateway.access.explain(
          {
            as: as ?? '',
            server: server ?? '',
            kind,
            name: name ?? '',
            ...(written === undefined ? {} : { arguments: JSON.parse(written) as Record<string, unknown> }),
            ...(ip === undefined ? {} : { ip }),
          },
          { signal },
        )
      ).explanation,
    enabled: isAsked,
    placeholderData: keepPreviousData,
    // Rules change while somebody looks.
    refetchInterval: 15_000,
  });
  return (
    <div className="[--state-inset:0px] flex flex-col gap-4 px-3 pt-3 pb-6 sm:px-4">
      <h1 className="text-title font-semibold">Check access</h1>
      <AccessForm key={JSON.stringify(search)} search={search} onAsk={(asked) => void navigate({ search: (old) => ({ ...old, ...asked }) })} />
      {!isAsked ? (
        <Empty title="Who wants to call what?">
          Shows whether the rules in force would allow the call, and which of them decides. Nothing is called. The address of this page leads to the answer.
        </Empty>
      ) : explained.isLoadingError ? (
        <ErrorCard error={explained.error} what="The decision" onRetry={() => void explained.refetch()} />
      ) : explained.data === undefined ? (
        <Skeleton rows={6} label="Loading the decision" />
      ) : (
        <div className={explained.isPlaceholderData ? 'opacity-60' : ''} aria-busy={explained.isPlaceholderData}>
          <Explanation explanation={explained.data} as={as} server={server} kind={kind} name={name} />
        </div>
      )}
    </div>
  );
}
