import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { ChangedMeanwhile, useVersioned } from '../../ui/changed-meanwhile.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { SheetActions } from '../../ui/sheet-actions.tsx';
import { useNames } from './entry-words.tsx';
import type { Kind } from './kinds.ts';
import { createEntry, linkKinds, memberTitles, nouns, readEntry, updateEntry, type Entry, type EntryChange, type LinkMember } from './nouns.ts';
import { PermissionMatrix } from './permission-matrix.tsx';
import { WhatChanges } from './what-changes.tsx';

interface EditEntryProps {
  readonly kind: Kind;
  /** Null: one is made. */
  readonly entry: Entry | null;
  readonly onClose: () => void;
  readonly onSaved?: (entry: Entry) => void;
}

/** What is said of one, and the one that it is tied to. Roles and teams of somebody are given on their page, where it says what that does. */
export function EditEntry({ kind, entry, onClose, onSaved }: EditEntryProps): ReactElement {
  const { title, texts, links } = nouns[kind];
  const queries = useQueryClient();
  const [id, setId] = useState('');
  const single = links.filter((member) => member !== 'team_ids' && member !== 'role_ids');
  const lines = [...texts, ...single, ...(kind === 'agents' ? (['owner'] as const) : [])];
  /** What this form is about, as the API has it. */
  const membersOf = (one: Entry | null): EntryChange => ({
    name: one?.name ?? '',
    ...Object.fromEntries(lines.map((member) => [member, one?.[member] ?? null])),
    ...(kind === 'roles' ? { permissions: one?.permissions ?? [] } : {}),
  });
  const [opened] = useState(() => ({ version: entry?.version ?? 0, fields: membersOf(entry) }));
  const [form, setForm] = useState<EntryChange>(opened.fields);
  const permissions = Array.isArray(form.permissions) ? form.permissions : [];
  const line = (member: keyof EntryChange): string => (typeof form[member] === 'string' ? form[member] : '');
  const set = (member: keyof EntryChange, value: string | readonly string[]): void => setForm({ ...form, [member]: value });
  const name = line('name').trim();
  const written = (): EntryChange & { readonly name: string } => ({
    ...form,
    ...Object.fromEntries(lines.map((member) => [member, orNull(line(member))])),
    name,
  });
  const versioned = useVersioned<EntryChange>(opened, () => readEntry(kind, entry?.id ?? '', membersOf));
  const save = useMutation({
    mutationFn: () =>
      entry === null
        ? createEntry(kind, { ...written(), ...(id.trim() === '' ? {} : { id: id.trim() }) })
        : versioned.send((version) => updateEntry(kind, { id: entry.id, version }, written())),
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: ['people'] });
      onClose();
      onSaved?.(saved);
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Sheet title={entry === null ? `New ${title}` : `Change ${entry.name}`} onClose={onClose} wide={kind === 'roles'}>
      <form onSubmit={submit} className="flex flex-col gap-3 p-4">
        <Field label="Name" value={line('name')} maxLength={200} required onChange={(event) => set('name', event.target.value)} />
        {entry === null && (
          <Field
            label="Id"
            hint="Optional and permanent. Keys and rules refer to it; enter the id that they use already."
            value={id}
            maxLength={128}
            pattern="[A-Za-z0-9][A-Za-z0-9._@+\-]*"
            onChange={(event) => setId(event.target.value)}
          />
        )}
        {texts.map((member) => (
          <Field
            key={member}
            label={memberTitles[member]}
            type={member === 'email' ? 'email' : 'text'}
            value={line(member)}
            maxLength={member === 'environment' ? 64 : member === 'email' ? 254 : 500}
            onChange={(event) => set(member, event.target.value)}
          />
        ))}
        {kind === 'agents' && (
          <Field
            label="Owner"
            hint="user:ID, service_account:ID or team:ID"
            value={line('owner')}
            maxLength={160}
            onChange={(event) => set('owner', event.target.value)}
          />
        )}
        {single.map((member) => (
          <TieChoice key={member} member={member} value={line(member)} onChange={(value) => set(member, value)} />
        ))}
        {kind === 'roles' && <PermissionMatrix permissions={permissions} onChange={(next) => set('permissions', next)} />}
        {entry !== null && kind === 'roles' && !isSame(entry.permissions ?? [], permissions) && (
          <WhatChanges before={entry.permissions ?? []} after={permissions} who="People with the role" same="What it permits stays the same." />
        )}
        <ChangedMeanwhile
          versioned={versioned}
          mine={written()}
          titles={memberTitles}
          onTake={(fields) => {
            setForm(fields);
            save.reset();
          }}
        />
        {versioned.meeting === null && <FaultLine error={save.error} />}
        <SheetActions
          verb={entry === null ? `Create the ${title}` : 'Save'}
          disabled={save.isPending || versioned.meeting !== null || name === '' || (kind === 'roles' && permissions.length === 0)}
          onClose={onClose}
        />
      </form>
    </Sheet>
  );
}

function TieChoice({
  member,
  value,
  onChange,
}: {
  readonly member: LinkMember;
  readonly value: string;
  readonly onChange: (value: string) => void;
}): ReactElement {
  const { allowed } = useCapability('people.read');
  const names = useNames(linkKinds[member]);
  const known = [...names.values()].map(({ id, name }): readonly [string, string] => [id, name]);
  // One that is beyond the first thousand stays what it is.
  const own: readonly (readonly [string, string])[] = value === '' || names.has(value) ? [] : [[value, value]];
  return (
    <Choice
      label={memberTitles[member]}
      value={value}
      disabled={!allowed}
      choices={[['', 'none'], ...own, ...known]}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}

function orNull(text: string): string | null {
  const trimmed = text.trim();
  return trimmed === '' ? null : trimmed;
}
