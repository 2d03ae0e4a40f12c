/** Where one is signed in oneself, and the end of it. */
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { useState, type ReactElement } from 'react';
import { gateway, signInPath } from '../../app/gateway.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { SessionTable } from '../people/session-table.tsx';
import { Loaded } from '../../ui/loaded.tsx';

export function OwnSessionsPage(): ReactElement {
  const [ending, setEnding] = useState<Schemas['Session'] | null>(null);
  const sessions = useQuery({ queryKey: ['me', 'sessions'], queryFn: ({ signal }) => gateway.me.sessions({ signal }).take(100), refetchInterval: 15_000 });
  return (
    <div className="[--state-inset:0px] flex flex-col gap-3 px-3 pt-3 pb-6 sm:px-4">
      <h1 className="text-title font-semibold">Your sessions</h1>
      <p className="max-w-[72ch] text-ink-2">
        Every browser in which you are signed in. End any that you do not recognize, and tell whoever administers the gateway.
      </p>
      <Loaded query={sessions} what="Your sessions" rows={3}>
        {(data) => <SessionTable sessions={data} write={{ allowed: true, reason: '' }} onEnd={setEnding} />}
      </Loaded>
      {ending !== null && (
        <Confirm
          title={ending.current ? 'End your current session?' : 'End this session?'}
          verb="End the session"
          onClose={() => setEnding(null)}
          onConfirm={async () => {
            await gateway.me.endSession(ending.id);
            if (ending.current) location.assign(signInPath('signed_out'));
            else await sessions.refetch();
          }}
        >
          It ends on every node, with the access given to clients in it.{ending.current && ' You will have to sign in again.'}
        </Confirm>
      )}
    </div>
  );
}
