import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { pluralText } from '../../text/format.ts';
import { useNow } from '../../time/use-now.ts';
import { Ago } from '../../time/time.tsx';
import { ErrorCard, Skeleton } from '../../ui/states.tsx';
import { quoted } from '../traces/query-text.ts';
import { spendQuery } from './query.ts';

/** Keys that end within so many days are told of. */
const keyDays = 14;
const dayMs = 86_400_000;
/** To where something can be done about it. */
const way = 'font-medium hover:text-accent hover:underline';

/** What somebody has to do something about. */
export function Waiting(): ReactElement {
  const mayKeys = useCapability('keys.read').allowed;
  const mayServers = useCapability('servers.read').allowed;
  const mayCosts = useCapability('costs.read').allowed;
  const mayPeople = useCapability('people.read').allowed;
  const keys = useQuery({
    queryKey: ['keys', 'active'],
    queryFn: ({ signal }) => gateway.keys.list({ status: 'active', limit: 200 }, { signal }).take(1000),
    enabled: mayKeys,
  });
  const servers = useQuery({ queryKey: ['servers'], queryFn: ({ signal }) => gateway.servers.list({ limit: 200 }, { signal }).page(), enabled: mayServers });
  const spend = useQuery({ ...spendQuery, enabled: mayCosts });
  const agents = useQuery({
    queryKey: ['agents', 'unregistered'],
    queryFn: ({ signal }) => gateway.agents.unregistered({ limit: 20 }, { signal }).page(),
    enabled: mayPeople,
  });
  const soon = useNow(60_000) + keyDays * dayMs;
  const items: readonly (readonly [string, ReactNode])[] = [
    ...(servers.data?.servers ?? [])
      .filter(({ state }) => state === 'failed' || state === 'degraded')
      .map(
        ({ name, state, reason }) =>
          [
            `server ${name}`,
            <>
              <Link to="/servers/$name" params={{ name }} className={way}>
                {name}
              </Link>{' '}
              is {state}
              {reason === null ? '' : `: ${reason}`}
            </>,
          ] as const,
      ),
    ...(keys.data ?? []).flatMap(({ id, name, expires_at: ends }) =>
      ends !== null && Date.parse(ends) < soon
        ? [
            [
              `key ${id}`,
              <>
                The key{' '}
                <Link to="/keys" search={{ key: id }} className={way}>
                  {name}
                </Link>{' '}
                ends <Ago time={ends} />
              </>,
            ] as const,
          ]
        : [],
    ),
    ...((spend.data?.unpriced_calls ?? 0) > 0
      ? [
          [
            'unpriced',
            <>
              <Link to="/costs" className={way}>
                {pluralText(spend.data?.unpriced_calls ?? 0, 'call')}
              </Link>{' '}
              this month {spend.data?.unpriced_calls === 1 ? 'has' : 'have'} no price
            </>,
          ] as const,
        ]
      : []),
    ...(agents.data?.agents ?? []).flatMap(({ agent }) =>
      agent === null
        ? []
        : [
            [
              `agent ${agent}`,
              <>
                The agent{' '}
                <Link to="/traces" search={{ q: `agent:${quoted(agent)}` }} className={way}>
                  {agent}
                </Link>{' '}
                is making calls but is not registered
              </>,
            ] as const,
          ],
    ),
  ];
  const asked = [keys, servers, spend, agents];
  if (items.length === 0 && asked.some(({ isLoading }) => isLoading)) return <Skeleton rows={2} label="Loading what waits" />;
  // What was not answered may wait all the same.
  const failed = asked.filter(({ isLoadingError }) => isLoadingError);
  if (failed[0] !== undefined)
    return <ErrorCard error={failed[0].error} what="The list of what is waiting" onRetry={() => void Promise.all(failed.map(({ refetch }) => refetch()))} />;
  if (items.length === 0) return <p className="px-3 py-4 text-ink-2">Nothing is waiting.</p>;
  return (
    <ul>
      {items.slice(0, 8).map(([key, text]) => (
        <li key={key} className="border-b border-hairline px-3 py-1.5 last:border-b-0">
          {text}
        </li>
      ))}
      {items.length > 8 && <li className="px-3 py-1.5 text-ink-3">and {items.length - 8} more</li>}
    </ul>
  );
}
