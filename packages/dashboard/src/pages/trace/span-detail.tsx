/** One call: where it stopped and why, what it asked, what came back, what it cost. */
import type { Schemas } from '@gatewayops/sdk';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { Rail, StatusWord, stops } from '../../rail/rail.tsx';
import { bytesText, countText } from '../../text/format.ts';
import { Duration, Money } from '../../text/number.tsx';
import { Id } from '../../ui/copy.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { Clock } from '../../time/time.tsx';
import { isUnread, operationText } from '../traces/trace-row.ts';
import { RuleName } from '../access/rule-name.tsx';
import { ExplainLink, type TraceContext } from './explain-link.tsx';
import { CallAgainLink } from './call-again.tsx';
import { CompareWithLast } from './compare-with-last.tsx';
import { JsonView } from './json-view.tsx';
import { SpanBody } from './span-body.tsx';
import { SpeedRank } from './speed-rank.tsx';

export type SpanTab = 'summary' | 'request' | 'response' | 'raw';
const tabs: readonly (readonly [SpanTab, string])[] = [
  ['summary', 'Summary'],
  ['request', 'Request'],
  ['response', 'Response'],
  ['raw', 'Raw'],
];

interface SpanDetailProps {
  readonly traceId: string;
  readonly span: Schemas['Span'];
  readonly context: TraceContext;
  readonly currency: string;
  readonly tab: SpanTab;
  readonly onTab: (tab: SpanTab) => void;
}

export function SpanDetail({ traceId, span, context, currency, tab, onTab }: SpanDetailProps): ReactElement {
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Tabs label="Parts of the call" tabs={tabs} chosen={tab} onChoose={onTab} className="px-3" />
      <div role="tabpanel" aria-label={tab} className="min-h-0 flex-1 overflow-auto p-3">
        {tab === 'summary' && <Summary traceId={traceId} span={span} context={context} currency={currency} />}
        {tab === 'request' && <SpanBody key={`${span.id} request`} traceId={traceId} span={span} which="request" />}
        {tab === 'response' && <SpanBody key={`${span.id} response`} traceId={traceId} span={span} which="response" />}
        {tab === 'raw' && <JsonView text={JSON.stringify(span)} />}
      </div>
    </div>
  );
}

function Summary({ traceId, span, context, currency }: Pick<SpanDetailProps, 'traceId' | 'span' | 'context' | 'currency'>): ReactElement {
  // What a policy engine calls itself is no name of a policy, which none of them would have.
  const mayPolicies = useCapability('policies.read').allowed && /^[a-z0-9][a-z0-9_-]*$/.test(span.policy ?? '');
  return (
    <div className="flex flex-col gap-4">
      {span.status !== 'success' && (
        <p className="text-body">
          {span.policy !== null && (span.status === 'blocked' || span.status === 'waiting') ? (
            <>
              {span.status === 'blocked' ? 'Refused' : 'Held'} by the rule <RuleName name={span.policy} isPolicy={mayPolicies} />.
              {/* What a client may not reach is not told to it: it may read that there is no such tool. */}
              {span.error !== null && <span className="block text-ink-2">The client was told “{span.error}”.</span>}
            </>
          ) : (
            (span.error ?? sentenceOf(span))
          )}
        </p>
      )}
      <div className="flex flex-wrap gap-2">
        <CallAgainLink traceId={traceId} span={span} />
        <CompareWithLast traceId={traceId} span={span} />
        <ExplainLink span={span} context={context} />
      </div>
      <section aria-label="The rail">
        <div className="flex flex-wrap items-center gap-3">
          <Rail stop={span.stop} status={span.status} large />
          <SpeedRank span={span} />
        </div>
        <dl className="mt-2 grid grid-cols-[auto_auto_1fr] gap-x-4">
          {stops.map((stop) => {
            const ms = span.stops[stop];
            return (
              <div key={stop} className={`col-span-3 grid grid-cols-subgrid ${ms === null ? 'text-ink-3' : ''}`}>
                <dt className="capitalize">{stop}</dt>
                <dd className="text-right">{ms === null ? 'not reached' : <Duration ms={ms} />}</dd>
                <dd className="text-ink-2">{stop === span.stopped_at ? <StatusWord status={span.status} /> : ''}</dd>
              </div>
            );
          })}
        </dl>
      </section>
      <dl className={factList}>
        <Fact name="Operation">
          {isUnread(span.operation) ? <span className="text-ink-3">unknown: the request was refused before it was read</span> : operationText(span.operation)}
        </Fact>
        <Fact name="Server">
          <Link to="/traces" search={{ q: `server:${span.server}` }} className="text-accent hover:underline">
            {span.server}
          </Link>
          {span.target !== null && span.target !== span.server && <span className="text-ink-3"> · {span.target}</span>}
        </Fact>
        {span.name !== null && <Fact name="Name">{span.name}</Fact>}
        <Fact name="Began">
          <Clock time={span.start_time} />
        </Fact>
        <Fact name="Cost">
          <Money amount={span.cost} currency={currency} />
          {span.priced_by !== null && <span className="text-ink-3"> · {span.priced_by} price</span>}
        </Fact>
        {span.tokens !== null && (
          <Fact name="Tokens">
            {countText(span.tokens.input)} in, {countText(span.tokens.output)} out <span className="text-ink-3">· {span.tokens.source}</span>
          </Fact>
        )}
        <Fact name="Sizes">
          {bytesText(span.request.size_bytes)} request, {bytesText(span.response.content_length)} response
        </Fact>
        {span.cache !== null && <Fact name="Cache">{span.cache}</Fact>}
        {span.retries > 0 && <Fact name="Retries">{span.retries}</Fact>}
        {span.policy !== null && (
          <Fact name="Policy">
            <RuleName name={span.policy} isPolicy={mayPolicies} />
          </Fact>
        )}
        {span.transforms.length > 0 && <Fact name="Transformed by">{span.transforms.join(', ')}</Fact>}
        {span.fault !== null && (
          <Fact name="Fault">
            <code className="font-mono text-meta">{span.fault}</code>
          </Fact>
        )}
        {span.http_status !== null && <Fact name="HTTP status">{span.http_status}</Fact>}
        {span.rpc_error_code !== null && <Fact name="JSON-RPC error">{span.rpc_error_code}</Fact>}
        {span.protocol_version !== null && <Fact name="Protocol">{span.protocol_version}</Fact>}
        {span.client_name !== null && <Fact name="Client">{span.client_name}</Fact>}
        {span.session_id !== null && (
          <Fact name="Session">
            <Id id={span.session_id} />
          </Fact>
        )}
        {span.request_id !== null && (
          <Fact name="Request">
            <Id id={span.request_id} />
          </Fact>
        )}
        <Fact name="Span">
          <Id id={span.id} />
        </Fact>
      </dl>
    </div>
  );
}

function sentenceOf({ status, stop, rpc_error_code: rpc, http_status: http }: Schemas['Span']): string {
  if (status === 'error' && rpc !== null) return `The server answered with the JSON-RPC error ${String(rpc)}.`;
  if (status === 'error') return http === null || http < 300 ? 'The tool reported a failure; the response says why.' : `It ended with HTTP ${String(http)}.`;
  if (status === 'cancelled') return 'The client cancelled the call before it was answered.';
  if (status === 'unknown') return 'Its end was never recorded: the gateway stopped in the middle of it.';
  return `It ended at ${stop}: ${status}.`;
}
