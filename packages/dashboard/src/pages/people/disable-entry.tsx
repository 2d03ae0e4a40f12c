import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { pluralText } from '../../text/format.ts';
import { Confirm } from '../../ui/confirm.tsx';
import type { Kind } from './kinds.ts';
import { nouns, type Entry } from './nouns.ts';
import { keysOf, grantsOf } from './what-they-have.ts';

interface DisableEntryProps {
  readonly kind: Kind;
  readonly entry: Entry;
  readonly switchKind: Schemas['Switch']['kind'];
  readonly onClose: () => void;
  readonly onDone: () => Promise<void>;
}

/** The switch, with what it will end counted before. */
export function DisableEntry({ kind, entry, switchKind, onClose, onDone }: DisableEntryProps): ReactElement {
  const { title } = nouns[kind];
  const ends = useWhatEnds(kind, entry.id);
  return (
    <Confirm
      title={`Disable ${entry.name}?`}
      verb={`Disable the ${title}`}
      reason="Reason"
      onClose={onClose}
      onConfirm={async (reason) => {
        await gateway.switches.disable(switchKind, entry.id, { reason });
        await onDone();
      }}
    >
      <p>{ends}</p>
      <p className="mt-2">
        It takes effect on every node within a second.{' '}
        {kind === 'users' ? 'Enable them here to let them in again, with the same keys.' : 'It can be enabled again here.'}
      </p>
    </Confirm>
  );
}

/** `It ends 3 sessions, 2 keys are refused, …`; without figures where they are not to be seen. */
function useWhatEnds(kind: Kind, id: string): string {
  const { keyFilter, title } = nouns[kind];
  const maySessions = useCapability('sessions.read').allowed && kind === 'users';
  const mayKeys = useCapability('keys.read').allowed && keyFilter !== null;
  const mayGrants = useCapability('grants.read').allowed && kind === 'users';
  const sessions = useQuery({
    queryKey: ['people', 'sessions', id],
    queryFn: ({ signal }) => gateway.users.sessions(id, { signal }).take(100),
    enabled: maySessions,
  });
  const keys = useQuery({
    queryKey: ['people', 'keys', keyFilter, id],
    queryFn: ({ signal }) => keysOf(keyFilter ?? 'user_id', id, signal),
    enabled: mayKeys,
  });
  const grants = useQuery({ queryKey: ['people', 'grants', id], queryFn: ({ signal }) => grantsOf(id, signal), enabled: mayGrants });
  const usable = keys.data?.filter(({ status }) => status === 'active').length;
  const clients = grants.data?.filter(({ status }) => status === 'active').length;
  const parts = [
    ...(kind !== 'users'
      ? []
      : [sessions.data === undefined ? 'their sessions end' : `${pluralText(sessions.data.length, 'session')} ${sessions.data.length === 1 ? 'ends' : 'end'}`]),
    usable === undefined ? 'its keys are refused' : `${pluralText(usable, 'key')} ${usable === 1 ? 'is' : 'are'} refused`,
    ...(clients === undefined || clients === 0 ? [] : [`${pluralText(clients, 'client')} can no longer act for them`]),
    'running calls end',
  ];
  const beyond = kind === 'teams' || kind === 'departments' || kind === 'projects' ? ` This applies to everyone in the ${title}.` : '';
  const text = `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}.${beyond}`;
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
