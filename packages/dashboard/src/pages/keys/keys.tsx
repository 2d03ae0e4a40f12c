/** The keys of agents and people: whose they are, what they reach, what they were used for. */
import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useEffect, useMemo, useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { DataTable, moved, type Column } from '../../table/data-table.tsx';
import { countText } from '../../text/format.ts';
import { Ago } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Allowed, Command, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { CreateKey } from './create-key.tsx';
import { KeyPanel } from './key-panel.tsx';
import { KeyState, ownerText, reachText, scopeText, type Key } from './key-words.tsx';

const idOf = ({ id }: Key): string => id;

export function Keys(): ReactElement {
  return (
    <Allowed permission="keys.read">
      <KeysPage />
    </Allowed>
  );
}

function KeysPage(): ReactElement {
  const search = useSearch({ from: '/keys' });
  const navigate = useNavigate({ from: '/keys' });
  const queries = useQueryClient();
  const write = useCapability('keys.write');
  const now = useNow(60_000);
  const [creating, setCreating] = useState(false);
  const [find, setFind] = useState(search.find ?? '');
  const asked = {
    ...(search.find === undefined ? {} : { q: search.find }),
    ...(search.status === undefined ? {} : { status: search.status }),
    ...(search.unused === undefined ? {} : { unused_days: Number(search.unused) }),
    limit: 100,
  };
  const list = useInfiniteQuery({
    queryKey: ['keys', asked],
    queryFn: ({ pageParam, signal }) => gateway.keys.list(asked, { signal }).page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ cursor }) => cursor ?? undefined,
    placeholderData: keepPreviousData,
    // Others make and revoke keys too.
    refetchInterval: 15_000,
  });
  const keys = useMemo(() => (list.data?.pages ?? []).flatMap((page) => page.keys), [list.data]);
  const columns = useMemo(() => keyColumns(now), [now]);
  const { hasNextPage, isFetching, fetchNextPage } = list;
  useEffect(() => {
    if (keys.length === 0 && hasNextPage && !isFetching) void fetchNextPage();
  }, [keys.length, hasNextPage, isFetching, fetchNextPage]);
  const change = (next: Partial<typeof search>): void => void navigate({ search: (old) => ({ ...old, ...next }), replace: true });
  const cursor = search.key ?? null;
  useShortcuts([
    { keys: 'j', about: 'Next key', run: () => change({ key: moved(keys, idOf, cursor, 1) ?? undefined }) },
    { keys: 'k', about: 'Previous key', run: () => change({ key: moved(keys, idOf, cursor, -1) ?? undefined }) },
    { keys: 'n', about: 'New key', run: () => write.allowed && setCreating(true) },
    { keys: 'Escape', about: 'Close the side panel', run: () => change({ key: undefined }) },
  ]);
  const isFiltered = search.find !== undefined || search.status !== undefined || search.unused !== undefined;
  const refresh = (): void => void queries.invalidateQueries({ queryKey: ['keys'] });
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-wrap items-end justify-between gap-3 px-3 pt-3 pb-2 sm:px-4">
        <h1 className="text-title font-semibold">Keys</h1>
        <Button look="primary" disabled={!write.allowed} title={write.allowed ? 'n' : write.reason} onClick={() => setCreating(true)}>
          <Plus size={14} aria-hidden="true" /> Create a key
        </Button>
        <form
          role="search"
          className="flex w-full flex-wrap gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            change({ find: find.trim() === '' ? undefined : find.trim() });
          }}
        >
          <div className="min-w-40 flex-1 max-sm:basis-full">
            <Field
              label="Find"
              placeholder="Part of the name, or the whole prefix"
              value={find}
              maxLength={100}
              onChange={(event) => setFind(event.target.value)}
            />
          </div>
          <Choice
            label="State"
            value={search.status ?? ''}
            choices={[
              ['', 'any'],
              ['active', 'active'],
              ['expired', 'expired'],
              ['revoked', 'revoked'],
            ]}
            onChange={(event) => change({ status: event.target.value === '' ? undefined : (event.target.value as 'active') })}
          />
          <Choice
            label="Use"
            value={search.unused ?? ''}
            choices={[
              ['', 'any'],
              ['30', 'unused for 30 days'],
              ['90', 'unused for 90 days'],
              ['365', 'unused for a year'],
            ]}
            onChange={(event) => change({ unused: event.target.value === '' ? undefined : (event.target.value as '90') })}
          />
        </form>
      </div>
      <div className="flex min-h-0 flex-1 border-t border-hairline">
        {list.error !== null && list.data === undefined ? (
          <ErrorCard error={list.error} what="The list of keys" onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          <Skeleton rows={10} label="Loading keys" columns={columns} />
        ) : keys.length === 0 && list.hasNextPage ? (
          // Of those that are unused a page may hold none, though there are more.
          <Skeleton rows={10} label="Searching the keys" columns={columns} />
        ) : keys.length === 0 ? (
          <Empty title={isFiltered ? 'No keys match' : 'No keys yet'}>
            {isFiltered ? (
              <Button onClick={() => change({ find: undefined, status: undefined, unused: undefined })}>Show all keys</Button>
            ) : (
              <>
                Each agent needs a key of its own. Create one here, or:
                <Command text="npx --no gateway keys create --name my-agent" />
              </>
            )}
          </Empty>
        ) : (
          <DataTable
            label="Keys, newest first"
            columns={columns}
            shown={columns.map(({ id }) => id)}
            rows={keys}
            idOf={idOf}
            cursor={cursor}
            isStale={list.isPlaceholderData}
            onOpen={({ id }) => change({ key: id })}
            {...(list.hasNextPage && !list.isFetchingNextPage ? { onEnd: () => void list.fetchNextPage() } : {})}
            rowClass={({ status }) => (status === 'active' ? '' : 'text-ink-3')}
          />
        )}
        {search.key !== undefined && <KeyPanel keyId={search.key} onClose={() => change({ key: undefined })} onChanged={refresh} />}
      </div>
      {creating && <CreateKey onClose={() => setCreating(false)} onCreated={refresh} />}
    </div>
  );
}

function keyColumns(now: number): readonly Column<Key>[] {
  return [
    { id: 'name', title: 'Name', rank: 3, track: 'minmax(120px, 2fr)', cell: ({ name }) => <span className="font-medium">{name}</span> },
    { id: 'prefix', title: 'Prefix', track: 'minmax(104px, 1fr)', cell: ({ prefix }) => <code className="font-mono text-meta">{prefix}…</code> },
    { id: 'owner', title: 'Owner', rank: 1, track: 'minmax(108px, 1fr)', cell: (key) => ownerText(key) || <span className="text-ink-3">–</span> },
    { id: 'scope', title: 'Reaches', rank: 1, track: 'minmax(128px, 2fr)', cell: (key) => <span title={scopeText(key)}>{reachText(key)}</span> },
    {
      id: 'calls',
      title: 'Calls',
      track: '56px',
      isNumber: true,
      cell: ({ usage }) => (usage === null ? <span className="text-ink-3">–</span> : countText(usage.calls)),
    },
    {
      id: 'used',
      title: 'Last used',
      rank: 2,
      track: '84px',
      cell: ({ last_used: used }) => (used === null ? <span className="text-ink-3">never</span> : <Ago time={used} now={now} />),
    },
    { id: 'state', title: 'State', rank: 3, track: '116px', cell: (key) => <KeyState keyOf={key} now={now} /> },
  ];
}
