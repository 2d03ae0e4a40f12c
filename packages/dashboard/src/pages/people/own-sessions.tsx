import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { pluralText } from '../../text/format.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Part } from './part.tsx';
import { SessionTable } from './session-table.tsx';
import { Loaded } from '../../ui/loaded.tsx';

/** Where somebody is signed in, and the end of it: one of them, or all. */
export function OwnSessions({ userId, name }: { readonly userId: string; readonly name: string }): ReactElement {
  const queries = useQueryClient();
  const write = useCapability('sessions.write');
  const [ending, setEnding] = useState<Schemas['Session'] | 'all' | null>(null);
  const queryKey = ['people', 'sessions', userId];
  const sessions = useQuery({ queryKey, queryFn: ({ signal }) => gateway.users.sessions(userId, { signal }).take(100), refetchInterval: 15_000 });
  return (
    <Part
      title="Sessions"
      actions={
        (sessions.data?.length ?? 0) > 0 && (
          <Button disabled={!write.allowed} title={write.allowed ? undefined : write.reason} onClick={() => setEnding('all')}>
            End all sessions
          </Button>
        )
      }
    >
      <Loaded query={sessions} what="Sessions" rows={2}>
        {(data) =>
          data.length === 0 ? <p className="text-ink-2">{name} is not signed in.</p> : <SessionTable sessions={data} write={write} onEnd={setEnding} />
        }
      </Loaded>
      {ending !== null && (
        <Confirm
          title={ending === 'all' ? `End every session of ${name}?` : 'End this session?'}
          verb={ending === 'all' ? 'End all sessions' : 'End the session'}
          onClose={() => setEnding(null)}
          onConfirm={async () => {
            await (ending === 'all' ? gateway.users.endSessions(userId) : gateway.users.endSession(userId, ending.id));
            await queries.invalidateQueries({ queryKey: ['people'] });
          }}
        >
          {ending === 'all'
            ? `${pluralText(sessions.data?.length ?? 0, 'session')} and the access they gave to clients end on every node. They can sign in again: to keep them out, disable them.`
            : 'It ends on every node, with the access given to clients in it. They can sign in again.'}
        </Confirm>
      )}
    </Part>
  );
}
