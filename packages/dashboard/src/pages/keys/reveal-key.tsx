import { useState, type ReactElement } from 'react';
import type { Schemas } from '@gatewayops/sdk';
import { gatewayUrl } from '../../app/gateway.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { Command } from '../../ui/states.tsx';

/** Whether the secret was kept, without which closing asks first: it is nowhere else. */
export interface KeptGuard {
  readonly kept: boolean;
  readonly asks: boolean;
  readonly setKept: (kept: boolean) => void;
  readonly close: () => void;
  readonly closeAllTheSame: () => void;
}

export const revealTitle = 'The key is made';

export function useKeptGuard(onClose: () => void): KeptGuard {
  const [kept, setKept] = useState(false);
  const [asks, setAsks] = useState(false);
  return { kept, asks: asks && !kept, setKept, close: () => (kept ? onClose() : setAsks(true)), closeAllTheSame: onClose };
}

/** The secret of a rotation, in a sheet of its own. */
export function RevealKey({ made, onClose }: { readonly made: Schemas['KeyWithSecret']['key']; readonly onClose: () => void }): ReactElement {
  const guard = useKeptGuard(onClose);
  return (
    <Sheet title={revealTitle} onClose={guard.close}>
      <RevealedSecret made={made} guard={guard} />
    </Sheet>
  );
}

/** The secret, this once, and how it is used. */
export function RevealedSecret({ made, guard }: { readonly made: Schemas['KeyWithSecret']['key']; readonly guard: KeptGuard }): ReactElement {
  const server = made.scopes.mcp_servers?.[0];
  const address = `${gatewayUrl}/mcp${server === undefined ? '' : `/${server}`}`;
  return (
    <div className="flex flex-col gap-3 p-4">
      <p className="text-ink-2">This is the only time that it is shown: the gateway keeps no more than its hash.</p>
      <div className="flex items-center gap-2 rounded-panel border border-accent bg-accent-soft px-3 py-2">
        <code className="min-w-0 flex-1 font-mono text-table break-all" data-secret>
          {made.secret}
        </code>
        <CopyButton text={made.secret} label="Copy the key" />
      </div>
      <p className="mt-2 text-ink-2">In the shell, for the commands and the SDK:</p>
      <Command text={`export GATEWAYOPS_URL=${gatewayUrl} GATEWAYOPS_API_KEY=${made.secret}`} />
      <p className="text-ink-2">Claude Code:</p>
      <Command text={`claude mcp add --transport http ${server ?? 'gateway'} ${address} --header "Authorization: Bearer ${made.secret}"`} />
      <label className="mt-2 flex items-center gap-2">
        <input type="checkbox" checked={guard.kept} onChange={(event) => guard.setKept(event.target.checked)} className="size-4 accent-(--accent)" /> I have
        kept it
      </label>
      {guard.asks && (
        <p role="alert" className="text-warn">
          After closing nobody can read it again. Say that you have kept it, or close all the same: then revoke it and create another.
        </p>
      )}
      <div className="flex justify-end gap-2">
        {guard.asks && (
          <Button look="quiet" onClick={guard.closeAllTheSame}>
            Close all the same
          </Button>
        )}
        <Button look="primary" onClick={guard.close}>
          Done
        </Button>
      </div>
    </div>
  );
}
