/** What calls cost: the month so far and at its end, whose it was, and what has no price. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { ChevronLeft, ChevronRight, Download } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { gateway, gatewayUrl } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { countText, moneyText, pluralText } from '../../text/format.ts';
import { Money } from '../../text/number.tsx';
import { Button, buttonLook } from '../../ui/button.tsx';
import { Allowed, Empty, Skeleton } from '../../ui/states.tsx';
import { quoted } from '../traces/query-text.ts';
import { CostTrend } from './cost-trend.tsx';
import { currentMonth, monthAfter, monthOf, monthText, monthWindow, type Month } from './month.ts';
import { groups, type Group } from './search.ts';
import { Prices } from './prices.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Tabs } from '../../ui/tabs.tsx';

export function Costs(): ReactElement {
  return (
    <Allowed permission="costs.read">
      <CostsPage />
    </Allowed>
  );
}

function CostsPage(): ReactElement {
  const search = useSearch({ from: '/costs' });
  const navigate = useNavigate({ from: '/costs' });
  const month = monthOf(search.month ?? currentMonth());
  const by = search.by ?? 'team';
  const dates = { start_date: month.start_date, end_date: month.end_date };
  const trend = useQuery({
    queryKey: ['costs', 'trend', month.name],
    queryFn: async ({ signal }) => (await gateway.costs.trend(dates, { signal })).trend,
    placeholderData: keepPreviousData,
  });
  const summary = useQuery({
    queryKey: ['costs', 'summary', month.name, by],
    // With what it is grouped by: while another grouping is on its way the rows are still those of before.
    queryFn: async ({ signal }) => ({ by, found: await gateway.costs.summary({ ...dates, group_by: by, compare: 'true' }, { signal }) }),
    placeholderData: keepPreviousData,
  });
  const change = (next: Partial<typeof search>): void => void navigate({ search: (old) => ({ ...old, ...next }) });
  const csv = `${gatewayUrl}/v1/costs/summary?${new URLSearchParams({ ...dates, group_by: by, compare: 'true', format: 'csv' }).toString()}`;
  return (
    <div className="flex flex-col gap-6 px-3 py-3 [--state-inset:0px] sm:px-4">
      <header className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-title font-semibold">Costs</h1>
        <div className="flex flex-wrap items-center gap-1.5">
          <Button aria-label="Previous month" onClick={() => change({ month: monthAfter(month.name, -1) })}>
            <ChevronLeft size={14} aria-hidden="true" />
          </Button>
          <span className="min-w-32 text-center font-medium">{monthText(month.name)}</span>
          <Button aria-label="Next month" disabled={month.name >= currentMonth()} onClick={() => change({ month: monthAfter(month.name, 1) })}>
            <ChevronRight size={14} aria-hidden="true" />
          </Button>
          <a href={csv} download className={buttonLook()}>
            <Download size={14} aria-hidden="true" /> CSV
          </a>
        </div>
      </header>
      <Loaded query={trend} what="The costs" skeleton={<MonthSkeleton />}>
        {(data) => <Month trend={data} isStale={trend.isPlaceholderData} />}
      </Loaded>
      <section>
        <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
          <h2 className="text-section font-semibold">Breakdown</h2>
          <Tabs
            label="Group by"
            tabs={groups.map((group) => [group, group] as const)}
            chosen={by}
            onChoose={(next) => change({ by: next })}
            className="max-w-full !border-b-0"
          />
        </div>
        <Loaded query={summary} what="The breakdown" rows={6}>
          {(data) => <Breakdown {...data} month={month} isStale={summary.isPlaceholderData} />}
        </Loaded>
      </section>
      <Prices month={month} />
    </div>
  );
}

/** As tall as what will stand there. */
function MonthSkeleton(): ReactElement {
  return (
    <div>
      <div className="mb-3 h-20">
        <Skeleton rows={2} label="Loading the costs" />
      </div>
      <div aria-hidden="true" className="mt-8 h-36 border-y border-hairline bg-surface" />
    </div>
  );
}

function Month({ trend, isStale }: { readonly trend: Schemas['CostTrend']['trend']; readonly isStale: boolean }): ReactElement {
  const { total_cost: total, total_calls: calls, unpriced_calls: unpriced, currency, period, projection, previous } = trend;
  const mayPrices = useCapability('prices.write').allowed;
  const mayTraces = useCapability('traces.read').allowed;
  const navigate = useNavigate();
  return (
    <section className={isStale ? 'opacity-60' : ''} aria-busy={isStale}>
      <dl className="mb-3 grid grid-cols-2 gap-x-4 gap-y-3 sm:flex sm:flex-wrap sm:gap-x-10">
        <Figure name={period.end.slice(0, 7) < currentMonth() ? 'In all' : 'So far'} note={pluralText(calls, 'call')}>
          {moneyText(total, currency)}
        </Figure>
        {calls > unpriced && (
          <Figure name="Per call" note={unpriced === 0 ? 'on average' : 'on average, over priced calls'}>
            {moneyText(total / (calls - unpriced), currency)}
          </Figure>
        )}
        {projection !== null && projection.high > 0 && (
          <Figure
            name="Projected"
            note={`${moneyText(projection.low, currency)} to ${moneyText(projection.high, currency)} in eight of ten cases`}
            about={projection.method}
          >
            {moneyText(projection.cost, currency)}
          </Figure>
        )}
        {previous !== null && (
          <Figure
            name={`The ${pluralText(daysOf(previous.period), 'day')} before`}
            note={previous.change_percent === null ? 'no spend to compare with' : `${changeText(previous.change_percent, total, previous.total_cost)} since`}
          >
            {moneyText(previous.total_cost, currency)}
          </Figure>
        )}
      </dl>
      <CostTrend
        trend={trend}
        {...(mayTraces
          ? { onOpen: (date: string) => void navigate({ to: '/traces', search: { from: `${date}T00:00:00Z`, to: dayAfter(date), range: undefined } }) }
          : {})}
      />
      {unpriced > 0 && (
        <p className="mt-2 text-warn">
          ▲ {pluralText(unpriced, 'call')} {unpriced === 1 ? 'has' : 'have'} no price:{' '}
          {mayPrices ? 'add one below, or in gateway.yaml if your price list is kept there.' : 'anyone with prices.write can add one.'}
        </p>
      )}
    </section>
  );
}

