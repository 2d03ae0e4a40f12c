/** What a tool answered, as it was: every kind of content, the structured one, and what the gateway wrote down of the call. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { GatewayOpsError, type CallMetadata, type ToolResult } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Rail, StatusWord } from '../../rail/rail.tsx';
import { pluralText } from '../../text/format.ts';
import { Duration } from '../../text/number.tsx';
import { buttonLook } from '../../ui/button.tsx';
import { JsonView } from '../trace/json-view.tsx';
import { AnswerContent } from './answer-content.tsx';

/** The longest that a call takes, and what comes before it is written down. */
const callMsMax = 15 * 60_000;
/** How often a record is asked for before it is left to whoever opens the trace. */
const asksMax = 20;

interface ToolResultViewProps {
  readonly result: ToolResult;
  readonly metadata: CallMetadata;
  /** The trace that was called again, or null. */
  readonly original: string | null;
}

export function ToolResultView({ result, metadata, original }: ToolResultViewProps): ReactElement {
  const { content, structuredContent, isError } = result;
  return (
    <section aria-label="The answer" className="flex flex-col gap-3" aria-live="polite">
      <h3 className={`text-section font-semibold ${isError === true ? 'text-error' : ''}`}>
        {isError === true ? '⬣ The tool reported a failure' : 'Answered'}
      </h3>
      <p className="flex flex-wrap items-center gap-x-4 text-ink-2">
        <Duration ms={metadata.latency_ms} />
        <span>{pluralText(content.length, 'part')} of content</span>
      </p>
      <AnswerContent content={content} structured={structuredContent} />
      <details>
        <summary className="cursor-pointer text-ink-2 hover:text-ink">Raw result</summary>
        <div className="mt-2">
          <JsonView text={JSON.stringify(result)} />
        </div>
      </details>
      <CallTrace traceId={metadata.trace_id} original={original} />
    </section>
  );
}

/** Why there is no answer: which stop refused, and what mends it. */
export function CallRefused({ error, original }: { readonly error: unknown; readonly original: string | null }): ReactElement {
  const ours = error instanceof GatewayOpsError ? error : null;
  const traceId = ours !== null && 'traceId' in ours && typeof ours.traceId === 'string' ? ours.traceId : null;
  return (
    <section role="alert" aria-label="Why there is no answer" className="flex flex-col gap-2">
      <h3 className="text-section font-semibold">The call did not go through</h3>
      <p className="max-w-[80ch] text-body break-words">{error instanceof Error ? error.message : String(error)}</p>
      {ours !== null && (
        <p className="text-ink-2">
          {ours.fix} <code className="font-mono text-meta text-ink-3">{ours.code}</code>
        </p>
      )}
      {traceId !== null && <CallTrace traceId={traceId} original={original} />}
    </section>
  );
}

/** How far the call came, once it is written down. */
function CallTrace({ traceId, original }: { readonly traceId: string; readonly original: string | null }): ReactElement | null {
  const { allowed } = useCapability('traces.read');
  // By the list: a trace that is not written down yet is no mistake to ask for.
  const found = useQuery({
    queryKey: ['traces', 'one', traceId],
    queryFn: async ({ signal }) => {
      const nowMs = Date.now();
      const within = { start_time: new Date(nowMs - callMsMax).toISOString(), end_time: new Date(nowMs).toISOString() };
      return (await gateway.traces.list({ ...within, trace_id: traceId, limit: 1 }, { signal }).page()).traces[0] ?? null;
    },
    enabled: allowed,
    refetchInterval: ({ state: { data, dataUpdateCount } }) => (data === null && dataUpdateCount < asksMax ? 700 : false),
  });
  const trace = found.data ?? null;
  if (!allowed) return null;
  return (
    <div className="flex flex-wrap items-center gap-3 border-t border-hairline pt-3">
      {trace === null ? (
        <span className="text-ink-3">Being recorded…</span>
      ) : (
        <>
          <Rail stop={trace.stop} status={trace.status} large />
          <span>
            <StatusWord status={trace.status} /> {trace.status !== 'success' && <span className="text-ink-2">at {trace.stop}</span>}
          </span>
        </>
      )}
      <span className="ml-auto flex flex-wrap gap-2">
        {original !== null && trace !== null && (
          <Link to="/traces/compare" search={{ a: original, b: traceId }} className={buttonLook()}>
            Compare with the original
          </Link>
        )}
        <Link to="/traces/$traceId" params={{ traceId }} className={buttonLook()}>
          Open trace
        </Link>
      </span>
    </div>
  );
}
