import type { Column } from '../../table/data-table.tsx';
import { Ago } from '../../time/time.tsx';
import { EntryState, tiedIds, tiesText } from './entry-words.tsx';
import type { Kind } from './kinds.ts';
import { memberTitles, nouns, type Entry } from './nouns.ts';

interface Around {
  readonly teams: ReadonlyMap<string, Entry>;
  readonly roles: ReadonlyMap<string, Entry>;
  readonly departments: ReadonlyMap<string, Entry>;
  readonly now: number;
}

/** What the list of a kind shows: name, what is said of it, what it is tied to, how it is. */
export function entryColumns(kind: Kind, { teams, roles, departments, now }: Around): readonly Column<Entry>[] {
  const { texts, links, switchKind } = nouns[kind];
  const names = { role_ids: roles, team_ids: teams, team_id: teams, department_id: departments } as const;
  return [
    { id: 'name', title: 'Name', rank: 3, track: 'minmax(140px, 1.4fr)', cell: ({ name }) => <span className="font-medium">{name}</span> },
    ...texts.map((member): Column<Entry> => ({
      id: member,
      title: memberTitles[member],
      track: member === 'environment' ? '104px' : 'minmax(160px, 2fr)',
      cell: (entry) => <span title={entry[member] ?? ''}>{entry[member] ?? <Nothing />}</span>,
    })),
    ...links.flatMap((member): readonly Column<Entry>[] =>
      member === 'project_id'
        ? []
        : [
            {
              id: member,
              title: memberTitles[member],
              track: 'minmax(112px, 1fr)',
              cell: (entry) => {
                const text = tiesText(tiedIds(entry, member), names[member]);
                return text === '' ? <Nothing /> : <span title={text}>{text}</span>;
              },
            },
          ],
    ),
    ...(kind === 'agents'
      ? ([
          { id: 'owner', title: 'Owner', track: 'minmax(112px, 1fr)', cell: ({ owner }) => owner ?? <Nothing /> },
          {
            id: 'seen',
            title: 'Last call',
            rank: 1,
            track: '104px',
            cell: ({ last_seen: seen }) => (typeof seen === 'string' ? <Ago time={seen} now={now} /> : <Nothing />),
          },
        ] satisfies readonly Column<Entry>[])
      : []),
    ...(kind === 'roles'
      ? ([
          {
            id: 'permissions',
            title: 'Permits',
            track: 'minmax(160px, 2fr)',
            cell: ({ permissions = [] }) => <code className="font-mono text-meta">{permissions.includes('*') ? 'everything' : permissions.join(' ')}</code>,
          },
          {
            id: 'kind',
            title: 'Created',
            track: '104px',
            cell: ({ built_in: builtIn }) => (builtIn === true ? <span className="text-ink-3">built in</span> : 'here'),
          },
        ] satisfies readonly Column<Entry>[])
      : []),
    ...(switchKind === null ? [] : [{ id: 'state', title: 'State', rank: 2, track: '96px', cell: (entry: Entry) => <EntryState {...stateOf(entry)} /> }]),
    { id: 'changed', title: 'Changed', track: '96px', cell: ({ changed_at: at }) => <Ago time={at} now={now} /> },
  ];
}

function stateOf({ status }: Entry): Pick<Entry, 'status'> {
  return status === undefined ? {} : { status };
}

function Nothing() {
  return <span className="text-ink-3">–</span>;
}