interface FigureProps {
  readonly name: string;
  readonly note: string;
  /** How it is calculated. */
  readonly about?: string;
  readonly children: ReactNode;
}

function Figure({ name, note, about, children }: FigureProps): ReactElement {
  return (
    <div className="max-w-[44ch]">
      <dt className="text-meta text-ink-3">{name}</dt>
      <dd className="text-hero font-medium tracking-tight">{children}</dd>
      <dd className="text-meta text-ink-3">{note}</dd>
      {about !== undefined && (
        <dd className="text-meta text-ink-3">
          <details>
            <summary className="hit cursor-pointer hover:text-ink">How it is calculated</summary>
            {about}
          </details>
        </dd>
      )}
    </div>
  );
}

function daysOf({ start, end }: { readonly start: string; readonly end: string }): number {
  return Math.round((Date.parse(end) - Date.parse(start)) / 86_400_000) + 1;
}

function dayAfter(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString();
}

/** Since the period before: in percent, and in words where there was nothing to compare with. */
function changeText(percent: number | null, cost: number, before: number | null): string {
  if (percent === null) return before === 0 && cost > 0 ? 'new' : '';
  return `${percent > 0 ? '+' : percent < 0 ? '−' : ''}${Math.abs(percent).toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`;
}

/** Fields of the query language that a group is asked for by. */
const fieldOf: Readonly<Record<Group, string>> = {
  team: 'team',
  user: 'user',
  server: 'server',
  tool: 'tool',
  agent: 'agent',
  key: 'key',
  project: 'project',
  environment: 'env',
};

interface BreakdownProps {
  readonly found: Schemas['CostSummary'];
  readonly by: Group;
  readonly month: Month;
  readonly isStale: boolean;
}

function Breakdown({ found: { breakdown, summary, truncated }, by, month, isStale }: BreakdownProps): ReactElement {
  const mayTraces = useCapability('traces.read').allowed;
  if (breakdown.length === 0) return <Empty title={`No calls in ${monthText(month.name)}`}>Calls are priced by the list below.</Empty>;
  const nameOf = (group: string | null): ReactNode => group ?? <i className="font-normal text-ink-3">no {by}</i>;
  const callsOf = (group: string | null): string => {
    if (group === null) return `-has:${fieldOf[by]}`;
    // Tools are named with their server.
    const slash = by === 'tool' ? group.indexOf('/') : -1;
    return slash === -1 ? `${fieldOf[by]}:${quoted(group)}` : `server:${quoted(group.slice(0, slash))} tool:${quoted(group.slice(slash + 1))}`;
  };
  const window = monthWindow(month);
  return (
    <div className={`overflow-x-auto border-y border-hairline bg-surface ${isStale ? 'opacity-60' : ''}`} aria-busy={isStale}>
      <table className="w-full">
        <TableHead titles={[`${by[0]?.toUpperCase() ?? ''}${by.slice(1)}`, 'Share', 'Cost', 'Before', 'Change', 'Calls', 'Failed', 'Unpriced']} left={2} />
        <tbody>
          {breakdown.map(({ group, cost, calls, errors, unpriced_calls: unpriced, share_percent: share, previous_cost: before, change_percent: since }) => (
            <tr key={group ?? '\0'} className="h-(--row) border-t border-hairline hover:bg-canvas">
              <th scope="row" className="max-w-72 truncate px-3 text-left font-medium" title={group ?? undefined}>
                {mayTraces ? (
                  <Link to="/traces" search={{ ...window, q: callsOf(group) }} className="hover:text-accent hover:underline">
                    {nameOf(group)}
                  </Link>
                ) : (
                  nameOf(group)
                )}
              </th>
              {/* A figure, no control: the rule takes cells for those of a grid. */}
              {/* oxlint-disable-next-line jsx-a11y/control-has-associated-label */}
              <td className="w-40 px-3">
                <span className="flex items-center gap-2">
                  <span className="h-2 w-24 overflow-hidden rounded-control bg-sunken">
                    <span className="block h-full bg-ink-3" style={{ width: `${share ?? 0}%` }} />
                  </span>
                  <span className="text-meta whitespace-nowrap text-ink-3">{share === null ? '' : `${share.toFixed(0)} %`}</span>
                </span>
              </td>
              <td className="px-3 text-right">
                <Money amount={cost} currency={summary.currency} />
              </td>
              <td className="px-3 text-right text-ink-3">{before === null ? '' : <Money amount={before} currency={summary.currency} />}</td>
              <td className="px-3 text-right whitespace-nowrap text-ink-2">{changeText(since, cost, before)}</td>
              <td className="px-3 text-right">{countText(calls)}</td>
              <td className={`px-3 text-right ${errors > 0 ? 'text-error' : 'text-ink-3'}`}>{countText(errors)}</td>
              <td className={`px-3 text-right ${unpriced > 0 ? 'text-warn' : 'text-ink-3'}`}>{countText(unpriced)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {truncated && <p className="px-3 py-2 text-meta text-ink-3">There are more rows; the totals include them. The CSV has the same rows.</p>}
    </div>
  );
}
