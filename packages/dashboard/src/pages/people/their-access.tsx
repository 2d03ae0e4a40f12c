import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ChevronDown, ChevronRight } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { Button } from '../../ui/button.tsx';
import { ChangedMeanwhile, useVersioned } from '../../ui/changed-meanwhile.tsx';
import { CheckList } from '../../ui/check-list.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { SheetActions } from '../../ui/sheet-actions.tsx';
import { EntryLink, useNames } from './entry-words.tsx';
import type { Kind } from './kinds.ts';
import { memberTitles, readEntry, updateEntry, type Entry, type EntryChange } from './nouns.ts';
import { Part } from './part.tsx';
import { PermissionMatrix } from './permission-matrix.tsx';
import { WhatChanges } from './what-changes.tsx';

type Tie = 'role_ids' | 'team_ids';

/** The roles and teams that somebody has, and what they may do by them at most. */
export function TheirAccess({ kind, entry }: { readonly kind: Kind; readonly entry: Entry }): ReactElement {
  const write = useCapability('people.write');
  const mayRoles = useCapability('roles.read').allowed;
  const roles = useNames('roles');
  const teams = useNames('teams', kind === 'users');
  const [changing, setChanging] = useState<Tie | null>(null);
  const [shown, setShown] = useState(false);
  const ids = entry.role_ids ?? [];
  const permitted = permissionsOf(ids, roles);
  const button = (tie: Tie, text: string): ReactElement => (
    <Button disabled={!write.allowed || (tie === 'role_ids' && !mayRoles)} title={write.allowed ? undefined : write.reason} onClick={() => setChanging(tie)}>
      {text}
    </Button>
  );
  return (
    <>
      <Part title="Roles" actions={button('role_ids', 'Change roles')}>
        {ids.length === 0 ? (
          <p className="text-ink-2">None: they may do nothing, whatever their keys permit.</p>
        ) : (
          <ul className="flex flex-col gap-1">
            {ids.map((id) => (
              <li key={id} className="flex flex-wrap gap-x-3">
                {mayRoles ? <EntryLink kind="roles" id={id} names={roles} /> : <span>{id}</span>}
                <span className="text-ink-3">{roles.get(id)?.description ?? ''}</span>
              </li>
            ))}
          </ul>
        )}
        {mayRoles && ids.length > 0 && (
          <div className="mt-2">
            <Button look="quiet" className="-ml-3" aria-expanded={shown} onClick={() => setShown(!shown)}>
              {shown ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}{' '}
              {shown ? 'Hide permissions' : 'Show all permissions'}
            </Button>
            {shown && <PermissionMatrix permissions={permitted} />}
          </div>
        )}
      </Part>
      {kind === 'users' && (
        <Part title="Teams" actions={button('team_ids', 'Change teams')}>
          {(entry.team_ids ?? []).length === 0 ? (
            <p className="text-ink-2">In no team.</p>
          ) : (
            <ul className="flex flex-wrap gap-x-4 gap-y-1">
              {(entry.team_ids ?? []).map((id) => (
                <li key={id}>
                  <EntryLink kind="teams" id={id} names={teams} />
                </li>
              ))}
            </ul>
          )}
        </Part>
      )}
      {changing !== null && (
        <ChangeTies key={changing} kind={kind} entry={entry} tie={changing} names={changing === 'role_ids' ? roles : teams} onClose={() => setChanging(null)} />
      )}
    </>
  );
}

interface ChangeTiesProps {
  readonly kind: Kind;
  readonly entry: Entry;
  readonly tie: Tie;
  readonly names: ReadonlyMap<string, Entry>;
  readonly onClose: () => void;
}

/** Ticks, and what they change, said before it is saved. */
function ChangeTies({ kind, entry, tie, names, onClose }: ChangeTiesProps): ReactElement {
  const queries = useQueryClient();
  const membersOf = (one: Entry): EntryChange => ({ [tie]: one[tie] ?? [] });
  const [opened] = useState(() => ({ version: entry.version, fields: membersOf(entry) }));
  const [before, setBefore] = useState(entry[tie] ?? []);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(before));
  const versioned = useVersioned<EntryChange>(opened, () => readEntry(kind, entry.id, membersOf));
  const save = useMutation({
    mutationFn: () => versioned.send((version) => updateEntry(kind, { id: entry.id, version }, { [tie]: [...chosen] })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['people'] });
      onClose();
    },
  });
  // One that is not known here, beyond the first thousand, stays as it is.
  const items = [...before.filter((id) => !names.has(id)).map((id) => ({ id, name: id })), ...[...names.values()].map(itemOf)];
  const isSame = chosen.size === before.length && before.every((id) => chosen.has(id));
  return (
    <Sheet title={tie === 'role_ids' ? `Roles of ${entry.name}` : `Teams of ${entry.name}`} onClose={onClose}>
      <form
        className="flex flex-col gap-3 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <CheckList
          legend={tie === 'role_ids' ? 'Roles: together they are the most that may be done' : 'Teams'}
          items={items}
          chosen={chosen}
          onChange={setChosen}
          nothing={tie === 'role_ids' ? 'There is no role that you can see.' : 'There is no team yet.'}
        />
        {!isSame && tie === 'role_ids' && (
          <WhatChanges
            before={permissionsOf(before, names)}
            after={permissionsOf([...chosen], names)}
            who="They"
            same="Nothing changes: another role allows it too."
          />
        )}
        {!isSame && tie === 'team_ids' && <p className="text-ink-2">Rules about a team apply to its members on every node within a second.</p>}
        <ChangedMeanwhile
          versioned={versioned}
          mine={{ [tie]: [...chosen] }}
          titles={memberTitles}
          onTake={({ [tie]: next }) => {
            setBefore(idsOf(versioned.meeting?.theirs?.fields[tie]));
            setChosen(new Set(idsOf(next)));
            save.reset();
          }}
        />
        {versioned.meeting === null && <FaultLine error={save.error} />}
        <SheetActions
          verb="Save"
          disabled={isSame || save.isPending || versioned.meeting !== null}
          why={isSame ? 'Nothing has been changed yet.' : undefined}
          onClose={onClose}
        />
      </form>
    </Sheet>
  );
}

function idsOf(value: EntryChange['team_ids']): readonly string[] {
  return Array.isArray(value) ? value : [];
}

function itemOf({ id, name, description }: Entry): { readonly id: string; readonly name: string; readonly about?: string } {
  return typeof description === 'string' ? { id, name, about: description } : { id, name };
}

function permissionsOf(ids: readonly string[], roles: ReadonlyMap<string, Entry>): readonly string[] {
  return ids.flatMap((id) => roles.get(id)?.permissions ?? []);
}
