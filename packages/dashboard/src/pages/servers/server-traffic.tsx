/** What the calls of a server were like over the range of time, and the last that failed. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { LineChart, type Line } from '../../charts/line-chart.tsx';
import { Rail, StatusWord } from '../../rail/rail.tsx';
import { countText, durationText, percentText } from '../../text/format.ts';
import { Duration } from '../../text/number.tsx';
import { rangeText, useTimeWindow, type TimeWindow } from '../../time/range.ts';
import { Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { buttonLook } from '../../ui/button.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { NoCalls } from '../../ui/no-calls.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { Allowed, IfAllowed } from '../../ui/states.tsx';
import { Part } from '../people/part.tsx';
import { quoted } from '../traces/query-text.ts';
import { rowOfTrace } from '../traces/trace-row.ts';

/** So many of the calls that failed are shown. */
const failedMax = 10;

export function ServerTraffic({ name }: { readonly name: string }): ReactElement {
  return (
    <Allowed permission="metrics.read">
      <Traffic name={name} />
    </Allowed>
  );
}

function Traffic({ name }: { readonly name: string }): ReactElement {
  const search = useSearch({ from: '/servers/$name' });
  const navigate = useNavigate({ from: '/servers/$name' });
  const window = useTimeWindow(search, useNow(60_000));
  const query = `server:${quoted(name)}`;
  const metrics = useQuery({
    queryKey: ['metrics', 'server', window, name],
    queryFn: ({ signal }) => gateway.metrics.calls({ ...timesOf(window), query, steps: 120, limit: 50 }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
  return (
    <div className="flex flex-col gap-6">
      <Loaded query={metrics} what="The figures" rows={8}>
        {({ metrics: sum, series, tools }) =>
          sum.calls === 0 ? (
            <NoCalls title={`No calls to ${name} in the ${rangeText(search)}`} />
          ) : (
            <>
              <Part
                title={`In the ${rangeText(search)}`}
                actions={
                  <Link to="/metrics" search={{ q: query }} className={buttonLook()}>
                    Open in Metrics
                  </Link>
                }
              >
                <Charts
                  steps={series}
                  onChoose={(from, to) => void navigate({ search: (old) => ({ ...old, range: undefined, from, to }) })}
                  onOpen={(from, to) => void navigate({ to: '/traces', search: { q: query, from, to } })}
                />
              </Part>
              <Part title="By tool">
                <SmallTable titles={['Tool', 'Calls', 'Failed', 'p50', 'p95', 'p99']} left={1}>
                  {tools.map(({ tool, calls, error_percent: failed, errors, latency_ms: latency }) => (
                    <tr key={tool} className="h-(--row) border-t border-hairline hover:bg-canvas">
                      <th scope="row" className="px-3 text-left font-medium">
                        {tool === '' ? (
                          <span className="text-ink-3">other operations</span>
                        ) : (
                          <Link to="/traces" search={{ q: `${query} tool:${quoted(tool)}` }} className="hover:text-accent hover:underline">
                            {tool}
                          </Link>
                        )}
                      </th>
                      <td className="px-3 text-right">{countText(calls)}</td>
                      <td className={`px-3 text-right ${errors > 0 ? 'text-error' : 'text-ink-3'}`}>{percentText(failed)}</td>
                      {(['p50', 'p95', 'p99'] as const).map((which) => (
                        <td key={which} className="px-3 text-right">
                          {latency === null ? <span className="text-ink-3">–</span> : <Duration ms={latency[which]} />}
                        </td>
                      ))}
                    </tr>
                  ))}
                </SmallTable>
              </Part>
            </>
          )
        }
      </Loaded>
      <IfAllowed permission="traces.read">
        <LastFailed name={name} window={window} />
      </IfAllowed>
    </div>
  );
}

function timesOf({ start, end }: TimeWindow): { readonly start_time: string; readonly end_time?: string } {
  return { start_time: start, ...(end === undefined ? {} : { end_time: end }) };
}

interface ChartsProps {
  readonly steps: readonly {
    readonly start_time: string;
    readonly calls: number;
    readonly error_percent: number | null;
    readonly latency_ms: { readonly p50: number; readonly p95: number } | null;
  }[];
  readonly onChoose: (from: string, to: string) => void;
  readonly onOpen: (from: string, to: string) => void;
}

function Charts({ steps, onChoose, onOpen }: ChartsProps): ReactElement {
  const times = useMemo(() => steps.map(({ start_time: start }) => Date.parse(start) / 1000), [steps]);
  const charts = useMemo(
    (): readonly (readonly [string, readonly Line[], (value: number) => string])[] => [
      ['Calls', [{ label: 'calls', colour: '--series-1', values: steps.map(({ calls }) => calls) }], countText],
      ['Failed', [{ label: 'failed', colour: '--error-solid', values: steps.map(({ error_percent: failed }) => failed) }], percentText],
      [
        'Latency',
        [
          { label: 'p50', colour: '--p50', values: steps.map(({ latency_ms: latency }) => latency?.p50 ?? null) },
          { label: 'p95', colour: '--p95', dash: [6, 3], values: steps.map(({ latency_ms: latency }) => latency?.p95 ?? null) },
        ],
        durationText,
      ],
    ],
    [steps],
  );
  return (
    <div className="grid gap-4 xl:grid-cols-3">
      {charts.map(([title, lines, format]) => (
        <section key={title} className="min-w-0 border-y border-hairline bg-surface p-3">
          <LineChart label={title} times={times} lines={lines} format={format} isWhole={format === countText} onChoose={onChoose} onOpen={onOpen} />
        </section>
      ))}
    </div>
  );
}

function LastFailed({ name, window }: { readonly name: string; readonly window: TimeWindow }): ReactElement {
  const query = `server:${quoted(name)} status:(error OR timeout)`;
  const failed = useQuery({
    queryKey: ['traces', 'failed', name, window],
    queryFn: ({ signal }) =>
      gateway.traces.list({ start_time: window.start, end_time: window.end ?? new Date().toISOString(), query, limit: failedMax }, { signal }).page(),
    refetchInterval: 15_000,
  });
  return (
    <Part title="Latest failures">
      <Loaded query={failed} what="The calls that failed" rows={3}>
        {({ traces }) =>
          traces.length === 0 ? (
            <p className="text-ink-2">None in this period.</p>
          ) : (
            <>
              <SmallTable titles={['When', 'Stopped at', 'Failed call', 'Trace took']} left={3}>
                {traces.map(rowOfTrace).map((row) => (
                  <tr key={row.id} className="h-(--row) border-t border-hairline hover:bg-canvas">
                    <td className="px-3 whitespace-nowrap">
                      <Clock time={row.time} />
                    </td>
                    <td className="px-3">
                      <span className="flex items-center gap-3">
                        <Rail stop={row.stop} status={row.status} />
                        <StatusWord status={row.status} />
                      </span>
                    </td>
                    <th scope="row" className="px-3 text-left font-medium">
                      <Link to="/traces/$traceId" params={{ traceId: row.id }} className="hover:text-accent hover:underline">
                        {(row.decidedBy ?? row).what}
                      </Link>
                      {row.decidedBy !== null && (
                        <span className="font-normal text-ink-3">
                          {' '}
                          in {row.server === null ? '' : `${row.server} · `}
                          {row.what}
                        </span>
                      )}
                    </th>
                    <td className="px-3 text-right">
                      <Duration ms={row.durationMs} />
                    </td>
                  </tr>
                ))}
              </SmallTable>
              <p className="mt-2">
                <Link to="/traces" search={{ q: query }} className="text-accent hover:underline">
                  All failures
                </Link>
              </p>
            </>
          )
        }
      </Loaded>
    </Part>
  );
}
