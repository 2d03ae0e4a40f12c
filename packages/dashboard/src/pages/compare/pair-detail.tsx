/** Two calls, or one that the other run lacks: time at each stop, what was asked, what came back. */
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Rail, stops } from '../../rail/rail.tsx';
import { durationText } from '../../text/format.ts';
import { Duration } from '../../text/number.tsx';
import { Button } from '../../ui/button.tsx';
import { ErrorCard, Skeleton } from '../../ui/states.tsx';
import { changesOf } from '../audit/changes-of.ts';
import type { Pair } from './align.ts';
import { SmallTable } from '../../ui/small-table.tsx';

interface PairDetailProps {
  /** Ids of the traces. */
  readonly a: string;
  readonly b: string;
  readonly pair: Pair;
  /** Paths of members that are not compared. */
  readonly ignored: readonly string[];
  readonly onIgnore: (paths: readonly string[]) => void;
}

export function PairDetail({ a, b, pair, ignored, onIgnore }: PairDetailProps): ReactElement {
  return (
    <section aria-label="The two calls" className="grid gap-6 lg:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
      <div>
        <h2 className="mb-2 text-section font-semibold">Stops</h2>
        <div className="mb-2 flex flex-wrap gap-x-8 gap-y-1">
          {(
            [
              ['A', pair.a],
              ['B', pair.b],
            ] as const
          ).map(([side, span]) => (
            <div key={side} className="flex items-center gap-2">
              <span className="w-3 text-ink-3">{side}</span>
              {span === null ? <span className="text-ink-3">not called</span> : <Rail stop={span.stop} status={span.status} large />}
            </div>
          ))}
        </div>
        <SmallTable titles={['Stop', 'A', 'B', 'Difference']} left={1}>
          {stops.map((stop) => {
            const [from, to] = [pair.a?.stops[stop] ?? null, pair.b?.stops[stop] ?? null];
            return (
              <tr key={stop} className="h-(--row) border-t border-hairline">
                <th scope="row" className="px-3 text-left font-normal capitalize">
                  {stop}
                </th>
                {[from, to].map((ms, index) => (
                  <td key={index} className="px-3 text-right">
                    {ms === null ? <span className="text-ink-3">–</span> : <Duration ms={ms} />}
                  </td>
                ))}
                <td className="px-3 text-right">{from !== null && to !== null && <Gap from={from} to={to} />}</td>
              </tr>
            );
          })}
        </SmallTable>
        {(
          [
            ['A', pair.a],
            ['B', pair.b],
          ] as const
        ).map(([side, span]) =>
          span === null || span.error === null ? null : (
            <p key={side} className="mt-2 border-l-2 border-error-solid pl-3">
              <span className="text-ink-3">{side}</span> {span.error}
            </p>
          ),
        )}
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        {(['request', 'response'] as const).map((which) => (
          <BodyChanges key={which} a={a} b={b} pair={pair} which={which} ignored={ignored} onIgnore={onIgnore} />
        ))}
        {ignored.length > 0 && (
          <p className="flex flex-wrap items-center gap-2 text-ink-2">
            Ignored:
            {ignored.map((path) => (
              <Button
                key={path}
                look="quiet"
                aria-label={`Compare ${path} again`}
                title="Compare it after all"
                onClick={() => onIgnore(ignored.filter((one) => one !== path))}
              >
                <code className="font-mono text-meta">{path}</code> ×
              </Button>
            ))}
          </p>
        )}
      </div>
    </section>
  );
}

/** From A to B. What is slower by much stands out. */
export function Gap({ from, to }: { readonly from: number; readonly to: number }): ReactElement {
  const gap = to - from;
  if (Math.abs(gap) < 0.005) return <span className="text-ink-3">same</span>;
  const isMuch = Math.abs(gap) > 1 && (to > 2 * from || from > 2 * to);
  return (
    <span className={`whitespace-nowrap ${isMuch ? 'font-medium text-ink' : 'text-ink-2'}`}>
      {gap > 0 ? '+' : '−'}
      {durationText(Math.abs(gap))}
      {isMuch && from > 0 && to > 0 && <span className="text-ink-3"> · ×{(to / from).toPrecision(2)}</span>}
    </span>
  );
}

