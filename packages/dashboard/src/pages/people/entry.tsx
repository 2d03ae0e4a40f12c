/** One of the directory: what it is tied to, what it may do, what it has, and the switch that stops it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { NotFoundError } from '@gatewayops/sdk';
import { Pencil, ShieldQuestion, UserPlus } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { Ago, Clock } from '../../time/time.tsx';
import { Button, buttonLook } from '../../ui/button.tsx';
import { Id } from '../../ui/copy.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Allowed, Empty, ErrorCard, IfAllowed, Skeleton } from '../../ui/states.tsx';
import { Who } from '../../ui/who.tsx';
import { AddMember } from './add-member.tsx';
import { DeleteEntry } from './delete-entry.tsx';
import { DisableEntry } from './disable-entry.tsx';
import { EditEntry } from './edit-entry.tsx';
import { EntryLink, EntryState, ReferenceLink, tiedIds, useNames } from './entry-words.tsx';
import { kinds, type Kind } from './kinds.ts';
import { entryQuery, linkKinds, memberTitles, nouns, type Entry } from './nouns.ts';
import { OwnClients } from './own-clients.tsx';
import { OwnIdentities } from './own-identities.tsx';
import { OwnKeys } from './own-keys.tsx';
import { OwnSessions } from './own-sessions.tsx';
import { Part } from './part.tsx';
import { PermissionMatrix } from './permission-matrix.tsx';
import { TheirAccess } from './their-access.tsx';
import { TiedTo } from './tied-to.tsx';

export function PeopleEntry(): ReactElement {
  const { kind: written, id } = useParams({ from: '/people/$kind/$id' });
  const kind = kinds.find((one) => one === written);
  if (kind === undefined)
    return (
      <Empty title={`There is no list called ${written}`} isPage>
        It is one of {kinds.join(', ')}.
      </Empty>
    );
  return (
    <Allowed permission={`${nouns[kind].permission}.read`}>
      <EntryPage key={`${kind} ${id}`} kind={kind} id={id} />
    </Allowed>
  );
}

function EntryPage({ kind, id }: { readonly kind: Kind; readonly id: string }): ReactElement {
  const { title, titles } = nouns[kind];
  const navigate = useNavigate();
  const found = useQuery(entryQuery(kind, id));
  useShortcuts([{ keys: 'Escape', about: `Back to ${titles.toLowerCase()}`, run: () => void navigate({ to: '/people', search: { kind } }) }]);
  if (found.error instanceof NotFoundError)
    return (
      <Empty title={`There is no ${title} “${id}”`} isPage>
        This {title} may have been deleted.{' '}
        <Link to="/people" search={{ kind }} className="text-accent underline">
          Show all {titles.toLowerCase()}
        </Link>
      </Empty>
    );
  if (found.error !== null && found.data === undefined) return <ErrorCard error={found.error} what={`The ${title}`} onRetry={() => void found.refetch()} />;
  if (found.data === undefined) return <Skeleton rows={10} label={`Loading the ${title}`} />;
  return <Whole kind={kind} entry={found.data} />;
}

type Open = 'edit' | 'disable' | 'delete' | 'member' | null;

function Whole({ kind, entry }: { readonly kind: Kind; readonly entry: Entry }): ReactElement {
  const noun = nouns[kind];
  const { title, switchKind } = noun;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const write = useCapability(`${noun.permission}.write`);
  const maySwitch = useCapability('switches.write');
  const mayExplain = useCapability('policies.read').allowed;
  const [open, setOpen] = useState<Open>(null);
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ['people'] });
  const enable = useMutation({
    mutationFn: async () => {
      if (switchKind !== null) await gateway.switches.enable(switchKind, entry.id);
    },
    onSuccess: refresh,
  });
  const isOff = entry.status === 'disabled';
  const isFixed = entry.built_in === true;
  const calls = kind === 'users' || kind === 'service-accounts' || kind === 'agents';
  const holdsRoles = kind === 'users' || kind === 'service-accounts';
  return (
    <div className="[--state-inset:0px] flex flex-col gap-6 px-3 py-3 sm:px-4">
      <header className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <p className="text-meta text-ink-3">
            <Link to="/people" search={{ kind }} className="hover:text-ink hover:underline">
              {noun.titles}
            </Link>
          </p>
          <h1 className="text-title font-semibold break-words">{entry.name}</h1>
          <p className="mt-1 flex flex-wrap items-center gap-x-4 text-ink-2">
            {switchKind !== null && <EntryState {...(entry.status === undefined ? {} : { status: entry.status })} />}
            {isFixed && <span>built in: cannot be changed</span>}
            <Activity kind={kind} entry={entry} />
          </p>
        </div>
        <div className="flex flex-wrap gap-2">
          {calls && mayExplain && (
            <Link to="/access" search={{ as: `${noun.member}:${entry.id}` }} className={buttonLook()}>
              <ShieldQuestion size={14} aria-hidden="true" /> Check access
            </Link>
          )}
          {!isFixed && (
            <Button disabled={!write.allowed} title={write.allowed ? undefined : write.reason} onClick={() => setOpen('edit')}>
              <Pencil size={14} aria-hidden="true" /> Change
            </Button>
          )}
          {switchKind !== null &&
            (isOff ? (
              <Button
                disabled={!maySwitch.allowed || enable.isPending}
                title={maySwitch.allowed ? undefined : maySwitch.reason}
                onClick={() => enable.mutate()}
              >
                Enable
              </Button>
            ) : (
              <Button look="danger" disabled={!maySwitch.allowed} title={maySwitch.allowed ? undefined : maySwitch.reason} onClick={() => setOpen('disable')}>
                Disable
              </Button>
            ))}
          {!isFixed && (
            <Button look="danger" disabled={!write.allowed} title={write.allowed ? undefined : write.reason} onClick={() => setOpen('delete')}>
              Delete
            </Button>
          )}
        </div>
      </header>
      <FaultLine error={enable.error} />
      {isOff && switchKind !== null && (
        <IfAllowed permission="policies.read">
          <WhyOff kind={kind} id={entry.id} />
        </IfAllowed>
      )}
      <Facts kind={kind} entry={entry} />
      {holdsRoles && <TheirAccess kind={kind} entry={entry} />}
      {kind === 'roles' && (
        <Part title="Permits">
          <PermissionMatrix permissions={entry.permissions ?? []} />
        </Part>
      )}
      <TiedTo
        kind={kind}
        id={entry.id}
        actions={
          kind !== 'teams'
            ? {}
            : {
                users: (
                  <Button disabled={!write.allowed} title={write.allowed ? undefined : write.reason} onClick={() => setOpen('member')}>
                    <UserPlus size={14} aria-hidden="true" /> Add a member
                  </Button>
                ),
              }
        }
      />
      {noun.keyFilter !== null && (
        <IfAllowed permission="keys.read">
          <OwnKeys member={noun.keyFilter} id={entry.id} title={title} />
        </IfAllowed>
      )}
      {kind === 'users' && (
        <>
          <IfAllowed permission="sessions.read">
            <OwnSessions userId={entry.id} name={entry.name} />
          </IfAllowed>
          <OwnIdentities userId={entry.id} name={entry.name} />
          <IfAllowed permission="grants.read">
            <OwnClients userId={entry.id} />
          </IfAllowed>
        </>
      )}
      {open === 'edit' && <EditEntry kind={kind} entry={entry} onClose={() => setOpen(null)} />}
      {open === 'member' && <AddMember team={entry} onClose={() => setOpen(null)} />}
      {open === 'disable' && switchKind !== null && (
        <DisableEntry kind={kind} entry={entry} switchKind={switchKind} onClose={() => setOpen(null)} onDone={refresh} />
      )}
      {open === 'delete' && (
        <DeleteEntry
          kind={kind}
          entry={entry}
          onClose={() => setOpen(null)}
          onDone={async () => {
            await navigate({ to: '/people', search: { kind } });
            await refresh();
          }}
        />
      )}
    </div>
  );
}

/** What it did, and what was done to it: in the pages that have it, already narrowed. */
function Activity({ kind, entry }: { readonly kind: Kind; readonly entry: Entry }): ReactElement {
  const { queryField } = nouns[kind];
  const mayTraces = useCapability('traces.read').allowed;
  const mayAudit = useCapability('audit.read').allowed;
  const link = 'text-accent hover:underline';
  return (
    <>
      {queryField !== null && mayTraces && (
        <Link to="/traces" search={{ q: `${queryField}:"${entry.id}"` }} className={link}>
          calls
        </Link>
      )}
      {mayAudit && (
        <Link to="/audit" search={{ object: entry.id, range: '30d' }} className={link}>
          history
        </Link>
      )}
      {mayAudit && kind === 'users' && (
        <Link to="/audit" search={{ actor: entry.id, range: '30d' }} className={link}>
          their changes
        </Link>
      )}
    </>
  );
}

