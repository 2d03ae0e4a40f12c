import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { Clock } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { Id } from '../../ui/copy.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { Loaded } from '../../ui/loaded.tsx';

/** What a provider was refused, newest first, as rows. */
export function ScimErrors({ provider, onClose }: { readonly provider: string; readonly onClose: () => void }): ReactElement {
  const list = useInfiniteQuery({
    queryKey: ['identity', 'scim', 'errors', provider],
    queryFn: ({ pageParam, signal }) => gateway.identity.scim.errors(provider, { limit: 50 }, { signal }).page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ cursor }) => cursor ?? undefined,
  });
  const rows = (list.data?.pages ?? []).flatMap(({ errors }) => errors);
  return (
    <section aria-label={`Refused requests of ${provider}`} className="mt-4">
      <div className="mb-2 flex items-center justify-between gap-2">
        <h3 className="font-semibold">Refused requests of {provider}</h3>
        <Button look="quiet" onClick={onClose}>
          Close
        </Button>
      </div>
      <Loaded query={list} what="The refusals" rows={3}>
        {() =>
          rows.length === 0 ? (
            <p className="text-ink-2">Nothing was refused.</p>
          ) : (
            <SmallTable titles={['Time', 'What', 'Status', 'Why', 'Request']} left={5}>
              {rows.map((row) => (
                <tr key={`${row.request_id} ${row.at}`} className="h-(--row) border-t border-hairline align-top">
                  <td className="px-3 py-1.5">
                    <Clock time={row.at} />
                  </td>
                  <td className="px-3 py-1.5 whitespace-nowrap">
                    {row.method === '' ? 'notice' : row.method} {row.resource} {row.resource_id ?? ''}
                  </td>
                  <td className="px-3 py-1.5">{row.status === 0 ? '' : row.status}</td>
                  <td className="px-3 py-1.5">
                    {row.detail}
                    {row.scim_type !== null && <code className="ml-2 font-mono text-meta text-ink-3">{row.scim_type}</code>}
                  </td>
                  <td className="px-3 py-1.5">
                    <Id id={row.request_id} />
                  </td>
                </tr>
              ))}
            </SmallTable>
          )
        }
      </Loaded>
      {list.hasNextPage && (
        <Button className="mt-2" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Show older
        </Button>
      )}
    </section>
  );
}
