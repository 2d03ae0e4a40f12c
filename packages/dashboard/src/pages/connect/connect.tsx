/** The way of the first call: a server, a client, and the call itself, each ticked off by what is really there. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Check } from 'lucide-react';
import { useEffect, type ReactElement, type ReactNode } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { buttonLook } from '../../ui/button.tsx';
import { serverState, StateWord } from '../../ui/state-word.tsx';
import { Allowed, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { AddServer } from './add-server.tsx';
import { ClientSnippets } from './client-snippets.tsx';
import { everQuery } from './ever.ts';
import { FirstCall, useFirstCalls } from './first-call.tsx';

export function Connect(): ReactElement {
  return (
    <Allowed permission="servers.read">
      <ConnectPage />
    </Allowed>
  );
}

function ConnectPage(): ReactElement {
  const servers = useQuery({
    queryKey: ['servers', 'to connect'],
    queryFn: ({ signal }) => gateway.servers.list({ limit: 200 }, { signal }).page(),
    refetchInterval: 5_000,
  });
  const mayTraces = useCapability('traces.read').allowed;
  const ever = useQuery({ ...everQuery, enabled: mayTraces });
  const calls = useFirstCalls(mayTraces);
  const queries = useQueryClient();
  const hasCall = calls.rows.length > 0;
  useEffect(() => {
    // The ledger has it in a moment; the way to the overview is open at once.
    if (!hasCall) return;
    queries.setQueryData(everQuery.queryKey, true);
    // A server that was not asked yet has been by now.
    void queries.invalidateQueries({ queryKey: ['servers', 'to connect'] });
  }, [hasCall, queries]);
  if (servers.error !== null && servers.data === undefined)
    return (
      <div className="mx-auto w-full max-w-4xl px-3 py-6 [--state-inset:0px] sm:px-6">
        <h1 className="mb-4 text-title font-semibold">Connect an agent</h1>
        <ErrorCard error={servers.error} what="The list of servers" onRetry={() => void servers.refetch()} />
      </div>
    );
  if (servers.data === undefined)
    return (
      <div className="mx-auto w-full max-w-4xl px-3 py-6 sm:px-6">
        <h1 className="mb-4 text-title font-semibold">Connect an agent</h1>
        <Skeleton rows={8} label="Loading servers" />
      </div>
    );
  const list = servers.data.servers;
  const hasServer = list.length > 0;
  return (
    <div className="mx-auto flex max-w-4xl flex-col px-3 py-6 sm:px-6">
      <h1 className="text-title font-semibold">{hasCall ? 'It works' : ever.data === false ? 'Connect your first agent' : 'Connect an agent'}</h1>
      <p className="mt-1 mb-6 max-w-[72ch] text-body text-ink-2">
        {hasCall
          ? 'The call went through the gateway, which recorded who made it, what it asked and where it ended.'
          : 'Agents connect to this gateway rather than directly to servers. The gateway knows who is calling, decides what they may do, and records what happened.'}
      </p>
      <ol>
        <Step number={1} title="A server behind the gateway" isDone={hasServer} isNext={!hasServer}>
          {hasServer ? (
            <ul className="flex flex-wrap gap-x-6 gap-y-1">
              {list.slice(0, 8).map((server) => (
                <li key={server.name} className="flex items-center gap-2">
                  <Link to="/servers/$name" params={{ name: server.name }} className="font-medium hover:text-accent hover:underline">
                    {server.name}
                  </Link>
                  <StateWord state={serverState(server)} reason={server.reason} />
                </li>
              ))}
              {list.length > 8 && <li className="text-ink-3">and {list.length - 8} more</li>}
            </ul>
          ) : (
            <AddServer />
          )}
        </Step>
        <Step number={2} title="A client that connects to it" isDone={hasCall} isNext={hasServer && !hasCall} isFar={!hasServer}>
          {hasServer ? <ClientSnippets servers={list} /> : <p className="text-ink-3">Once a server is added.</p>}
        </Step>
        <Step number={3} title="Its first call" isDone={hasCall} isNext={false} isFar={!hasServer && !hasCall} isLast>
          {!hasServer && !hasCall ? (
            <p className="text-ink-3">Once a client is connected.</p>
          ) : !mayTraces ? (
            <p className="text-ink-2">Anyone who can read traces sees it arrive.</p>
          ) : (
            <>
              <FirstCall calls={calls} />
              {hasCall && (
                <p className="mt-4 flex flex-wrap gap-2">
                  <Link to="/" className={buttonLook('primary')}>
                    Go to the Overview
                  </Link>
                  <Link to="/traces" className={buttonLook()}>
                    All calls
                  </Link>
                </p>
              )}
            </>
          )}
        </Step>
      </ol>
    </div>
  );
}

interface StepProps {
  readonly number: number;
  readonly title: string;
  readonly isDone: boolean;
  readonly isNext: boolean;
  /** What stands before it is not there yet. */
  readonly isFar?: boolean;
  readonly isLast?: boolean;
  readonly children: ReactNode;
}

/** A stop of the way: filled when it was passed, the line behind it dashed where it was not. */
function Step({ number, title, isDone, isNext, isFar = false, isLast = false, children }: StepProps): ReactElement {
  return (
    <li className="grid grid-cols-[24px_1fr] gap-x-3">
      <div className="flex flex-col items-center" aria-hidden="true">
        <span
          className={`flex size-6 shrink-0 items-center justify-center rounded-full text-meta ${isDone ? 'bg-ink-3 text-surface' : isNext ? 'border-2 border-accent font-medium text-accent' : 'border border-control text-ink-3'}`}
        >
          {isDone ? <Check size={14} /> : number}
        </span>
        {!isLast && <span className={`w-0 flex-1 border-l ${isDone ? 'border-ink-3' : 'border-dashed border-control'}`} />}
      </div>
      <section className="min-w-0 pb-8">
        <h2 className={`mb-2 text-section font-semibold ${isFar ? 'text-ink-3' : ''}`}>
          {title} {isDone && <span className="sr-only">(done)</span>}
        </h2>
        {children}
      </section>
    </li>
  );
}
