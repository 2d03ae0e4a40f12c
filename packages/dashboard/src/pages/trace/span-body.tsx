/** What a call asked or was answered, as it was recorded: asked for when somebody looks. */
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { Link } from '@tanstack/react-router';
import { useMemo, useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { bytesText, countText, pluralText } from '../../text/format.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { ErrorCard, Skeleton } from '../../ui/states.tsx';
import { AnswerContent } from '../tools/answer-content.tsx';
import { answerOf } from './answer-of.ts';
import { askedOf } from './call-as-command.ts';
import { CopyCall } from './copy-call.tsx';
import { closedJson } from './cut-json.ts';
import { JsonView } from './json-view.tsx';
import { SchemaCheck } from './schema-check.tsx';

/** Of a longer body so much is asked for; the rest comes after a click. */
const beginningBytes = 256 * 1024;

interface SpanBodyProps {
  readonly traceId: string;
  readonly span: Schemas['Span'];
  readonly which: 'request' | 'response';
}

export function SpanBody({ traceId, span, which }: SpanBodyProps): ReactElement {
  const capability = useCapability('bodies.read');
  const state = span[which].body;
  const isKept = state?.state === 'kept';
  const [wholeOf, setWholeOf] = useState('');
  const isWhole = (state?.kept_bytes ?? 0) <= beginningBytes || wholeOf === `${span.id} ${which}`;
  const body = useQuery({
    queryKey: ['body', traceId, span.id, which, ...(isWhole ? [] : ['beginning'])],
    queryFn: ({ signal }) =>
      gateway.traces.body(traceId, span.id, which, { signal, ...(isWhole ? {} : { headers: { range: `bytes=0-${beginningBytes - 1}` } }) }),
    enabled: capability.allowed && isKept,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const text = body.data;
  const isCut = !isWhole || state?.truncated === true;
  // As far as its values are whole; what is no JSON stays the text that it is.
  const json = useMemo(() => (text !== undefined && isCut ? (closedJson(text) ?? text) : text), [text, isCut]);
  const answer = useMemo(() => (which === 'response' && text !== undefined ? answerOf(text) : undefined), [which, text]);
  const [isRead, setRead] = useState(true);
  if (state === null)
    return (
      <p className="text-ink-2">
        Bodies are not recorded: <code className="font-mono text-meta">record.bodies</code> in gateway.yaml turns them on.
      </p>
    );
  if (!isKept) return <p className="text-ink-2">{whyNot(state)}</p>;
  if (!capability.allowed)
    return (
      <p className="text-ink-2">
        The {which} is hidden: it requires <code className="font-mono text-meta">bodies.read</code>. {capability.reason}
      </p>
    );
  if (body.error !== null) return <ErrorCard error={body.error} what={`The ${which}`} onRetry={() => void body.refetch()} />;
  if (text === undefined || json === undefined) return <Skeleton rows={5} label={`Loading the ${which}`} />;
  const asked = which === 'request' && span.tool !== null && !isCut ? askedOf(text) : undefined;
  return (
    <div className="flex flex-col gap-3">
      <p className="flex flex-wrap items-center gap-2 text-meta text-ink-3">
        {bytesText(state.kept_bytes)}
        <CopyButton text={text} label={`Copy the ${which}`} />
        {asked !== undefined && <CopyCall traceId={traceId} span={span} asked={asked} />}
        {answer !== undefined && (
          <Button look="quiet" className="ml-auto" onClick={() => setRead(!isRead)}>
            {isRead ? 'Raw' : 'Formatted'}
          </Button>
        )}
      </p>
      {!isWhole && (
        <p className="flex flex-wrap items-center gap-2 text-ink-2">
          The first {bytesText(beginningBytes)} are shown.
          <Button onClick={() => setWholeOf(`${span.id} ${which}`)}>Load the rest</Button>
        </p>
      )}
      {state.truncated && <CutShort span={span} which={which} keptBytes={state.kept_bytes} />}
      {answer !== undefined && isRead ? <AnswerContent content={answer.content} structured={answer.structuredContent} /> : <JsonView text={json} />}
      {asked !== undefined && <SchemaCheck server={span.server} asked={asked} />}
      {(state.masked > 0 || which === 'request') && <Recorded traceId={traceId} span={span} which={which} masked={state.masked} />}
    </div>
  );
}

/** What was longer than what is recorded. */
function CutShort({
  span,
  which,
  keptBytes,
}: {
  readonly span: Schemas['Span'];
  readonly which: 'request' | 'response';
  readonly keptBytes: number;
}): ReactElement {
  const sentBytes = which === 'request' ? span.request.size_bytes : span.response.content_length;
  return (
    <p className="text-ink-2">
      Only the beginning was recorded{sentBytes > keptBytes && `, ${bytesText(keptBytes)} of ${bytesText(sentBytes)}`}: the limit is{' '}
      <code className="font-mono text-meta">record.body_max</code>. The value that was cut off is left out below.
      {span.operation === 'mcp.tools.list' && (
        <>
          {' '}
          <Link to="/servers/$name/tools" params={{ name: span.server }} className="text-accent underline">
            All tools of {span.server}
          </Link>
        </>
      )}
    </p>
  );
}

/** What is masked, by which rule and where, and the headers that came with it. */
function Recorded({ traceId, span, which, masked }: SpanBodyProps & { readonly masked: number }): ReactElement | null {
  const found = useQuery({
    queryKey: ['redactions', traceId, span.id, which],
    queryFn: ({ signal }) => gateway.traces.redactions(traceId, span.id, which, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (found.error !== null) return <ErrorCard error={found.error} what="What is masked" onRetry={() => void found.refetch()} />;
  const headers = (found.data?.headers ?? []).map((line) => /^([^:]*):\s*(.*)$/s.exec(line) ?? [line, line, '']);
  return (
    <>
      {masked > 0 && (
        <section aria-label="What is masked">
          <h3 className="mb-1 text-meta text-ink-3">{pluralText(masked, 'value')} masked</h3>
          <ul className="flex flex-wrap gap-1.5">
            {found.data?.masked.map(({ rule, path, offset, count }) => (
              <li key={`${rule} ${path} ${offset}`} className="rounded-control bg-warn-soft px-1.5 text-meta text-warn">
                {path !== '' && <code className="font-mono break-all">{path} </code>}
                by {rule}
                {count > 1 && `, ${countText(count)} times`}
              </li>
            ))}
          </ul>
        </section>
      )}
      {headers.length > 0 && (
        <section aria-label="Headers">
          <h3 className="mb-1 text-meta text-ink-3">Headers</h3>
          <dl className={`${factList} font-mono text-meta`}>
            {headers.map(([line, name = '', value]) => (
              <Fact key={line} name={name}>
                <span className="break-all">{value}</span>
              </Fact>
            ))}
          </dl>
        </section>
      )}
    </>
  );
}

function whyNot({ state, reason }: NonNullable<Schemas['BodyState']>): string {
  const why: Readonly<Record<string, string>> = {
    over_scan_limit: 'it is too large to scan for secrets',
    timeout: 'scanning it for secrets took too long',
    not_text: 'it is not text',
    failed: 'it could not be scanned for secrets',
    queue_full: 'too many were waiting',
    too_large: 'it is too large',
  };
  if (state === 'pending') return 'It is still being recorded.';
  if (state === 'lost') return 'It was lost: the masking process ended before it was written.';
  return `It was not recorded: ${why[reason ?? ''] ?? reason ?? 'the rules say so'}.`;
}
