import { GatewayOpsError } from '@gatewayops/sdk';
import type { ReactElement } from 'react';

/** Why something that was asked for was not done, and what mends it; nothing while there is no error. */
export function FaultLine({ error }: { readonly error: unknown }): ReactElement | null {
  if (error === null || error === undefined) return null;
  const text = error instanceof GatewayOpsError ? `${error.message} ${error.fix}` : error instanceof Error ? error.message : 'It failed for an unknown reason.';
  // Shown where what mends it asks for it.
  const requestId = error instanceof GatewayOpsError && error.fix.includes('request id') && 'requestId' in error ? error.requestId : null;
  return (
    <p role="alert" className="text-table text-error">
      {text}
      {typeof requestId === 'string' && (
        <>
          {' '}
          <span className="inline-block max-w-full font-mono text-meta break-all text-ink-3">{requestId}</span>
        </>
      )}
    </p>
  );
}
