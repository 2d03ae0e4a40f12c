import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { Answer, Operation } from '@gatewayops/sdk';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Clock } from '../../time/time.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Part } from './part.tsx';
import { RowAction, SmallTable } from '../../ui/small-table.tsx';
import { Loaded } from '../../ui/loaded.tsx';

type Identity = Answer<Operation<'get', '/v1/users/{id}/identities'>>['identities'][number];

/** By which accounts of identity providers somebody signs in. */
export function OwnIdentities({ userId, name }: { readonly userId: string; readonly name: string }): ReactElement {
  const queries = useQueryClient();
  const write = useCapability('people.write');
  const [unlinking, setUnlinking] = useState<Identity | null>(null);
  const identities = useQuery({
    queryKey: ['people', 'identities', userId],
    queryFn: ({ signal }) => gateway.users.identities(userId, { signal }).take(100),
  });
  return (
    <Part title="Signs in with">
      <Loaded query={identities} what="Identities" rows={1}>
        {(data) =>
          data.length === 0 ? (
            <p className="text-ink-2">{name} has not signed in through an identity provider yet.</p>
          ) : (
            <SmallTable titles={['Provider', 'Issuer', 'Linked', 'Unlink']} left={3}>
              {data.map((identity) => (
                <tr key={identity.id} className="h-(--row) border-t border-hairline">
                  <th scope="row" className="px-3 text-left font-medium">
                    {identity.provider}
                  </th>
                  <td className="px-3">
                    <code className="font-mono text-meta break-all">{identity.issuer}</code>
                  </td>
                  <td className="px-3">
                    <Clock time={identity.linked_at} />
                  </td>
                  <RowAction capability={write} onAct={() => setUnlinking(identity)}>
                    Unlink
                  </RowAction>
                </tr>
              ))}
            </SmallTable>
          )
        }
      </Loaded>
      {unlinking !== null && (
        <Confirm
          title={`Unlink ${unlinking.provider} from ${name}?`}
          verb="Unlink the identity"
          onClose={() => setUnlinking(null)}
          onConfirm={async () => {
            await gateway.users.unlinkIdentity(userId, unlinking.id);
            await queries.invalidateQueries({ queryKey: ['people'] });
          }}
        >
          Every session of {name} ends, with all access that they gave to clients. Whoever signs in with that account then comes as a new person.
        </Confirm>
      )}
    </Part>
  );
}
