import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { Ago } from '../../time/time.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { rowOfTrace } from '../traces/trace-row.ts';

const shownMax = 5;
const dayMs = 86_400_000;

/** The last calls that a rule decided, each a step from all that is known of it. */
export function DecidedCalls({ name, now }: { readonly name: string; readonly now: number }): ReactElement {
  const query = `policy:${name}`;
  const found = useQuery({
    queryKey: ['traces', 'decided', name],
    queryFn: async ({ signal }) => {
      const nowMs = Date.now();
      const window = { start_time: new Date(nowMs - dayMs).toISOString(), end_time: new Date(nowMs).toISOString() };
      return (await gateway.traces.list({ ...window, query, limit: shownMax }, { signal }).page()).traces.map(rowOfTrace);
    },
    refetchInterval: 15_000,
  });
  return (
    <section aria-label="Calls it decided" className="flex flex-col gap-1">
      <h3 className="font-semibold">Calls it decided</h3>
      <Loaded query={found} what="The calls it decided" rows={3}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="text-ink-2">None in the last 24 hours.</p>
          ) : (
            <ul className="border-y border-hairline">
              {rows.map(({ id, time, server, what, decidedBy, user, agent, key }) => (
                <li key={id} className="flex min-h-8 items-center justify-between gap-3 border-t border-hairline first:border-t-0">
                  <span className="min-w-0 truncate">
                    <Link to="/traces/$traceId" params={{ traceId: id }} className="font-medium text-accent hover:underline">
                      {(decidedBy ?? { server }).server} · {(decidedBy ?? { what }).what}
                    </Link>{' '}
                    <span className="text-ink-3">{user ?? agent ?? key ?? ''}</span>
                  </span>
                  <span className="shrink-0 text-ink-3">
                    <Ago time={time} now={now} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <p>
        <Link to="/traces" search={{ q: query, range: '30d' }} className="text-accent hover:underline">
          All of the last 30 days
        </Link>
      </p>
    </section>
  );
}
