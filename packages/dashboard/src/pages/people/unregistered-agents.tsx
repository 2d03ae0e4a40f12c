import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { countText } from '../../text/format.ts';
import { Ago } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Empty } from '../../ui/states.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import { createEntry } from './nouns.ts';
import { Loaded } from '../../ui/loaded.tsx';

const days = 30;
const shownMax = 200;

/** Who calls without standing in the catalogue: nobody answers for them yet. */
export function UnregisteredAgents({ tabs }: { readonly tabs: ReactNode }): ReactElement {
  const queries = useQueryClient();
  const write = useCapability('people.write');
  const found = useQuery({
    queryKey: ['unregistered-agents'],
    queryFn: ({ signal }) => gateway.agents.unregistered({ days, limit: shownMax }, { signal }).page(),
  });
  const register = useMutation({
    mutationFn: (agent: string) => createEntry('agents', { id: agent, name: agent }),
    onSuccess: async () => {
      await Promise.all([queries.invalidateQueries({ queryKey: ['unregistered-agents'] }), queries.invalidateQueries({ queryKey: ['people', 'agents'] })]);
    },
  });
  return (
    <div className="flex min-h-full flex-col">
      <div className="flex flex-col gap-2 px-3 pt-3 pb-2 sm:px-4">
        <h1 className="text-title font-semibold">Users &amp; teams</h1>
        {tabs}
        <p className="text-ink-2">Agents that have called in the last {days} days but are not under Agents, busiest first.</p>
        <FaultLine error={register.error} />
      </div>
      <div className="border-t border-hairline">
        <Loaded query={found} what="The list of unregistered agents" rows={6}>
          {(data) =>
            data.agents.length === 0 ? (
              <Empty title={`No unregistered agents in the last ${days} days`} />
            ) : (
              <div className="overflow-x-auto bg-surface">
                <table className="w-full">
                  <TableHead titles={['Agent', 'Program', 'Servers', 'Keys', 'Calls', 'First call', 'Last call', '']} left={3} />
                  <tbody>
                    {data.agents.map(({ agent, client_names: clients, keys, servers, calls, first_seen: first, last_seen: last }) => (
                      <tr key={`${agent ?? ''} ${clients.join(' ')}`} className="h-(--row) border-t border-hairline">
                        <th scope="row" className="px-3 text-left font-medium whitespace-nowrap">
                          {agent ?? <span className="font-normal text-ink-3">gives no name</span>}
                        </th>
                        <td className="px-3">{clients.join(', ') || <span className="text-ink-3">–</span>}</td>
                        <td className="px-3">{servers.join(', ')}</td>
                        <td className="px-3 text-right">{countText(keys.length)}</td>
                        <td className="px-3 text-right">
                          {agent === null ? (
                            countText(calls)
                          ) : (
                            <Link to="/traces" search={{ q: `agent:"${agent}"`, range: `${days}d` }} className="text-accent hover:underline">
                              {countText(calls)}
                            </Link>
                          )}
                        </td>
                        <td className="px-3 text-right">
                          <Ago time={first} />
                        </td>
                        <td className="px-3 text-right">
                          <Ago time={last} />
                        </td>
                        <td className="px-3 py-1 text-right">
                          {agent === null ? (
                            <span className="text-meta text-ink-3">give it a key of its own</span>
                          ) : (
                            <Button
                              disabled={!write.allowed || register.isPending}
                              title={write.allowed ? undefined : write.reason}
                              onClick={() => register.mutate(agent)}
                            >
                              Register {agent}
                            </Button>
                          )}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Loaded>
        {found.data?.truncated === true && <p className="px-3 py-2 text-meta text-ink-3">There may be more, with fewer calls.</p>}
      </div>
    </div>
  );
}
