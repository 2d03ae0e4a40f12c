import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { pluralText } from '../../text/format.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import type { Kind } from './kinds.ts';
import { deleteEntry, nouns, type Entry } from './nouns.ts';

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
  return (
    <Confirm
      title={`Delete ${entry.name}?`}
      verb={`Delete the ${title}`}
      onClose={onClose}
      onConfirm={async () => {
        await deleteEntry(kind, entry, false);
        await onDone();
      }}
    >
      {planned.error !== null ? (
        <FaultLine error={planned.error} />
      ) : (
        <>
          {planned.data === undefined
            ? 'The gateway is asked what goes with it …'
            : keys === 0
              ? 'No key goes with it.'
              : `${pluralText(keys, 'key')} ${keys === 1 ? 'is' : 'are'} revoked with it, for good.`}{' '}
          {kind === 'users' ? 'Their sessions end; what they did stays in the records. ' : ''}It cannot be taken back.
        </>
      )}
    </Confirm>
  );
}
