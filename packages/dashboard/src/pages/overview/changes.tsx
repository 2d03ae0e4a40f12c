import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { countText, middleCut } from '../../text/format.ts';
import { useAppearance } from '../../app/appearance.ts';
import { clockText } from '../../time/moment.ts';
import { Clock } from '../../time/time.tsx';
import { ErrorCard, Skeleton } from '../../ui/states.tsx';
import { whoText } from '../../ui/who.tsx';
import { alike } from './alike.ts';
import { actionText, decisive } from '../metrics/use-markers.ts';

const shownMax = 8;
/** So many are looked through for what is alike. */
const readMax = 100;
/** Besides what decides how calls go: who may call, and who they are. */
const edits = [...decisive, 'key', 'role', 'user', 'team', 'agent', 'service_account', 'organization', 'grant', 'provider', 'scim_connection', 'token_key'];

/** The last changes that people, keys and files made; newest first. Who signed in changed nothing. */
export function Changes({ start, end }: { readonly start: string; readonly end: string | undefined }): ReactElement {
  const { zone } = useAppearance();
  const events = useQuery({
    queryKey: ['changes', start, end],
    queryFn: ({ signal }) =>
      gateway.audit
        .list(
          {
            start_time: start,
            ...(end === undefined ? {} : { end_time: end }),
            action: edits.map((noun) => `${noun}.*`).join(','),
            tool_calls: 'none',
            limit: readMax,
          },
          { signal },
        )
        .page(),
    refetchInterval: 30_000,
  });
  if (events.isLoadingError) return <ErrorCard error={events.error} what="The changes" onRetry={() => void events.refetch()} />;
  if (events.data === undefined) return <Skeleton rows={3} label="Loading changes" />;
  if (events.data.events.length === 0) return <p className="px-3 py-4 text-ink-2">No changes.</p>;
  return (
    <ul>
      {alike(events.data.events)
        .slice(0, shownMax)
        .map(({ newest: { id, time, action, actor, object, result }, oldest, count }) => (
          <li key={id} className="flex min-h-(--row) items-center gap-4 border-b border-hairline px-3 last:border-b-0">
            <Clock time={time} />
            <span className="min-w-0 flex-1 truncate">
              <Link
                to="/audit"
                search={{ action, ...(count > 1 ? { actor: actor.id } : object.id === '' ? {} : { object: object.id }) }}
                className="hover:text-accent hover:underline"
              >
                <span className="font-medium">{actionText(action)}</span>{' '}
                <span className="text-ink-2">
                  {count === 1 ? (
                    middleCut(object.id, 10)
                  ) : (
                    <>
                      {countText(count)} times
                      {clockText(oldest.time, zone) !== clockText(time, zone) && (
                        <>
                          {' '}
                          since <Clock time={oldest.time} />
                        </>
                      )}
                    </>
                  )}
                </span>
              </Link>
            </span>
            <span className="truncate text-ink-3 max-sm:hidden" title={actor.id}>
              {actorText(actor)}
            </span>
            {result !== 'success' && <span className="text-blocked">{result}</span>}
          </li>
        ))}
    </ul>
  );
}

/** An id that begins with what it is of says so itself. */
function actorText({ kind, id, name }: { readonly kind: string; readonly id: string; readonly name: string | null }): string {
  if (name !== null) return name;
  if (id === '' || id === kind) return kind;
  if (kind === 'session' || id.startsWith(`${kind}_`)) return whoText(id, name);
  return `${kind} ${middleCut(id)}`;
}
