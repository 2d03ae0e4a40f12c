/** Two runs beside each other: which of their calls are the same, where they ended differently, what took longer, what was asked and answered otherwise. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { ArrowLeftRight } from 'lucide-react';
import { Fragment, useMemo, type ReactElement, type ReactNode } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { Rail, StatusWord } from '../../rail/rail.tsx';
import { countText, pluralText } from '../../text/format.ts';
import { Duration, Money } from '../../text/number.tsx';
import { Clock } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { Allowed, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { operationText } from '../traces/trace-row.ts';
import { alignCalls, alignedMax, differs, firstToSee, type Pair } from './align.ts';
import { Gap, PairDetail } from './pair-detail.tsx';

const keyShape = 'rounded-control border border-hairline bg-sunken px-1.5 font-mono text-meta';

export function Compare(): ReactElement {
  return (
    <Allowed permission="traces.read">
      <ComparePage />
    </Allowed>
  );
}

function ComparePage(): ReactElement {
  const { a, b } = useSearch({ from: '/traces/compare' });
  if (a === undefined || b === undefined)
    return (
      <Empty title="Select two traces to compare" isPage>
        Select two in{' '}
        <Link to="/traces" className="text-accent underline">
          Traces
        </Link>{' '}
        and press Compare, or <kbd className={keyShape}>x</kbd> on each and then <kbd className={keyShape}>=</kbd>.
      </Empty>
    );
  return <Sides a={a} b={b} />;
}

function useRun(id: string) {
  return useQuery({
    queryKey: ['trace', id, alignedMax],
    queryFn: async ({ signal }) => (await gateway.traces.get(id, { limit: alignedMax }, { signal })).trace,
  });
}

function Sides({ a, b }: { readonly a: string; readonly b: string }): ReactElement {
  const search = useSearch({ from: '/traces/compare' });
  const navigate = useNavigate({ from: '/traces/compare' });
  const [left, right] = [useRun(a), useRun(b)];
  const pairs = useMemo(() => alignCalls(left.data?.spans ?? [], right.data?.spans ?? []), [left.data, right.data]);
  const chosen = Math.min(search.pair === undefined ? firstToSee(pairs) : Number(search.pair), Math.max(0, pairs.length - 1));
  const choose = (index: number): void => {
    if (index >= 0 && index < pairs.length) void navigate({ search: (old) => ({ ...old, pair: String(index) }), replace: true });
  };
  useShortcuts([
    { keys: 'j', about: 'Next pair of calls', run: () => choose(chosen + 1) },
    { keys: 'k', about: 'Previous pair of calls', run: () => choose(chosen - 1) },
  ]);
  if (left.isLoadingError || right.isLoadingError)
    return (
      <Coming>
        <ErrorCard error={left.error ?? right.error} what="The comparison" onRetry={() => void Promise.all([left.refetch(), right.refetch()])} />
      </Coming>
    );
  if (left.data === undefined || right.data === undefined)
    return (
      <Coming>
        <Skeleton rows={10} label="Loading both traces" />
      </Coming>
    );
  const pair = pairs[chosen];
  const ignored = (search.ignore ?? '').split(',').filter((path) => path !== '');
  const different = pairs.filter(differs).length;
  const isCut = left.data.span_count > alignedMax || right.data.span_count > alignedMax;
  return (
    <div className="flex flex-col gap-5 px-3 py-3 sm:px-4">
      <header className="flex flex-wrap items-start justify-between gap-3">
        <div>
          <h1 className="text-title font-semibold">Compare two traces</h1>
          <p className="mt-1 text-ink-2">
            {different === 0
              ? `${pluralText(pairs.length, 'call')} in both, with the same outcome.`
              : `${countText(different)} of ${pluralText(pairs.length, 'call')} ${different === 1 ? 'has' : 'have'} a different outcome, or ${different === 1 ? 'is' : 'are'} in only one of the traces.`}
            {isCut && ` Only the first ${alignedMax} calls of each are compared.`}
          </p>
        </div>
        <Button onClick={() => void navigate({ search: (old) => ({ ...old, a: b, b: a }), replace: true })}>
          <ArrowLeftRight size={14} aria-hidden="true" /> Swap
        </Button>
      </header>
      <div className="grid gap-px overflow-hidden rounded-panel border border-hairline bg-hairline sm:grid-cols-2">
        <Head side="A" trace={left.data} />
        <Head side="B" trace={right.data} />
      </div>
      <label className="-mb-3 flex flex-wrap items-center gap-x-2 text-ink-2">
        <input
          type="checkbox"
          checked={search.only === '1'}
          onChange={(event) => void navigate({ search: (old) => ({ ...old, only: event.target.checked ? '1' : undefined }), replace: true })}
          className="size-3.5 accent-(--accent)"
        />
        Only calls with a different outcome
        {search.only === '1' && pair !== undefined && !differs(pair) && (
          <span className="text-ink-3">{different === 0 ? '(none: the call below is the selected one)' : '(and the selected call)'}</span>
        )}
      </label>
      <Pairs pairs={pairs} isOnlyDifferent={search.only === '1'} chosen={chosen} onChoose={choose} />
      {pair !== undefined && (
        <PairDetail
          key={chosen}
          a={a}
          b={b}
          pair={pair}
          ignored={ignored}
          onIgnore={(paths) => void navigate({ search: (old) => ({ ...old, ignore: paths.length === 0 ? undefined : paths.join(',') }), replace: true })}
        />
      )}
    </div>
  );
}

/** The page before there is something to compare. */
function Coming({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <div className="flex flex-col gap-5 px-3 py-3 [--state-inset:0px] sm:px-4">
      <h1 className="text-title font-semibold">Compare two traces</h1>
      {children}
    </div>
  );
}

