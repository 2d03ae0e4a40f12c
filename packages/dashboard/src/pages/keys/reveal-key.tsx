import { useState, type ReactElement } from 'react';
import type { Schemas } from '@gatewayops/sdk';
import { gatewayUrl } from '../../app/gateway.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { Command } from '../../ui/states.tsx';

/** The secret, this once. It is nowhere else, so closing asks whether it was kept. */
export function RevealKey({ made, onClose }: { readonly made: Schemas['KeyWithSecret']['key']; readonly onClose: () => void }): ReactElement {
  const [kept, setKept] = useState(false);
  const [asks, setAsks] = useState(false);
  const close = (): void => {
    if (kept) onClose();
    else setAsks(true);
  };
  const server = made.scopes.mcp_servers?.[0];
  const address = `${gatewayUrl}/mcp${server === undefined ? '' : `/${server}`}`;
  return (
    <Sheet title="The key is made" onClose={close}>
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
          <input type="checkbox" checked={kept} onChange={(event) => setKept(event.target.checked)} className="size-4 accent-(--accent)" /> I have kept it
        </label>
        {asks && !kept && (
          <p role="alert" className="text-warn">
            After closing nobody can read it again. Say that you have kept it, or close all the same: then revoke it and create another.
          </p>
        )}
        <div className="flex justify-end gap-2">
          {asks && !kept && (
            <Button look="quiet" onClick={onClose}>
              Close all the same
            </Button>
          )}
          <Button look="primary" onClick={close}>
            Done
          </Button>
        </div>
      </div>
    </Sheet>
  );
}
