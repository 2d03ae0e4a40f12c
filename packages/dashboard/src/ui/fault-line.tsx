import { GatewayOpsError } from '@gatewayops/sdk';
import type { ReactElement } from 'react';

/** Why something that was asked for was not done, and what mends it; nothing while there is no error. */
export function FaultLine({ error }: { readonly error: unknown }): ReactElement | null {
  if (error === null || error === undefined) return null;
  const text =
    error instanceof GatewayOpsError ? `${error.message} ${error.fix}` : error instanceof Error ? error.message : 'It was not done, and nobody knows why.';
  return (
    <p role="alert" className="text-table text-error">
      {text}
    </p>
  );
}
