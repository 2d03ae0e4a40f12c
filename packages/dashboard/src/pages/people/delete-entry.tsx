import { useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { pluralText } from '../../text/format.ts';
import { ChangedMeanwhile, useVersioned } from '../../ui/changed-meanwhile.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import type { Kind } from './kinds.ts';
import { deleteEntry, memberTitles, nouns, readEntry, type Entry, type EntryChange } from './nouns.ts';

interface DeleteEntryProps {
  readonly kind: Kind;
  readonly entry: Entry;
  readonly onClose: () => void;
  readonly onDone: () => Promise<void>;
}

/** Deletes, after the gateway has said that it could, and which keys would go with it. */
export function DeleteEntry({ kind, entry, onClose, onDone }: DeleteEntryProps): ReactElement {
  const { title } = nouns[kind];
  const planned = useQuery({
    queryKey: ['people', kind, 'deletion', entry.id, entry.version],
    queryFn: () => deleteEntry(kind, entry, true),
    staleTime: 0,
    gcTime: 0,
  });
  const keys = planned.data?.length ?? 0;
  // Of the version that was looked at.
  const [opened] = useState(() => ({ version: entry.version, fields: membersOf(entry) }));
  const versioned = useVersioned<EntryChange>(opened, () => readEntry(kind, entry.id, membersOf));
  return (
    <Confirm
      title={`Delete ${entry.name}?`}
      verb={`Delete the ${title}`}
      onClose={onClose}
      met={versioned.meeting !== null && <ChangedMeanwhile versioned={versioned} mine={opened.fields} titles={memberTitles} deleting />}
      onConfirm={async () => {
        await versioned.send((version) => deleteEntry(kind, { id: entry.id, version }, false));
        await onDone();
      }}
    >
      {planned.error !== null ? (
        <FaultLine error={planned.error} />
      ) : (
        <>
          {planned.data === undefined
            ? 'Checking what goes with it…'
            : keys === 0
              ? 'No key is affected.'
              : `${pluralText(keys, 'key')} ${keys === 1 ? 'is' : 'are'} revoked with it, for good.`}{' '}
          {kind === 'users' ? 'Their sessions end; records of what they did stay. ' : ''}This cannot be undone.
        </>
      )}
    </Confirm>
  );
}

/** All that somebody could have changed of it. */
function membersOf(entry: Entry): EntryChange {
  return Object.fromEntries(Object.entries(entry).filter(([member]) => Object.hasOwn(memberTitles, member)));
}
