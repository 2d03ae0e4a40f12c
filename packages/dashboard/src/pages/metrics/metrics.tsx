/** How many, how well, how fast: on one axis of time, of all servers or of those that a query names. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { Radio, Table2 } from 'lucide-react';
import { useMemo, useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { LineChart, type Line, type LineChartProps } from '../../charts/line-chart.tsx';
import type { Marker } from '../../charts/marker.ts';
import { countText, durationText, percentText, pluralText } from '../../text/format.ts';
import { Duration } from '../../text/number.tsx';
import { rangeText, useTimeWindow } from '../../time/range.ts';
import { Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { NoCalls } from '../../ui/no-calls.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { Allowed, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { problemOf, QueryBar, QueryChips } from '../traces/query-bar.tsx';
import { quoted } from '../traces/query-text.ts';
import { groupsMax, groupsOf, linesOf, liveGroupsOf, type Group, type GroupBy } from './groups.ts';
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
  const by: GroupBy = search.by ?? (/(^|\s)server:[^(*\s]+(\s|$)/.test(query) ? 'tool' : 'server');
  const series = useQuery({
    queryKey: ['metrics', 'series', window, query, by],
    queryFn: async ({ signal }) => {
      const found = await gateway.metrics.series(
        {
          start_time: window.start,
          ...(window.end === undefined ? {} : { end_time: window.end }),
          ...(query === '' ? {} : { query }),
          by,
          limit: groupsMax,
          steps: 120,
        },
        { signal },
      );
      return { times: found.start_times.map((time) => Date.parse(time) / 1000), groups: groupsOf(found) };
    },
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
    enabled: !isLive,
  });
  const live = useLiveMetrics(query, isLive);
  const liveGroups = useMemo(
    () => ({ times: secondsOf(live.steps), groups: liveGroupsOf(live.steps.map((step) => (by === 'server' ? step.servers : step.tools))) }),
    [live.steps, by],
  );
  const change = (next: Partial<typeof search>): void => void navigate({ search: (old) => ({ ...old, ...next }) });
  useShortcuts([{ keys: 'l', about: 'Follow live, second by second', run: () => change({ live: isLive ? undefined : '1' }) }]);
  const steps = isLive ? live.steps : (metrics.data?.series ?? nothing);
  const names = useMemo(() => new Map([['server', (metrics.data?.servers ?? []).map(({ server }) => server)]]), [metrics.data]);
  const markers = useMarkers(window);
  const openStep = (from: string, to: string, only: readonly string[] = []): void => {
    // What is asked for already is not said twice.
    const q = [query, ...only.filter((term) => !query.split(' ').includes(term))].filter((part) => part !== '').join(' ');
    void navigate({ to: '/traces', search: { from, to, range: undefined, ...(q === '' ? {} : { q }) } });
  };
  const chooseStep = (from: string, to: string): void => change({ range: undefined, from, to, live: undefined });
  const isUnanswered = problemOf(metrics.error) !== null;
  return (
    <div className="[--state-inset:0px] flex flex-col gap-4 px-3 py-3 sm:px-4">
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
        <ErrorCard
          error={isLive ? live.error : metrics.error}
          what="The figures"
          onRetry={() => void Promise.all([metrics.refetch(), ...(series.isLoadingError ? [series.refetch()] : [])])}
        />
      ) : metrics.data === undefined ? (
        isUnanswered ? (
          <Empty title="The query cannot be read">The mark above shows where, and what could stand there.</Empty>
        ) : (
          <ChartsSkeleton label="Loading the figures" />
        )
      ) : metrics.data.metrics.calls === 0 && !isLive ? (
        query === '' ? (
          <NoCalls title={`No calls in the ${rangeText(search)}`} />
        ) : (
          <Empty title={`No calls in the ${rangeText(search)} match the query`} />
        )
      ) : (
        <div className={`flex flex-col gap-4 ${metrics.isPlaceholderData ? 'opacity-60' : ''}`} aria-busy={metrics.isPlaceholderData}>
          {asTable ? (
            <StepTable steps={steps} />
          ) : (
            <Charts steps={steps} markers={markers} onChoose={chooseStep} {...(mayTraces ? { onOpen: openStep } : {})} />
          )}
          <section className="flex flex-col gap-3">
            <div className="flex flex-wrap items-baseline justify-between gap-x-4">
              <h2 className="text-section font-semibold">By {by}</h2>
              <Tabs
                label="A line for each"
                tabs={[
                  ['server', 'Servers'],
                  ['tool', 'Tools'],
                ]}
                chosen={by}
                onChoose={(next) => change({ by: next })}
                className="max-w-full !border-b-0"
              />
            </div>
            {isLive ? (
              <GroupCharts {...liveGroups} by={by} markers={markers} asTable={asTable} onChoose={chooseStep} {...(mayTraces ? { onOpen: openStep } : {})} />
            ) : (
              <Loaded query={series} what="The lines" skeleton={<ChartsSkeleton label="Loading the lines" />}>
                {(found) => (
                  <div className={series.isPlaceholderData ? 'opacity-60' : ''} aria-busy={series.isPlaceholderData}>
                    <GroupCharts {...found} by={by} markers={markers} asTable={asTable} onChoose={chooseStep} {...(mayTraces ? { onOpen: openStep } : {})} />
                  </div>
                )}
              </Loaded>
            )}
            <ServerFigures servers={metrics.data.servers} tools={metrics.data.tools} onOnly={(server) => change({ q: `server:${quoted(server)}` })} />
          </section>
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
    <div>
      <ChartGrid
        charts={[
          ['Calls per second', rates, perSecond],
          ['Failed', failures, percentText],
          ['Latency', latencies, durationText],
        ]}
        times={times}
        markers={markers}
        onChoose={onChoose}
        {...(onOpen === undefined ? {} : { onOpen })}
      />
      <p className="mt-2 text-meta text-ink-3">
        Drag to zoom in{onOpen === undefined ? '' : '; click a point to see its calls'}.{' '}
        {shown > 0 &&
          `${shown === 1 ? 'The dotted line marks a change' : `The dotted lines mark ${pluralText(shown, 'change')}`} to configuration, policies, prices or servers.`}
      </p>
    </div>
  );
}

type ChartOf = readonly [title: string, lines: readonly Line[], format: LineChartProps['format']];

interface ChartGridProps extends Pick<LineChartProps, 'times' | 'markers' | 'onChoose' | 'onOpen' | 'alone' | 'onAlone' | 'asTable'> {
  readonly charts: readonly ChartOf[];
}

/** Rate, failures and time side by side, with one cursor. */
function ChartGrid({ charts, ...shared }: ChartGridProps): ReactElement {
  // A table of several lines is wider than a third of the page.
  return (
    <div className={`grid gap-4 ${shared.asTable === true ? '' : 'xl:grid-cols-3'}`}>
      {charts.map(([title, lines, format]) => (
        <section key={title} className="min-w-0 border-y border-hairline bg-surface p-3">
          <LineChart label={title} lines={lines} format={format} {...shared} />
        </section>
      ))}
    </div>
  );
}