function Facts({ kind, entry }: { readonly kind: Kind; readonly entry: Entry }): ReactElement {
  const { texts, links } = nouns[kind];
  const teams = useNames('teams', links.includes('team_id'));
  const departments = useNames('departments', links.includes('department_id'));
  const projects = useNames('projects', links.includes('project_id'));
  const names = { team_id: teams, department_id: departments, project_id: projects } as const;
  return (
    <dl className={factList}>
      <Fact name="ID">
        <Id id={entry.id} />
      </Fact>
      {texts.map((member) =>
        entry[member] === null || entry[member] === undefined ? null : (
          <Fact key={member} name={memberTitles[member]}>
            {entry[member]}
          </Fact>
        ),
      )}
      {links.map((member) =>
        member === 'role_ids' || member === 'team_ids' || tiedIds(entry, member).length === 0 ? null : (
          <Fact key={member} name={memberTitles[member]}>
            {tiedIds(entry, member).map((id) => (
              <EntryLink key={id} kind={linkKinds[member]} id={id} names={names[member]} />
            ))}
          </Fact>
        ),
      )}
      {typeof entry.owner === 'string' && (
        <Fact name="Owner">
          <ReferenceLink reference={entry.owner} />
        </Fact>
      )}
      {typeof entry.first_seen === 'string' && (
        <Fact name="First call">
          <Ago time={entry.first_seen} />
        </Fact>
      )}
      {typeof entry.last_seen === 'string' && (
        <Fact name="Last call">
          <Ago time={entry.last_seen} />
        </Fact>
      )}
      <Fact name="Created">
        <Clock time={entry.created_at} />{' '}
        <span className="text-ink-3">
          by <Who id={entry.created_by} name={entry.created_by_name} />
        </span>
      </Fact>
      {entry.version > 1 && (
        <Fact name="Changed">
          <Clock time={entry.changed_at} />{' '}
          <span className="text-ink-3">
            by <Who id={entry.changed_by} name={entry.changed_by_name} />
          </span>
        </Fact>
      )}
    </dl>
  );
}

function WhyOff({ kind, id }: { readonly kind: Kind; readonly id: string }): ReactElement | null {
  const { switchKind } = nouns[kind];
  const found = useQuery({
    queryKey: ['people', 'switch', switchKind, id],
    queryFn: async ({ signal }) =>
      (await gateway.switches.list({ ...(switchKind === null ? {} : { kind: switchKind }), q: id.slice(0, 100), limit: 200 }, { signal }).take(1000)).find(
        ({ name }) => name === id,
      ) ?? null,
  });
  if (found.data === undefined || found.data === null) return null;
  const { reason, changed_by: by, changed_by_name: name, changed_at: at, until } = found.data;
  return (
    <p className="border-l-2 border-blocked-solid pl-3 text-body">
      Disabled by <Who id={by} name={name} />, <Ago time={at} />: {reason}{' '}
      {until !== null && (
        <>
          Until <Clock time={until} />.
        </>
      )}
    </p>
  );
}
