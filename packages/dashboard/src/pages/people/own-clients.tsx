import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Ago } from '../../time/time.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { ErrorCard, Skeleton } from '../../ui/states.tsx';
import { Part } from './part.tsx';
import { grantsOf, type Grant } from './what-they-have.ts';
import { RowAction, SmallTable } from '../../ui/small-table.tsx';

/** What clients may do in somebody's name. */
export function OwnClients({ userId }: { readonly userId: string }): ReactElement {
  const queries = useQueryClient();
  const revoke = useCapability('grants.revoke');
  const [revoking, setRevoking] = useState<Grant | null>(null);
  const grants = useQuery({ queryKey: ['people', 'grants', userId], queryFn: ({ signal }) => grantsOf(userId, signal) });
  const shown = grants.data?.filter(({ status }) => status === 'active' || status === 'pending');
  return (
    <Part title="Clients acting for them">
      {grants.isLoadingError ? (
        <ErrorCard error={grants.error} what="What clients may do" onRetry={() => void grants.refetch()} />
      ) : shown === undefined ? (
        <Skeleton rows={1} label="Loading clients" />
      ) : shown.length === 0 ? (
        <p className="text-ink-2">No client may act on their behalf.</p>
      ) : (
        <SmallTable titles={['Client', 'At', 'Scopes', 'Last token', 'Ends', 'Revoke']} left={5}>
          {shown.map((grant) => (
            <tr key={grant.id} className="h-(--row) border-t border-hairline">
              <th scope="row" title={grant.client_id} className="px-3 text-left font-medium">
                {grant.client_name}
              </th>
              <td className="px-3">
                <code className="font-mono text-meta break-all">{grant.resource}</code>
              </td>
              <td className="px-3">{grant.scopes.join(' ')}</td>
              <td className="px-3">{grant.used_at === null ? <span className="text-ink-3">none</span> : <Ago time={grant.used_at} />}</td>
              <td className="px-3">
                <Ago time={grant.expires_at} />
              </td>
              <RowAction capability={revoke} onAct={() => setRevoking(grant)}>
                Revoke
              </RowAction>
            </tr>
          ))}
        </SmallTable>
      )}
      {revoking !== null && (
        <Confirm
          title={`Revoke the access of ${revoking.client_name}?`}
          verb="Revoke access"
          onClose={() => setRevoking(null)}
          onConfirm={async () => {
            await gateway.grants.revoke(revoking.id);
            await queries.invalidateQueries({ queryKey: ['people', 'grants'] });
          }}
        >
          Its tokens are refused everywhere, and calls running on them end. They can allow it again.
        </Confirm>
      )}
    </Part>
  );
}
