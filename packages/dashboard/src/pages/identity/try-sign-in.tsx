import { useQuery } from '@tanstack/react-query';
import { NotFoundError } from '@gatewayops/sdk';
import { ExternalLink } from 'lucide-react';
import type { ReactElement } from 'react';
import { gateway, gatewayUrl } from '../../app/gateway.ts';
import { Button, buttonLook } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { JsonView } from '../trace/json-view.tsx';
import { Preview } from './preview.tsx';

const everyMs = 2_000;

/** A sign-in that lets nobody in: its link, then what the provider said of whoever went by it and what that would give. */
export function TrySignIn({ id, link, onClose }: { readonly id: string; readonly link?: string; readonly onClose: () => void }): ReactElement {
  const outcome = useQuery({
    queryKey: ['identity', 'try', id],
    queryFn: ({ signal }) => gateway.identity.getTry(id, { signal }),
    refetchInterval: ({ state }) => (state.error !== null || (state.data !== undefined && state.data.state !== 'waiting') ? false : everyMs),
  });
  const url = link ?? `${gatewayUrl}/sign-in/try?id=${id}`;
  return (
    <section aria-label="Trial sign-in" className="mb-4 flex flex-col gap-3 border-l-2 border-accent pl-3">
      {outcome.error instanceof NotFoundError ? (
        <p className="text-body">This trial has expired: a link is valid for ten minutes. Start another.</p>
      ) : outcome.error !== null ? (
        <FaultLine error={outcome.error} />
      ) : outcome.data?.state === 'failed' ? (
        <div role="status">
          <p className="text-body font-medium text-error">⬣ It stopped at {outcome.data.failure?.step ?? 'an unknown step'}</p>
          <p>{outcome.data.failure?.reason}</p>
          <p className="text-ink-2">{outcome.data.failure?.fix}</p>
        </div>
      ) : outcome.data?.state === 'done' ? (
        <div role="status" className="flex flex-col gap-3">
          <p className="text-body font-medium">It works: this is who the provider vouches for, and what they would be granted</p>
          {outcome.data.preview !== null && <Preview preview={outcome.data.preview} />}
          <details>
            <summary className="cursor-pointer text-ink-2">Everything the provider says about them</summary>
            <JsonView text={JSON.stringify(outcome.data.claims ?? {})} />
          </details>
        </div>
      ) : (
        <>
          <p className="text-body">
            Sign in through this link in any browser. It is only a test: nobody is let in and no user is created. The link works once, for ten minutes; the
            outcome appears here.
          </p>
          <p className="flex flex-wrap items-center gap-2">
            <a href={url} target="_blank" rel="noreferrer" className={buttonLook('primary')}>
              <ExternalLink size={14} aria-hidden="true" /> Open the link
            </a>
            <CopyButton text={url} label="Copy the link" />
          </p>
        </>
      )}
      <div>
        <Button look="quiet" className="-ml-3" onClick={onClose}>
          End the test
        </Button>
      </div>
    </section>
  );
}
