import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { gateway } from '../app/gateway.ts';
import { useCapability } from '../app/session.ts';
import { ChangedMeanwhile, useVersioned } from '../ui/changed-meanwhile.tsx';
import { FaultLine } from '../ui/fault-line.tsx';
import { Choice, Field } from '../ui/field.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { SheetActions } from '../ui/sheet-actions.tsx';
import { viewsQuery } from './use-views.ts';
import type { SavedView, ViewPage } from './view-state.ts';

interface EditViewProps {
  readonly page: ViewPage;
  /** Null: a new one. */
  readonly view: SavedView | null;
  /** What a new one keeps. */
  readonly state: Readonly<Record<string, string>>;
  readonly onSaved: (view: SavedView) => void;
  readonly onClose: () => void;
}

/** What a view is called and who sees it. */
export function EditView({ page, view, state, onSaved, onClose }: EditViewProps): ReactElement {
  const queries = useQueryClient();
  const mayShare = useCapability('views.share');
  const mayList = useCapability('people.read').allowed;
  const [name, setName] = useState(view?.name ?? '');
  const [share, setShare] = useState(view?.shared_with ?? '');
  const [opened] = useState(() => ({ version: view?.version ?? 0, fields: membersOf(view) }));
  const versioned = useVersioned(opened, async () => {
    const { view: found } = await gateway.views.get(view?.id ?? '');
    return { version: found.version, fields: membersOf(found) };
  });
  const teams = useQuery({
    queryKey: ['views', 'teams'],
    queryFn: ({ signal }) => gateway.teams.list({ limit: 200, sort: 'name' }, { signal }).page(),
    enabled: mayShare.allowed && mayList,
    staleTime: 60_000,
  });
  const save = useMutation({
    mutationFn: async () => {
      const sharedWith = share === '' ? null : share;
      return view === null
        ? (await gateway.views.create({ page, name: name.trim(), state, shared_with: sharedWith })).view
        : (await versioned.send((version) => gateway.views.update(view.id, { name: name.trim(), shared_with: sharedWith }, { ifMatch: `"${version}"` }))).view;
    },
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: viewsQuery.queryKey });
      onSaved(saved);
      onClose();
    },
  });
  const choices: readonly (readonly [string, string])[] = [
    ['', 'Only for me'],
    ['everyone', 'Everyone in the organization'],
    ...(teams.data?.teams ?? []).map((team): readonly [string, string] => [`team:${team.id}`, `Team ${team.name}`]),
  ];
  // Of a team that is not among those.
  const known = choices.some(([value]) => value === share) ? choices : [...choices, [share, share] as const];
  return (
    <Sheet title={view === null ? 'Save this view' : 'The view'} onClose={onClose}>
      <form
        className="flex flex-col gap-4 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Field
          label="Name"
          hint="Saves the query, the columns in their order and the time range. A relative range such as the last 24 hours keeps moving."
          value={name}
          maxLength={80}
          required
          onChange={(event) => setName(event.target.value)}
        />
        <Choice
          label="Visible to"
          value={share}
          choices={known}
          disabled={!mayShare.allowed && (view?.shared_with ?? null) === null}
          title={mayShare.allowed ? undefined : mayShare.reason}
          onChange={(event) => setShare(event.target.value)}
        />
        <p className="text-meta text-ink-3">
          {mayShare.allowed
            ? 'A view shows nobody calls that they may not see. Its owner and administrators can change it.'
            : `Only you will see it. ${mayShare.reason}`}
        </p>
        <ChangedMeanwhile
          versioned={versioned}
          mine={{ name: name.trim(), shared_with: share === '' ? null : share }}
          titles={memberTitles}
          onTake={(fields) => {
            setName(fields.name);
            setShare(fields.shared_with ?? '');
            save.reset();
          }}
        />
        {versioned.meeting === null && <FaultLine error={save.error} />}
        <SheetActions
          verb={view === null ? 'Save the view' : 'Save'}
          disabled={save.isPending || versioned.meeting !== null || name.trim() === ''}
          why={name.trim() === '' ? 'Enter a name.' : undefined}
          onClose={onClose}
        />
      </form>
    </Sheet>
  );
}

const memberTitles = { name: 'Name', shared_with: 'Visible to' };

function membersOf(view: SavedView | null): { readonly name: string; readonly shared_with: string | null } {
  return { name: view?.name ?? '', shared_with: view?.shared_with ?? null };
}
