import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import type { Kind } from './kinds.ts';
import { namesQuery, nouns, placeOf, type Entry, type LinkMember } from './nouns.ts';

/** Names by id of what can be tied to; empty until they have come, or where they may not be seen. */
export function useNames(kind: Kind, enabled = true): ReadonlyMap<string, Entry> {
  const { allowed } = useCapability(`${nouns[kind].permission}.read`);
  return useQuery({ ...namesQuery(kind), enabled: enabled && allowed }).data ?? none;
}

const none: ReadonlyMap<string, Entry> = new Map();

export function EntryState({ status }: Pick<Entry, 'status'>): ReactElement {
  return status === 'disabled' ? <span className="text-blocked">⊘ disabled</span> : <span className="text-ink-3">active</span>;
}

export function EntryLink({ kind, id, names }: { readonly kind: Kind; readonly id: string; readonly names: ReadonlyMap<string, Entry> }): ReactElement {
  return (
    <Link to="/people/$kind/$id" params={{ kind, id }} className="text-accent hover:underline">
      {names.get(id)?.name ?? id}
    </Link>
  );
}

/** `user:usr_ana` as a link to its page, else as it is. */
export function ReferenceLink({ reference }: { readonly reference: string }): ReactElement {
  const place = placeOf(reference);
  if (place === null) return <code className="font-mono text-meta">{reference}</code>;
  return (
    <Link to="/people/$kind/$id" params={place} className="text-accent underline underline-offset-4">
      {nouns[place.kind].title} {place.id}
    </Link>
  );
}

/** The ids that an entry has of a tie. */
export function tiedIds(entry: Entry, member: LinkMember): readonly string[] {
  const value = entry[member] ?? [];
  return typeof value === 'string' ? [value] : value;
}

/** `Payments, Platform`, as lists show ties. */
export function tiesText(ids: readonly string[], names: ReadonlyMap<string, Entry>): string {
  return ids.map((id) => names.get(id)?.name ?? id).join(', ');
}