interface GroupChartsProps {
  readonly by: 'server' | 'tool';
  readonly times: readonly number[];
  readonly groups: readonly Group[];
  readonly markers: readonly Marker[];
  readonly asTable: boolean;
  readonly onChoose: (from: string, to: string) => void;
  readonly onOpen?: (from: string, to: string, only: readonly string[]) => void;
}

/** The same with a line for each server or tool; one that is shown alone is alone in all three. */
function GroupCharts({ by, times, groups, markers, asTable, onChoose, onOpen }: GroupChartsProps): ReactElement {
  const [alone, setAlone] = useState<string | null>(null);
  const [rates, failures, latencies] = useMemo(() => [linesOf(groups, 'rate'), linesOf(groups, 'failed'), linesOf(groups, 'p95')] as const, [groups]);
  const only = groups[rates.findIndex(({ label }) => label === alone)];
  return (
    <ChartGrid
      charts={[
        [`Calls per second by ${by}`, rates, perSecond],
        [`Failure rate by ${by}`, failures, percentText],
        [`p95 latency by ${by}`, latencies, durationText],
      ]}
      times={times}
      markers={markers}
      asTable={asTable}
      alone={alone}
      onAlone={setAlone}
      onChoose={onChoose}
      {...(onOpen === undefined ? {} : { onOpen: (from, to) => onOpen(from, to, only === undefined ? [] : termsOf(only)) })}
    />
  );
}

/** Its calls, in the query language; of all others together there is no query. */
function termsOf({ server, tool }: Group): readonly string[] {
  if (server === null) return [];
  return [`server:${quoted(server)}`, ...(tool === null ? [] : [`tool:${quoted(tool)}`])];
}

function ChartsSkeleton({ label }: { readonly label: string }): ReactElement {
  return (
    <div className="grid gap-4 xl:grid-cols-3">
      {[1, 2, 3].map((chart) => (
        <div key={chart} className="h-64 border-y border-hairline bg-surface p-3">
          <Skeleton rows={3} label={label} />
        </div>
      ))}
    </div>
  );
}

/** Two digits, beside an axis as many as tell its marks apart. */
function perSecond(value: number, step?: number): string {
  if (step !== undefined && value !== 0) return value.toFixed(Math.max(0, -Math.floor(Math.log10(step))));
  return value >= 100 ? countText(value) : value.toPrecision(2).replace(/\.0$/, '');
}

function StepTable({ steps }: { readonly steps: readonly Step[] }): ReactElement {
  return (
    // It is scrolled by arrow keys.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label="Each step" tabIndex={0} className="max-h-[60dvh] overflow-auto border-y border-hairline bg-surface outline-offset-[-2px]">
      <table className="w-full">
        <TableHead titles={['From', 'Calls', 'Per second', 'Failed', 'p50', 'p95', 'p99']} left={1} sticky />
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

/** The same as figures, servers with the most calls first, each with its tools; a click shows one alone. */
function ServerFigures({
  servers,
  tools,
  onOnly,
}: {
  readonly servers: Schemas['CallMetrics']['servers'];
  readonly tools: Schemas['CallMetrics']['tools'];
  readonly onOnly: (server: string) => void;
}): ReactElement {
  const rows = servers.flatMap((figures) => [
    { key: figures.server, server: figures.server, tool: null as string | null, figures },
    ...tools
      .filter(({ server }) => server === figures.server)
      .map((own) => ({ key: `${own.server}/${own.tool}`, server: own.server, tool: own.tool, figures: own })),
  ]);
  return (
    <SmallTable titles={['Server · tool', 'Calls', 'Per second', 'Failed', 'p50', 'p95', 'p99']} left={1}>
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
  );
}
