import type { ReactElement } from 'react';
import type { Schemas } from '@gatewayops/sdk';
import { gatewayUrl } from '../../app/gateway.ts';
import { Sheet } from '../../ui/sheet.tsx';
import { ShownOnce, useKeptGuard, type KeptGuard } from '../../ui/shown-once.tsx';
import { Command } from '../../ui/states.tsx';

export const revealTitle = 'Key created';

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
    <ShownOnce
      secret={made.secret}
      copyLabel="Copy the key"
      about="It is shown only once: the gateway stores only its hash."
      lost="then revoke it and create another."
      guard={guard}
    >
      <p className="mt-2 text-ink-2">In a shell, for the command line and the SDK:</p>
      <Command text={`export GATEWAYOPS_URL=${gatewayUrl} GATEWAYOPS_API_KEY=${made.secret}`} />
      <p className="text-ink-2">Claude Code:</p>
      <Command text={`claude mcp add --transport http ${server ?? 'gateway'} ${address} --header "Authorization: Bearer ${made.secret}"`} />
    </ShownOnce>
  );
}
