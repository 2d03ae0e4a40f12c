/** Who there is: the lists of the directory, one behind the other, each narrowed as one types. */
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Plus, UserPlus } from 'lucide-react';
import { useMemo, useState, type ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { DataTable, moved } from '../../table/data-table.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { useChosenInSight } from '../../ui/chosen-in-sight.ts';
import { FindField } from '../../ui/find-field.tsx';
import { Allowed, Command, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { EditEntry } from './edit-entry.tsx';
import { entryColumns } from './entry-columns.tsx';
import { useNames } from './entry-words.tsx';
import { InviteUser } from './invite-user.tsx';
import { Invitations } from './invitations.tsx';
import { kinds, type Kind } from './kinds.ts';
import { listEntries, nouns, type Entry } from './nouns.ts';
import { UnregisteredAgents } from './unregistered-agents.tsx';

const idOf = ({ id }: Entry): string => id;

export function People(): ReactElement {
  const { kind = 'users' } = useSearch({ from: '/people' });
  const noun = kind === 'roles' ? 'roles' : 'people';
  return (
    <Allowed permission={`${noun}.read`}>
      {kind === 'invitations' ? (
        <Invitations tabs={<Tabs at={kind} />} />
      ) : kind === 'unregistered' ? (
        <UnregisteredAgents tabs={<Tabs at={kind} />} />
      ) : (
        <List key={kind} kind={kind} />
      )}
    </Allowed>
  );
}

type Tab = Kind | 'invitations' | 'unregistered';

/** The lists, as links: each is a page of its own to the back key. */
function Tabs({ at }: { readonly at: Tab }): ReactElement {
  const mayRoles = useCapability('roles.read').allowed;
  const mayPeople = useCapability('people.read').allowed;
  const tabs: readonly (readonly [Tab, string])[] = [
    ...kinds.filter((kind) => (kind === 'roles' ? mayRoles : mayPeople)).map((kind): readonly [Tab, string] => [kind, nouns[kind].titles]),
    ...(mayPeople
      ? ([
          ['invitations', 'Invitations'],
          ['unregistered', 'Unregistered agents'],
        ] as const)
      : []),
  ];
  const row = useChosenInSight<HTMLElement>(at);
  return (
    <nav ref={row} aria-label="Lists" className="-mx-2 flex gap-1 max-sm:overflow-x-auto sm:flex-wrap">
      {tabs.map(([kind, title]) => (
        <Link
          key={kind}
          to="/people"
          search={{ kind }}
          aria-current={at === kind ? 'page' : undefined}
          className={`flex h-9 shrink-0 items-center border-b-2 px-2 pointer-coarse:h-11 ${at === kind ? 'border-accent font-medium' : 'border-transparent text-ink-2 hover:text-ink'}`}
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}

function List({ kind }: { readonly kind: Kind }): ReactElement {
  const noun = nouns[kind];
  const search = useSearch({ from: '/people' });
  const navigate = useNavigate({ from: '/people' });
  const write = useCapability(`${noun.permission}.write`);
  const now = useNow(60_000);
  const [cursor, setCursor] = useState<string | null>(null);
  const [making, setMaking] = useState<'one' | 'invitation' | null>(null);
  const teams = useNames('teams', kind !== 'roles' && kind !== 'departments');
  const roles = useNames('roles', kind === 'users' || kind === 'service-accounts');
  const departments = useNames('departments', kind === 'teams');
  const asked = {
    ...(search.find === undefined ? {} : { q: search.find }),
    ...(search.team === undefined ? {} : { team_id: search.team }),
    ...(search.role === undefined ? {} : { role_id: search.role }),
  };
  const list = useInfiniteQuery({
    queryKey: ['people', kind, 'list', asked],
    queryFn: ({ pageParam, signal }) => listEntries(kind, asked, 100, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor ?? undefined,
    placeholderData: keepPreviousData,
    // Others change them, and providers do.
    refetchInterval: 30_000,
  });
  const rows = useMemo(() => (list.data?.pages ?? []).flatMap(({ entries }) => entries), [list.data]);
  const columns = useMemo(() => entryColumns(kind, { teams, roles, departments, now }), [kind, teams, roles, departments, now]);
  const change = (next: Partial<typeof search>): void => void navigate({ search: (old) => ({ ...old, ...next }), replace: true });
  const open = (id: string): void => void navigate({ to: '/people/$kind/$id', params: { kind, id } });
  const isFiltered = Object.keys(asked).length > 0;
  useShortcuts([
    { keys: 'j', about: `Next ${noun.title}`, run: () => setCursor(moved(rows, idOf, cursor, 1)) },
    { keys: 'k', about: 'Previous row', run: () => setCursor(moved(rows, idOf, cursor, -1)) },
    { keys: 'Enter', about: `Open the ${noun.title}`, run: () => cursor !== null && open(cursor) },
    {
      keys: 'n',
      about: kind === 'users' ? 'Invite a user' : `New ${noun.title}`,
      run: () => write.allowed && setMaking(kind === 'users' ? 'invitation' : 'one'),
    },
  ]);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-col gap-2 px-3 pt-3 pb-2 sm:px-4">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="text-title font-semibold">Users &amp; teams</h1>
          <div className="flex gap-2">
            <Button
              look={kind === 'users' ? 'plain' : 'primary'}
              disabled={!write.allowed}
              title={write.allowed ? undefined : write.reason}
              onClick={() => setMaking('one')}
            >
              <Plus size={14} aria-hidden="true" /> New {noun.title}
            </Button>
            {kind === 'users' && (
              <Button look="primary" disabled={!write.allowed} title={write.allowed ? 'n' : write.reason} onClick={() => setMaking('invitation')}>
                <UserPlus size={14} aria-hidden="true" /> Invite a user
              </Button>
            )}
          </div>
        </div>
        <Tabs at={kind} />
        <FindField
          placeholder={kind === 'users' ? 'Part of the name, e-mail address or id' : 'Part of the name or id'}
          value={search.find}
          onFind={(find) => change({ find })}
        />
        {(search.team ?? search.role) !== undefined && (
          <p className="flex flex-wrap items-center gap-2 text-ink-2">
            Only those
            {search.team !== undefined && <> of the team {teams.get(search.team)?.name ?? search.team}</>}
            {search.role !== undefined && <> with the role {roles.get(search.role)?.name ?? search.role}</>}
            <Button look="quiet" onClick={() => change({ team: undefined, role: undefined })}>
              Show all
            </Button>
          </p>
        )}
      </div>
      <div className="flex min-h-0 flex-1 border-t border-hairline">
        {list.error !== null && list.data === undefined ? (
          <ErrorCard error={list.error} what={`The list of ${noun.titles.toLowerCase()}`} onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          <Skeleton rows={10} label={`Loading ${noun.titles.toLowerCase()}`} columns={columns} />
        ) : rows.length === 0 ? (
          <Empty title={isFiltered ? `No ${noun.titles.toLowerCase()} match` : `No ${noun.titles.toLowerCase()} yet`}>
            {isFiltered ? (
              <Button onClick={() => change({ find: undefined, team: undefined, role: undefined })}>Show all</Button>
            ) : (
              <>
                {noun.about}
                <Command text={`npx --no gateway ${noun.command}`} />
              </>
            )}
          </Empty>
        ) : (
          <DataTable
            label={noun.titles}
            columns={columns}
            shown={columns.map(({ id }) => id)}
            rows={rows}
            idOf={idOf}
            cursor={cursor}
            isStale={list.isPlaceholderData}
            onOpen={({ id }) => open(id)}
            {...(list.hasNextPage && !list.isFetchingNextPage ? { onEnd: () => void list.fetchNextPage() } : {})}
            rowClass={({ status }) => (status === 'disabled' ? 'text-ink-3' : '')}
          />
        )}
      </div>
      {making === 'one' && <EditEntry kind={kind} entry={null} onClose={() => setMaking(null)} onSaved={({ id }) => open(id)} />}
      {making === 'invitation' && <InviteUser onClose={() => setMaking(null)} />}
    </div>
  );
}
