/** Where a server is said and what, and its change where it was made by the API. */
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { Clock } from '../../time/time.tsx';
import { Empty } from '../../ui/states.tsx';
import { Part } from '../people/part.tsx';
import { JsonView } from '../trace/json-view.tsx';

export function ServerConfig({ server }: { readonly server: Schemas['Server'] }): ReactElement {
  const { managed } = server;
  if (managed === null)
    return <Empty title="Where it is said is not known here">The registry does not answer, or the gateway is run by another organization than yours.</Empty>;
  return (
    <Part title="What is said of it">
      <p className="mb-2 text-ink-2">
        {managed.file === null ? (
          <>
            Made by {managed.created_by ?? 'the API'}
            {managed.changed_at !== null && (
              <>
                , last changed by {managed.changed_by}, <Clock time={managed.changed_at} />
              </>
            )}
            .
          </>
        ) : (
          <>
            Said in{' '}
            <code className="font-mono text-meta">
              {managed.file}
              {managed.line === null ? '' : `:${managed.line}`}
            </code>
            ; it is changed there.
          </>
        )}
      </p>
      <JsonView text={JSON.stringify(managed.spec)} />
    </Part>
  );
}