function useBody(traceId: string, span: Schemas['Span'] | null, which: 'request' | 'response') {
  const may = useCapability('bodies.read').allowed;
  return useQuery({
    queryKey: ['body', traceId, span?.id, which],
    queryFn: ({ signal }) => gateway.traces.body(traceId, span?.id ?? '', which, { signal }),
    enabled: may && span?.[which].body?.state === 'kept',
    staleTime: Number.POSITIVE_INFINITY,
  });
}

function BodyChanges({ a, b, pair, which, ignored, onIgnore }: PairDetailProps & { readonly which: 'request' | 'response' }): ReactElement {
  const may = useCapability('bodies.read');
  const [left, right] = [useBody(a, pair.a, which), useBody(b, pair.b, which)];
  return (
    <section aria-label={`Differences in the ${which}`}>
      <h2 className="mb-2 text-section font-semibold">{which === 'request' ? 'Request' : 'Response'}</h2>
      {pair.a === null || pair.b === null ? (
        <p className="text-ink-3">Only one of the traces has this call.</p>
      ) : !may.allowed ? (
        <p className="text-ink-2">
          It requires <code className="font-mono text-meta">bodies.read</code>. {may.reason}
        </p>
      ) : pair.a[which].body?.state !== 'kept' || pair.b[which].body?.state !== 'kept' ? (
        <p className="text-ink-3">
          {[pair.a, pair.b].some((one) => one?.[which].body?.state === 'pending')
            ? 'It is still being recorded: reload the page in a moment.'
            : 'It was not recorded for both: record.bodies in gateway.yaml says what is.'}
        </p>
      ) : left.error !== null || right.error !== null ? (
        <ErrorCard error={left.error ?? right.error} what={`The ${which}`} onRetry={() => void Promise.all([left.refetch(), right.refetch()])} />
      ) : left.data === undefined || right.data === undefined ? (
        <Skeleton rows={3} label={`Loading the ${which}`} />
      ) : (
        <Changes left={left.data} right={right.data} ignored={ignored} onIgnore={onIgnore} />
      )}
    </section>
  );
}

interface ChangesProps extends Pick<PairDetailProps, 'ignored' | 'onIgnore'> {
  readonly left: string;
  readonly right: string;
}

function Changes({ left, right, ignored, onIgnore }: ChangesProps): ReactElement {
  const all = changesOf(parsed(left), parsed(right));
  const changes = all.filter(({ path }) => !ignored.some((one) => path === one || path.startsWith(`${one}.`)));
  if (changes.length === 0) return <p className="text-ink-2">{all.length === 0 ? 'Identical.' : 'Identical, apart from the ignored fields.'}</p>;
  return (
    <SmallTable titles={['Field', 'A', 'B']} left={3}>
      {changes.map(({ path, before, after }) => (
        <tr key={path} className="border-t border-hairline align-baseline">
          <th scope="row" className="px-3 py-1.5 text-left font-mono text-meta font-normal">
            {path}{' '}
            {!path.includes(',') && (
              <button
                type="button"
                title={`Do not compare ${path}`}
                aria-label={`Do not compare ${path}`}
                onClick={() => onIgnore([...ignored, path])}
                className="hit rounded-control px-1 text-ink-3 hover:bg-sunken hover:text-ink"
              >
                ×
              </button>
            )}
          </th>
          {[before, after].map((text, index) => (
            <td key={index} className="max-w-xs px-3 py-1.5 font-mono text-meta break-words">
              {text === '' ? <span className="text-ink-3">–</span> : text}
            </td>
          ))}
        </tr>
      ))}
    </SmallTable>
  );
}

/** Text that is no JSON is compared as it is. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
