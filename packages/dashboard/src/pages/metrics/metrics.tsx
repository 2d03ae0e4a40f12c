/** How many, how well, how fast: on one axis of time, of all servers or of those that a query names. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { Radio, Table2 } from 'lucide-react';
import { useMemo, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { LineChart, type Line, type Marker } from '../../charts/line-chart.tsx';
import { countText, durationText, percentText, pluralText } from '../../text/format.ts';
import { Duration } from '../../text/number.tsx';
import { rangeText, useTimeWindow } from '../../time/range.ts';
import { Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { NoCalls } from '../../ui/no-calls.tsx';
import { Allowed, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { problemOf, QueryBar, QueryChips } from '../traces/query-bar.tsx';
import { quoted } from '../traces/query-text.ts';
import { secondsOf, type Step } from './steps.ts';
import { useLiveMetrics } from './use-live-metrics.ts';
import { useMarkers } from './use-markers.ts';
import { TableHead } from '../../ui/table-head.tsx';
import { SmallTable } from '../../ui/small-table.tsx';

const nothingKnown: ReadonlyMap<string, readonly string[]> = new Map();
const nothing: readonly Step[] = [];

export function Metrics(): ReactElement {
  return (
    <Allowed permission="metrics.read">
      <MetricsPage />
    </Allowed>
  );
}

function MetricsPage(): ReactElement {
  const search = useSearch({ from: '/metrics' });
  const navigate = useNavigate({ from: '/metrics' });
  const window = useTimeWindow(search, useNow(60_000));
  const query = search.q ?? '';
  const isLive = search.live === '1';
  const mayTraces = useCapability('traces.read').allowed;
  const asTable = search.table === '1';
  const metrics = useQuery({
    queryKey: ['metrics', 'page', window, query],
    queryFn: ({ signal }) =>
      gateway.metrics.calls(
        { start_time: window.start, ...(window.end === undefined ? {} : { end_time: window.end }), ...(query === '' ? {} : { query }), steps: 120, limit: 50 },
        { signal },
      ),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
  const live = useLiveMetrics(query, isLive);
  const change = (next: Partial<typeof search>): void => void navigate({ search: (old) => ({ ...old, ...next }) });
  useShortcuts([{ keys: 'l', about: 'Figures of each second', run: () => change({ live: isLive ? undefined : '1' }) }]);
  const steps = isLive ? live.steps : (metrics.data?.series ?? nothing);
  const names = useMemo(() => new Map([['server', (metrics.data?.servers ?? []).map(({ server }) => server)]]), [metrics.data]);
  const markers = useMarkers(window);
  const openStep = (from: string, to: string): void =>
    void navigate({ to: '/traces', search: { from, to, range: undefined, ...(query === '' ? {} : { q: query }) } });
  const isUnanswered = problemOf(metrics.error) !== null;
  return (
    <div className="flex flex-col gap-4 px-3 py-3 sm:px-6">
      <header className="flex flex-col gap-2">
        <div className="flex items-center justify-between gap-3">
          <h1 className="text-title font-semibold">Metrics</h1>
          <div className="flex gap-1.5">
            <Button aria-pressed={asTable} onClick={() => change({ table: asTable ? undefined : '1' })}>
              <Table2 size={14} aria-hidden="true" /> <span className="max-sm:sr-only">{asTable ? 'View as charts' : 'View as table'}</span>
            </Button>
            <Button aria-pressed={isLive} onClick={() => change({ live: isLive ? undefined : '1' })} className={isLive ? '!border-accent !text-accent' : ''}>
              <Radio size={14} aria-hidden="true" className={isLive ? 'animate-[waiting_2s_ease-in-out_infinite]' : ''} /> {isLive ? 'LIVE' : 'Live'}
            </Button>
          </div>
        </div>
        <QueryBar
          query={query}
          onCommit={(next) => change({ q: next === '' ? undefined : next })}
          error={metrics.error}
          known={metrics.data === undefined ? nothingKnown : names}
        />
        <QueryChips query={query} onChange={(next) => change({ q: next === '' ? undefined : next })} />
      </header>
      {(metrics.error !== null && metrics.data === undefined && !isUnanswered) || (isLive && live.error !== null) ? (
        <ErrorCard error={isLive ? live.error : metrics.error} what="The figures" onRetry={() => void metrics.refetch()} />
      ) : metrics.data === undefined ? (
        isUnanswered ? (
          <Empty title="The query is not understood">What is marked above says where, and what could stand there.</Empty>
        ) : (
          <Skeleton rows={12} label="Loading the figures" />
        )
      ) : metrics.data.metrics.calls === 0 && !isLive ? (
        query === '' ? (
          <NoCalls title={`No call in the ${rangeText(search)}`} />
        ) : (
          <Empty title={`No call in the ${rangeText(search)} fits the query`} />
        )
      ) : (
        <div className={`flex flex-col gap-4 ${metrics.isPlaceholderData ? 'opacity-60' : ''}`} aria-busy={metrics.isPlaceholderData}>
          {asTable ? (
            <StepTable steps={steps} />
          ) : (
            <Charts
              steps={steps}
              markers={markers}
              onChoose={(from, to) => change({ range: undefined, from, to, live: undefined })}
              {...(mayTraces ? { onOpen: openStep } : {})}
            />
          )}
          <ServerFigures servers={metrics.data.servers} tools={metrics.data.tools} onOnly={(server) => change({ q: `server:${quoted(server)}` })} />
        </div>
      )}
    </div>
  );
}

interface ChartsProps {
  readonly steps: readonly Step[];
  readonly markers: readonly Marker[];
  readonly onChoose: (from: string, to: string) => void;
  readonly onOpen?: (from: string, to: string) => void;
}

function Charts({ steps, markers, onChoose, onOpen }: ChartsProps): ReactElement {
  const times = useMemo(() => secondsOf(steps), [steps]);
  const rates = useMemo((): readonly Line[] => [{ label: 'calls/s', colour: '--series-1', values: steps.map(({ rate }) => rate) }], [steps]);
  const failures = useMemo(
    (): readonly Line[] => [{ label: 'failed', colour: '--error-solid', values: steps.map(({ error_percent: failed }) => failed) }],
    [steps],
  );
  const latencies = useMemo(
    (): readonly Line[] => [
      { label: 'p50', colour: '--p50', values: steps.map(({ latency_ms: latency }) => latency?.p50 ?? null) },
      { label: 'p95', colour: '--p95', dash: [6, 3], values: steps.map(({ latency_ms: latency }) => latency?.p95 ?? null) },
      { label: 'p99', colour: '--p99', dash: [2, 2], values: steps.map(({ latency_ms: latency }) => latency?.p99 ?? null) },
    ],
    [steps],
  );
  const shown = markers.filter(({ at }) => at >= (times[0] ?? Number.POSITIVE_INFINITY)).length;
  return (
    <div className="grid gap-4 xl:grid-cols-3">
      {(
        [
          ['Calls a second', rates, perSecond],
          ['Failed', failures, percentText],
          ['Time until the answer', latencies, durationText],
        ] as const
      ).map(([title, lines, format]) => (
        <section key={title} className="min-w-0 border-y border-hairline bg-surface p-3">
          <LineChart
            label={title}
            times={times}
            lines={lines}
            markers={markers}
            format={format}
            onChoose={onChoose}
            {...(onOpen === undefined ? {} : { onOpen })}
          />
        </section>
      ))}
      <p className="text-meta text-ink-3 xl:col-span-3">
        Drag to look closer{onOpen === undefined ? '' : '; click a step for its calls'}.{' '}
        {shown > 0 &&
          `${shown === 1 ? 'The dashed line is a change' : `The dashed lines are ${pluralText(shown, 'change')}`} of configuration, policies, prices or servers.`}
      </p>
    </div>
  );
}

function perSecond(value: number): string {
  return value >= 100 ? countText(value) : value.toPrecision(2).replace(/\.0$/, '');
}

function StepTable({ steps }: { readonly steps: readonly Step[] }): ReactElement {
  return (
    // It is scrolled by arrow keys.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label="Each step" tabIndex={0} className="max-h-[60dvh] overflow-auto border-y border-hairline bg-surface outline-offset-[-2px]">
      <table className="w-full">
        <TableHead titles={['From', 'Calls', 'A second', 'Failed', 'p50', 'p95', 'p99']} left={1} sticky />
        <tbody>
          {steps.toReversed().map(({ start_time: start, calls, rate, error_percent: failed, latency_ms: latency }) => (
            <tr key={start} className="border-t border-hairline">
              <th scope="row" className="px-3 py-1 text-left font-normal">
                <Clock time={start} />
              </th>
              <td className="px-3 text-right">{countText(calls)}</td>
              <td className="px-3 text-right">{perSecond(rate)}</td>
              <td className="px-3 text-right">{percentText(failed)}</td>
              {(['p50', 'p95', 'p99'] as const).map((which) => (
                <td key={which} className="px-3 text-right">
                  {latency === null ? <span className="text-ink-3">–</span> : <Duration ms={latency[which]} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The same as figures, most calls first; a click shows one alone. */
