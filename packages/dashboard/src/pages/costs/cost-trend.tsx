/** What each day cost, as bars, with the mean of a week as a line; the same as a table for whoever wants figures. */
import type { Schemas } from '@gatewayops/sdk';
import { useState, type ReactElement } from 'react';
import { countText, moneyText, pluralText } from '../../text/format.ts';
import { Money } from '../../text/number.tsx';
import { Button } from '../../ui/button.tsx';
import { SmallTable } from '../../ui/small-table.tsx';

const height = 120;

interface CostTrendProps {
  readonly trend: Schemas['CostTrend']['trend'];
  /** A day was clicked. */
  readonly onOpen?: (date: string) => void;
}

export function CostTrend({ trend: { days, currency, period, projection, total_cost: total }, onOpen }: CostTrendProps): ReactElement {
  const [asTable, setAsTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const all = Math.max(days.length, (Date.parse(period.end) - Date.parse(period.start)) / 86_400_000 + 1);
  // Today is not over: it is among the days that are projected.
  const over = projection === null ? days.length : Math.max(0, days.length - 1);
  const spent = total - days.slice(over).reduce((sum, { cost }) => sum + cost, 0);
  const each = projection === null || all === over ? null : { low: (projection.low - spent) / (all - over), high: (projection.high - spent) / (all - over) };
  const most = Math.max(...days.map(({ cost, mean_of_7_days: mean }) => Math.max(cost, mean)), each?.high ?? 0, 0) || 1;
  const isNothing = total === 0 && (each?.high ?? 0) === 0;
  const y = (value: number): number => height - 2 - (value / most) * (height - 8);
  const shown = at === null ? undefined : days[at];
  return (
    <div>
      <div className="flex items-center justify-between gap-2 text-meta text-ink-3">
        <span aria-live="polite">
          {shown === undefined
            ? at === null
              ? isNothing
                ? 'Nothing was spent in this month.'
                : `Cost per day, scale 0 to ${moneyText(most, currency)}. Line: 7-day mean.${each === null ? '' : ' Band: average cost per day from today on, in eight of ten cases.'}`
              : each === null
                ? 'A coming day'
                : `A coming day: on average ${moneyText(Math.max(0, each.low), currency)} to ${moneyText(each.high, currency)}`
            : `${shown.date}: ${moneyText(shown.cost, currency)}, ${pluralText(shown.calls, 'call')}`}
        </span>
        <Button look="quiet" className="-mr-3" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'View as chart' : 'View as table'}
        </Button>
      </div>
      {asTable ? (
        <SmallTable titles={['Day', 'Cost', 'Mean of 7 days', 'Calls']} left={1}>
          {days.map(({ date, cost, calls, mean_of_7_days: mean }) => (
            <tr key={date} className="border-t border-hairline">
              <th scope="row" className="px-3 py-1 text-left font-mono text-meta font-normal">
                {onOpen === undefined ? (
                  date
                ) : (
                  <button type="button" className="hit hover:text-accent hover:underline" onClick={() => onOpen(date)}>
                    {date}
                  </button>
                )}
              </th>
              <td className="px-3 text-right">
                <Money amount={cost} currency={currency} />
              </td>
              <td className="px-3 text-right text-ink-2">
                <Money amount={mean} currency={currency} />
              </td>
              <td className="px-3 text-right">{countText(calls)}</td>
            </tr>
          ))}
        </SmallTable>
      ) : (
        // Moved through by arrow keys, as a group of bars; the table says the same in words.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
        <svg
          viewBox={`0 0 ${Math.max(1, all)} ${height}`}
          preserveAspectRatio="none"
          role="group"
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          tabIndex={0}
          onKeyDown={(event) => {
            const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
            if (by !== 0) setAt(Math.min(all - 1, Math.max(0, (at ?? -by) + by)));
            else if (event.key === 'Enter' && shown !== undefined) onOpen?.(shown.date);
            else return;
            event.preventDefault();
          }}
          onBlur={() => setAt(null)}
          aria-label={`Costs of ${countText(days.length)} days; as figures in the table`}
          className={`block h-[120px] w-full border-y border-hairline bg-surface ${onOpen !== undefined && shown !== undefined ? 'cursor-pointer' : ''}`}
          onClick={() => shown !== undefined && onOpen?.(shown.date)}
          onPointerLeave={() => setAt(null)}
          onPointerMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            setAt(Math.min(all - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * all))));
          }}
        >
          {days.map(({ date, cost }, index) => (
            // A day on which nothing was spent has no bar.
            <rect
              key={date}
              x={index + 0.12}
              width={0.76}
              y={y(cost)}
              height={cost === 0 ? 0 : height - y(cost)}
              className={index === at ? 'fill-ink-2' : 'fill-control opacity-60'}
            />
          ))}
          {each !== null && (
            <rect
              x={over + 0.12}
              width={all - over - 0.24}
              y={y(each.high)}
              height={Math.max(2, y(Math.max(0, each.low)) - y(each.high))}
              className="fill-accent opacity-25"
            />
          )}
          <path
            d={days.map(({ mean_of_7_days: mean }, index) => `${index === 0 ? 'M' : 'L'}${index + 0.5} ${y(mean).toFixed(2)}`).join('')}
            className="fill-none stroke-accent"
            strokeWidth={1.5}
            vectorEffect="non-scaling-stroke"
          />
        </svg>
      )}
      {!asTable && (
        <p aria-hidden="true" className="relative h-5 text-meta text-ink-3">
          {[1, 8, 15, 22, 29]
            .filter((day) => day <= all)
            .map((day) => (
              <span key={day} className="absolute -translate-x-1/2 tabular-nums" style={{ left: `${((day - 0.5) / all) * 100}%` }}>
                {day}
              </span>
            ))}
        </p>
      )}
    </div>
  );
}
