import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { UserPlus } from 'lucide-react';
import { useMemo, useState, type ReactElement, type ReactNode } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability, type Capability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { DataTable, moved, type Column } from '../../table/data-table.tsx';
import { Ago } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Command, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { tiesText, useNames } from './entry-words.tsx';
import { InviteUser } from './invite-user.tsx';
import type { Entry } from './nouns.ts';

type Invitation = Schemas['Invitation'];
const idOf = ({ id }: Invitation): string => id;

/** Who was invited and has not come yet. */
export function Invitations({ tabs }: { readonly tabs: ReactNode }): ReactElement {
  const search = useSearch({ from: '/people' });
  const navigate = useNavigate({ from: '/people' });
  const queries = useQueryClient();
  const write = useCapability('people.write');
  const now = useNow(60_000);
  const [cursor, setCursor] = useState<string | null>(null);
  const [inviting, setInviting] = useState(false);
  const [withdrawing, setWithdrawing] = useState<Invitation | null>(null);
  const roles = useNames('roles');
  const teams = useNames('teams');
  const asked = { ...(search.find === undefined ? {} : { q: search.find }), limit: 100 };
  const list = useInfiniteQuery({
    queryKey: ['invitations', asked],
    queryFn: ({ pageParam, signal }) => gateway.invitations.list(asked, { signal }).page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
  const rows = useMemo(() => (list.data?.pages ?? []).flatMap(({ invitations }) => invitations), [list.data]);
  const columns = useMemo(() => invitationColumns({ roles, teams, now, write, onWithdraw: setWithdrawing }), [roles, teams, now, write]);
  useShortcuts([
    { keys: 'j', about: 'Next invitation', run: () => setCursor(moved(rows, idOf, cursor, 1)) },
    { keys: 'k', about: 'Previous invitation', run: () => setCursor(moved(rows, idOf, cursor, -1)) },
    { keys: 'n', about: 'Invite a user', run: () => write.allowed && setInviting(true) },
    { keys: 'x', about: 'Withdraw the invitation', run: () => write.allowed && setWithdrawing(rows.find(({ id }) => id === cursor) ?? null) },
  ]);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-col gap-2 px-3 pt-3 pb-2 sm:px-4">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="text-title font-semibold">Users &amp; teams</h1>
          <Button look="primary" disabled={!write.allowed} title={write.allowed ? 'n' : write.reason} onClick={() => setInviting(true)}>
            <UserPlus size={14} aria-hidden="true" /> Invite a user
          </Button>
        </div>
        {tabs}
        <FindField
          placeholder="Part of the e-mail address or name"
          value={search.find}
          onFind={(find) => void navigate({ search: (old) => ({ ...old, find }), replace: true })}
        />
      </div>
      <div className="flex min-h-0 flex-1 border-t border-hairline">
        {list.error !== null && list.data === undefined ? (
          <ErrorCard error={list.error} what="The list of invitations" onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          <Skeleton rows={6} label="Loading invitations" columns={columns} />
        ) : rows.length === 0 ? (
          <Empty title={search.find === undefined ? 'No open invitations' : 'No invitations match'}>
            {search.find === undefined ? (
              <>
                Invited people appear under Users once they accept.
                <Command text="npx --no gateway users invite ana@example.com --role viewer" />
              </>
            ) : (
              <Button onClick={() => void navigate({ search: (old) => ({ ...old, find: undefined }), replace: true })}>Show all invitations</Button>
            )}
          </Empty>
        ) : (
          <DataTable
            label="Invitations, newest first"
            columns={columns}
            shown={columns.map(({ id }) => id)}
            rows={rows}
            idOf={idOf}
            cursor={cursor}
            isStale={list.isPlaceholderData}
            onOpen={({ id }) => setCursor(id)}
            {...(list.hasNextPage && !list.isFetchingNextPage ? { onEnd: () => void list.fetchNextPage() } : {})}
            rowClass={({ expires_at: ends }) => (Date.parse(ends) > now ? '' : 'text-ink-3')}
          />
        )}
      </div>
      {inviting && <InviteUser onClose={() => setInviting(false)} />}
      {withdrawing !== null && (
        <Confirm
          title={`Withdraw the invitation of ${withdrawing.email}?`}
          verb="Withdraw it"
          onClose={() => setWithdrawing(null)}
          onConfirm={async () => {
            await gateway.invitations.withdraw(withdrawing.id);
            await queries.invalidateQueries({ queryKey: ['invitations'] });
          }}
        >
          Its token stops working. They can be invited again.
        </Confirm>
      )}
    </div>
  );
}

interface Around {
  readonly roles: ReadonlyMap<string, Entry>;
  readonly teams: ReadonlyMap<string, Entry>;
  readonly now: number;
  readonly write: Capability;
  readonly onWithdraw: (invitation: Invitation) => void;
}

function invitationColumns({ roles, teams, now, write, onWithdraw }: Around): readonly Column<Invitation>[] {
  const none = <span className="text-ink-3">–</span>;
  return [
    { id: 'email', title: 'E-mail', rank: 3, track: 'minmax(180px, 2fr)', cell: ({ email }) => <span className="font-medium">{email}</span> },
    { id: 'name', title: 'Name', track: 'minmax(120px, 1.4fr)', cell: ({ name }) => name },
    { id: 'roles', title: 'Roles', rank: 1, track: 'minmax(112px, 1fr)', cell: ({ role_ids: ids }) => tiesText(ids, roles) || none },
    { id: 'teams', title: 'Teams', track: 'minmax(112px, 1fr)', cell: ({ team_ids: ids }) => tiesText(ids, teams) || none },
    { id: 'made', title: 'Invited', track: '104px', cell: ({ created_at: at }) => <Ago time={at} now={now} /> },
    {
      id: 'ends',
      title: 'Expires',
      rank: 2,
      track: '112px',
      cell: ({ expires_at: ends }) => (Date.parse(ends) > now ? <Ago time={ends} now={now} /> : <span className="text-ink-3">over</span>),
    },
    {
      id: 'withdraw',
      title: 'Withdraw',
      rank: 3,
      track: '104px',
      cell: (invitation) => (
        <button
          type="button"
          disabled={!write.allowed}
          title={write.allowed ? undefined : write.reason}
          aria-label={`Withdraw the invitation of ${invitation.email}`}
          onClick={() => onWithdraw(invitation)}
          className="hit text-accent hover:underline disabled:opacity-50"
        >
          Withdraw
        </button>
      ),
    },
  ];
}