function Head({ side, trace }: { readonly side: string; readonly trace: Schemas['Trace']['trace'] }): ReactElement {
  const deciding = trace.spans.find(({ status }) => status === trace.status) ?? trace.spans[0];
  return (
    <section aria-label={`Trace ${side}`} className="flex min-w-0 flex-col gap-1.5 bg-surface px-4 py-3">
      <h2 className="flex min-w-0 items-baseline gap-2">
        <span className="text-ink-3">{side}</span>
        <Link to="/traces/$traceId" params={{ traceId: trace.id }} className="min-w-0 truncate font-mono text-table text-accent hover:underline">
          {trace.id}
        </Link>
      </h2>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Rail stop={deciding?.stop ?? 'reply'} status={trace.status} />
        <StatusWord status={trace.status} />
        <Duration ms={trace.duration_ms} />
        <Money amount={trace.total_cost} currency={trace.currency} />
        <span className="text-ink-2">{pluralText(trace.span_count, 'call')}</span>
        <Clock time={trace.start_time} />
      </div>
    </section>
  );
}

interface PairsProps {
  readonly pairs: readonly Pair[];
  readonly isOnlyDifferent: boolean;
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
}

function Pairs({ pairs, isOnlyDifferent, chosen, onChoose }: PairsProps): ReactElement {
  return (
    // What scrolls must be reached by keys.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label="Calls of both traces" tabIndex={0} className="max-h-[40dvh] overflow-auto border-y border-hairline bg-surface">
      <table className="w-full sm:min-w-xl">
        <thead className="sticky top-0 bg-sunken text-meta text-ink-3">
          <tr>
            {['Call', 'A', '', 'B', '', 'Difference'].map((title, index) => (
              <th
                key={index}
                scope="col"
                className={`h-8 px-3 font-normal ${index === 2 || index > 3 ? 'text-right' : 'text-left'} ${index === 0 || index === 5 ? 'max-sm:hidden' : ''}`}
              >
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {pairs.map((pair, index) => {
            const span = pair.a ?? pair.b;
            if (isOnlyDifferent && !differs(pair) && index !== chosen) return null;
            const isChosen = index === chosen;
            const look = isChosen ? 'bg-accent-soft shadow-[inset_2px_0_0_var(--accent)]' : '';
            const name = (
              <button type="button" onClick={() => onChoose(index)} className="hit text-left hover:text-accent hover:underline">
                {span?.server} · {span === null ? '' : (span.tool ?? span.name ?? operationText(span.operation))}
              </button>
            );
            const weight = differs(pair) ? 'font-semibold' : 'font-normal';
            return (
              <Fragment key={index}>
                {/* Where both sides fill the screen, its name stands above them; the difference is told with the pair. */}
                <tr className={`border-t border-hairline sm:hidden ${look}`}>
                  <th scope="rowgroup" colSpan={4} className={`px-3 pt-1.5 text-left ${weight}`}>
                    {name}
                  </th>
                </tr>
                <tr aria-selected={isChosen} className={`h-(--row) border-hairline sm:border-t ${look}`}>
                  <th scope="row" className={`px-3 text-left max-sm:hidden ${weight}`}>
                    {name}
                  </th>
                  <End span={pair.a} />
                  <End span={pair.b} />
                  <td className="px-3 text-right max-sm:hidden">
                    {pair.a !== null && pair.b !== null && <Gap from={pair.a.duration_ms} to={pair.b.duration_ms} />}
                  </td>
                </tr>
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function End({ span }: { readonly span: Schemas['Span'] | null }): ReactElement {
  if (span === null)
    return (
      <td colSpan={2} className="px-3 text-ink-3">
        not called
      </td>
    );
  return (
    <>
      <td className="px-3">
        <StatusWord status={span.status} />
      </td>
      <td className="px-3 text-right">
        <Duration ms={span.duration_ms} />
      </td>
    </>
  );
}