function ServerFigures({
  servers,
  tools,
  onOnly,
}: {
  readonly servers: Schemas['CallMetrics']['servers'];
  readonly tools: Schemas['CallMetrics']['tools'];
  readonly onOnly: (server: string) => void;
}): ReactElement {
  const rows = [
    ...servers.map((figures) => ({ key: figures.server, server: figures.server, tool: null as string | null, figures })),
    ...tools.map((figures) => ({ key: `${figures.server}/${figures.tool}`, server: figures.server, tool: figures.tool as string | null, figures })),
  ];
  return (
    <section>
      <h2 className="mb-2 text-section font-semibold">By server and tool</h2>
      <SmallTable titles={['Server · tool', 'Calls', 'A second', 'Failed', 'p50', 'p95', 'p99']} left={1}>
        {rows.map(({ key, server, tool, figures }) => (
          <tr key={key} className="h-(--row) border-t border-hairline hover:bg-canvas">
            <th scope="row" className="px-3 text-left whitespace-nowrap">
              {tool === null ? (
                <button type="button" title="Only this server" onClick={() => onOnly(server)} className="font-medium hover:text-accent hover:underline">
                  {server === '' ? 'all servers together' : server}
                </button>
              ) : (
                <Link
                  to="/traces"
                  search={{ q: `server:${quoted(server)} tool:${quoted(tool)}` }}
                  className="pl-4 font-normal text-ink-2 hover:text-accent hover:underline"
                >
                  {tool}
                </Link>
              )}
            </th>
            <td className="px-3 text-right">{countText(figures.calls)}</td>
            <td className="px-3 text-right text-ink-2">{perSecond(figures.rate)}</td>
            <td className={`px-3 text-right ${figures.errors > 0 ? 'text-error' : 'text-ink-3'}`}>{percentText(figures.error_percent)}</td>
            {(['p50', 'p95', 'p99'] as const).map((which) => (
              <td key={which} className="px-3 text-right">
                {figures.latency_ms === null ? <span className="text-ink-3">–</span> : <Duration ms={figures.latency_ms[which]} />}
              </td>
            ))}
          </tr>
        ))}
      </SmallTable>
    </section>
  );
}
