/** Is anything wrong, what changed, what waits for me: on one screen, each figure a way to its calls. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, Navigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement, ReactNode } from 'react';
import { useCapability } from '../../app/session.ts';
import { Spark } from '../../charts/spark.tsx';
import { durationFigure, moneyText, percentText, shortCount } from '../../text/format.ts';
import { rangeText, useTimeWindow } from '../../time/range.ts';
import { useNow } from '../../time/use-now.ts';
import { Loaded } from '../../ui/loaded.tsx';
import { Allowed, IfAllowed, Skeleton } from '../../ui/states.tsx';
import { everQuery } from '../connect/ever.ts';
import { Changes } from './changes.tsx';
import { useMarkers } from '../metrics/use-markers.ts';
import { Panel } from './panel.tsx';
import { overviewQuery, spendQuery } from './query.ts';
import { Sentence } from './sentence.tsx';
import { ServerHealth } from './server-health.tsx';
import { Traffic } from './traffic.tsx';
import { Waiting } from './waiting.tsx';

export function Overview(): ReactElement {
  return (
    <Allowed permission="metrics.read">
      <OverviewPage />
    </Allowed>
  );
}

/** Figures are asked for again this often. */
const everyMs = 15_000;
function OverviewPage(): ReactElement {
  const search = useSearch({ strict: false });
  const window = useTimeWindow(search, useNow(60_000));
  const metrics = useQuery({
    ...overviewQuery(window),
    placeholderData: keepPreviousData,
    refetchInterval: everyMs,
  });
  const mayTraces = useCapability('traces.read').allowed;
  const markers = useMarkers(window);
  const ever = useQuery({ ...everQuery, enabled: mayTraces && metrics.data?.metrics.calls === 0 });
  // Nothing to look at, but something to do.
  if (metrics.data?.metrics.calls === 0 && ever.data === false) return <Navigate to="/connect" replace />;
  return (
    <div className={`flex flex-col gap-6 px-3 py-3 sm:px-4 ${metrics.isPlaceholderData ? 'opacity-60' : ''}`} aria-busy={metrics.isPlaceholderData}>
      {/* What is asked for by itself stands beside what is still counted. */}
      <div className="contents [--state-inset:0px]">
        <Loaded query={metrics} what="The overview" skeleton={<HeadSkeleton />}>
          {(found) => (
            <>
              <Sentence found={found} window={window} range={rangeText(search)} />
              <Figures found={found} />
            </>
          )}
        </Loaded>
      </div>
      <div className="grid gap-6 xl:grid-cols-[minmax(0,1fr)_360px]">
        <Traffic found={metrics.data} isUnknown={metrics.isLoadingError} markers={markers} mayTraces={mayTraces} />
        <Panel title="Waiting for you">
          <Waiting />
        </Panel>
      </div>
      <Panel title="Servers">
        {metrics.isPending ? <Skeleton rows={3} label="Loading servers" /> : <ServerHealth figures={metrics.data?.servers ?? null} />}
      </Panel>
      <IfAllowed permission="audit.read">
        <Panel title="What changed">
          <Changes start={window.start} end={window.end} />
        </Panel>
      </IfAllowed>
    </div>
  );
}

/** As tall as what will stand there: nothing below it moves when it comes. */
function HeadSkeleton(): ReactElement {
  return (
    <>
      <div className="-mx-3 -my-2.5">
        <Skeleton rows={1} label="Loading the overview" />
      </div>
      <div aria-hidden="true" className="grid grid-cols-2 gap-px overflow-hidden rounded-panel border border-hairline bg-hairline lg:grid-cols-4">
        {[1, 2, 3, 4].map((figure) => (
          <div key={figure} className="flex h-28 flex-col gap-3 bg-surface px-4 py-3 lg:h-24">
            <span className="h-2.5 w-16 rounded-control bg-sunken" />
            <span className="h-6 w-24 rounded-control bg-sunken" />
          </div>
        ))}
      </div>
    </>
  );
}

const way = 'hover:text-accent hover:underline decoration-1 underline-offset-4';

function Figures({ found }: { readonly found: Schemas['CallMetrics'] }): ReactElement {
  const { metrics, series } = found;
  const costs = useCapability('costs.read');
  const mayTraces = useCapability('traces.read').allowed;
  const spend = useQuery({ ...spendQuery, enabled: costs.allowed, refetchInterval: 60_000 });
  const p95 = metrics.latency_ms === null ? null : durationFigure(metrics.latency_ms.p95);
  const before = metrics.previous;
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-panel border border-hairline bg-hairline lg:grid-cols-4">
      <Figure
        name="Calls"
        number={
          mayTraces ? (
            <Link to="/traces" className={way}>
              {shortCount(metrics.calls)}
            </Link>
          ) : (
            shortCount(metrics.calls)
          )
        }
        unit=""
        note={changeText(metrics.calls, before?.calls)}
        values={series.map(({ calls }) => calls)}
      />
      <Figure
        name="Failed"
        number={
          metrics.error_percent === null ? (
            '–'
          ) : mayTraces ? (
            <Link to="/traces" search={{ q: 'status:(error OR timeout)' }} className={way}>
              {percentText(metrics.error_percent).replace(' %', '')}
            </Link>
          ) : (
            percentText(metrics.error_percent).replace(' %', '')
          )
        }
        unit={metrics.error_percent === null ? '' : '%'}
        note={before?.error_percent === null || before === null || before === undefined ? '' : `${percentText(before.error_percent)} before`}
        values={series.map(({ error_percent }) => error_percent)}
      />
      <Figure
        name="p95 latency"
        number={
          <Link to="/metrics" className={way}>
            {p95?.number ?? '–'}
          </Link>
        }
        unit={p95?.unit ?? ''}
        note={before?.latency_ms ? `${durationFigure(before.latency_ms.p95).number} ${durationFigure(before.latency_ms.p95).unit} before` : ''}
        values={series.map(({ latency_ms }) => latency_ms?.p95 ?? null)}
      />
      {costs.allowed && (
        <Figure
          name="Spent this month"
          number={
            <Link to="/costs" className={way}>
              {spend.data === undefined ? (spend.isError ? '–' : '…') : moneyText(spend.data.total_cost, spend.data.currency)}
            </Link>
          }
          unit=""
          note={
            spend.isLoadingError ? 'unknown' : spend.data?.projection ? `about ${moneyText(spend.data.projection.cost, spend.data.currency)} projected` : ''
          }
          values={(spend.data?.days ?? []).map(({ cost }) => cost)}
        />
      )}
    </dl>
  );
}

function Figure({
  name,
  number,
  unit,
  note,
  values,
}: {
  readonly name: string;
  readonly number: ReactNode;
  readonly unit: string;
  readonly note: string;
  readonly values: readonly (number | null)[];
}): ReactElement {
  return (
    <div className="flex flex-col gap-1 bg-surface px-4 py-3">
      <dt className="text-meta text-ink-3">{name}</dt>
      <dd className="flex flex-wrap items-baseline gap-x-1.5">
        <span className="text-hero font-medium tracking-tight">{number}</span>
        <span className="text-ink-3">{unit}</span>
        <span className="ml-auto text-meta whitespace-nowrap text-ink-3 max-sm:w-full">{note}</span>
      </dd>
      <dd>
        <Spark values={values} />
      </dd>
    </div>
  );
}

function changeText(now: number, before: number | undefined): string {
  if (before === undefined || before === 0) return '';
  const change = Math.round(((now - before) / before) * 100);
  return change === 0 ? 'as before' : `${change > 0 ? '+' : '−'}${Math.abs(change)} %`;
}
