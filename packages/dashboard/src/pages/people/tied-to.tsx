import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { useCapability } from '../../app/session.ts';
import type { Kind } from './kinds.ts';
import { listEntries, nouns, type EntryFilter } from './nouns.ts';
import { Part } from './part.tsx';
import { Loaded } from '../../ui/loaded.tsx';

interface Tie {
  readonly kind: Kind;
  readonly filter: (id: string) => EntryFilter;
  /** The same in the list of the kind; null: it cannot be narrowed so there. */
  readonly search: ((id: string) => { readonly team?: string; readonly role?: string }) | null;
  readonly nothing: string;
}

const team = { filter: (id: string) => ({ team_id: id }), search: (id: string) => ({ team: id }) };
const role = { filter: (id: string) => ({ role_id: id }), search: (id: string) => ({ role: id }) };

/** Who is tied to one of a kind. */
const ties: Readonly<Partial<Record<Kind, readonly Tie[]>>> = {
  teams: [
    { kind: 'users', ...team, nothing: 'No members yet.' },
    { kind: 'service-accounts', ...team, nothing: 'No service accounts.' },
    { kind: 'agents', ...team, nothing: 'No agents.' },
    { kind: 'projects', ...team, nothing: 'No projects.' },
  ],
  roles: [
    { kind: 'users', ...role, nothing: 'No user has it.' },
    { kind: 'service-accounts', ...role, nothing: 'No service account has it.' },
  ],
  departments: [{ kind: 'teams', filter: (id) => ({ department_id: id }), search: null, nothing: 'No team belongs to it.' }],
  users: [{ kind: 'agents', filter: (id) => ({ owner: `user:${id}` }), search: null, nothing: 'They own no agents.' }],
};

const shownMax = 20;

interface TiedToProps {
  readonly kind: Kind;
  readonly id: string;
  /** What can be done beside the title of a list. */
  readonly actions: Partial<Readonly<Record<Kind, ReactNode>>>;
}

export function TiedTo({ kind, id, actions }: TiedToProps): ReactElement {
  const mayPeople = useCapability('people.read').allowed;
  return <>{mayPeople && (ties[kind] ?? []).map((tie) => <Tied key={tie.kind} tie={tie} id={id} action={actions[tie.kind]} />)}</>;
}

interface TiedProps {
  readonly tie: Tie;
  readonly id: string;
  readonly action: ReactNode;
}

function Tied({ tie: { kind, filter, search, nothing }, id, action }: TiedProps): ReactElement {
  const found = useQuery({
    queryKey: ['people', kind, 'tied', filter(id)],
    queryFn: ({ signal }) => listEntries(kind, filter(id), shownMax, undefined, signal),
  });
  const { titles } = nouns[kind];
  const isMore = (found.data?.cursor ?? null) !== null;
  return (
    <Part
      title={titles}
      actions={
        <>
          {isMore && search !== null && (
            <Link to="/people" search={{ kind, ...search(id) }} className="flex items-center px-2 text-accent hover:underline">
              show all
            </Link>
          )}
          {action}
        </>
      }
    >
      <Loaded query={found} what={titles} rows={1}>
        {(data) =>
          data.entries.length === 0 ? (
            <p className="text-ink-2">{nothing}</p>
          ) : (
            <ul className="flex flex-wrap gap-x-4 gap-y-1">
              {data.entries.map((entry) => (
                <li key={entry.id}>
                  <Link to="/people/$kind/$id" params={{ kind, id: entry.id }} className="text-accent hover:underline">
                    {entry.name}
                  </Link>
                  {entry.status === 'disabled' && <span className="text-blocked"> ⊘ disabled</span>}
                </li>
              ))}
              {isMore && search === null && <li className="text-ink-3">and more</li>}
            </ul>
          )
        }
      </Loaded>
    </Part>
  );
}
