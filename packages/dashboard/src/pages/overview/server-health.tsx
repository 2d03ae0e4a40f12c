import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { countText, percentText } from '../../text/format.ts';
import { Duration } from '../../text/number.tsx';
import { serverState, StateWord } from '../../ui/state-word.tsx';
import { Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import { switchesQuery } from '../servers/use-servers.ts';

/** Each server with its state and what its calls were like; those that fail first. `figures`: null where they are not known. */
export function ServerHealth({ figures }: { readonly figures: Schemas['CallMetrics']['servers'] | null }): ReactElement {
  const { allowed } = useCapability('servers.read');
  const servers = useQuery({
    queryKey: ['servers'],
    queryFn: ({ signal }) => gateway.servers.list({ limit: 200 }, { signal }).page(),
    enabled: allowed,
    refetchInterval: 15_000,
  });
  const switches = useQuery({ ...switchesQuery, enabled: useCapability('policies.read').allowed });
  if (allowed && servers.isLoadingError) return <ErrorCard error={servers.error} what="The servers" onRetry={() => void servers.refetch()} />;
  if (allowed && servers.data === undefined) return <Skeleton rows={3} label="Loading servers" />;
  const states = new Map((servers.data?.servers ?? []).map((server) => [server.name, server]));
  const names = [...new Set([...states.keys(), ...(figures ?? []).map(({ server }) => server)])].filter((name) => name !== '');
  const rows = names
    .map((name) => ({ name, server: states.get(name), off: switches.data?.get(name), calls: figures?.find(({ server }) => server === name) }))
    .toSorted((a, b) => (b.calls?.error_percent ?? 0) - (a.calls?.error_percent ?? 0) || (b.calls?.calls ?? 0) - (a.calls?.calls ?? 0));
  if (rows.length === 0) return <Empty title="No servers yet">Add them under servers in gateway.yaml, or run gateway servers create.</Empty>;
  return (
    <div className="overflow-x-auto">
      <table className="w-full">
        <TableHead titles={['Server', 'State', 'Transport', 'Calls', 'Failed', 'p50', 'p95']} left={3} />
        <tbody>
          {rows.map(({ name, server, off, calls }) => (
            <tr key={name} className="h-(--row) border-t border-hairline hover:bg-canvas">
              <th scope="row" className="px-3 text-left font-medium whitespace-nowrap">
                <Link to="/servers/$name" params={{ name }} className="hover:text-accent hover:underline">
                  {name}
                </Link>
              </th>
              <td className="px-3 whitespace-nowrap">
                {off !== undefined ? (
                  <StateWord state="off" reason={off.reason} />
                ) : (
                  server !== undefined && <StateWord state={serverState(server)} reason={server.reason} />
                )}
              </td>
              <td className="px-3 whitespace-nowrap text-ink-2">{server?.transport}</td>
              <td className="px-3 text-right">
                <Link to="/traces" search={{ q: `server:${name}` }} className="hover:text-accent hover:underline">
                  {figures === null ? '–' : countText(calls?.calls ?? 0)}
                </Link>
              </td>
              <td className={`px-3 text-right whitespace-nowrap ${(calls?.errors ?? 0) > 0 ? 'text-error' : 'text-ink-3'}`}>
                {(calls?.errors ?? 0) > 0 ? (
                  <Link to="/traces" search={{ q: `server:${name} status:(error OR timeout)` }} className="hover:underline">
                    {percentText(calls?.error_percent ?? null)}
                  </Link>
                ) : (
                  percentText(calls?.error_percent ?? null)
                )}
              </td>
              <td className="px-3 text-right">{calls?.latency_ms ? <Duration ms={calls.latency_ms.p50} /> : <span className="text-ink-3">–</span>}</td>
              <td className="px-3 text-right">{calls?.latency_ms ? <Duration ms={calls.latency_ms.p95} /> : <span className="text-ink-3">–</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
