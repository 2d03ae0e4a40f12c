import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { Clock } from '../../time/time.tsx';
import { Who } from '../../ui/who.tsx';

/** Who stopped a server or a tool, why, and until when. */
export function SwitchedOff({ off }: { readonly off: Pick<Schemas['Switch'], 'changed_by' | 'changed_by_name' | 'reason' | 'until'> }): ReactElement {
  return (
    <p className="border-l-2 border-blocked-solid pl-3 text-body">
      Switched off by <Who id={off.changed_by} name={off.changed_by_name} />. Reason: {off.reason}{' '}
      {off.until !== null && (
        <>
          Back on at <Clock time={off.until} />.
        </>
      )}
    </p>
  );
}
