/** What each day cost, as bars, with the mean of a week as a line; the same as a table for whoever wants figures. */
import type { Schemas } from '@gatewayops/sdk';
import { useState, type ReactElement } from 'react';
import { countText, moneyText } from '../../text/format.ts';
import { Money } from '../../text/number.tsx';
import { Button } from '../../ui/button.tsx';
import { SmallTable } from '../../ui/small-table.tsx';

type Day = Schemas['CostTrend']['trend']['days'][number];
const height = 120;

export function CostTrend({ days, currency }: { readonly days: readonly Day[]; readonly currency: string }): ReactElement {
  const [asTable, setAsTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const most = Math.max(...days.map(({ cost, mean_of_7_days: mean }) => Math.max(cost, mean)), 0) || 1;
  const y = (value: number): number => height - 2 - (value / most) * (height - 8);
  const shown = at === null ? undefined : days[at];
  return (
    <div>
      <div className="flex items-center justify-between gap-2 text-meta text-ink-3">
        <span aria-live="polite">
          {shown === undefined
            ? `Each day; the line is the mean of seven. The highest is ${moneyText(most, currency)}.`
            : `${shown.date}: ${moneyText(shown.cost, currency)}, ${countText(shown.calls)} calls`}
        </span>
        <Button look="quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'View as chart' : 'View as table'}
        </Button>
      </div>
      {asTable ? (
        <SmallTable titles={['Day', 'Cost', 'Mean of 7 days', 'Calls']} left={1}>
          {days.map(({ date, cost, calls, mean_of_7_days: mean }) => (
            <tr key={date} className="border-t border-hairline">
              <th scope="row" className="px-3 py-1 text-left font-mono text-meta font-normal">
                {date}
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
        <svg
          viewBox={`0 0 ${Math.max(1, days.length)} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Costs of ${countText(days.length)} days; as figures in the table`}
          className="block h-[120px] w-full border-y border-hairline bg-surface"
          onPointerLeave={() => setAt(null)}
          onPointerMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            setAt(Math.min(days.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * days.length))));
          }}
        >
          {days.map(({ date, cost }, index) => (
            <rect
              key={date}
              x={index + 0.12}
              width={0.76}
              y={y(cost)}
              height={height - y(cost)}
              className={index === at ? 'fill-ink-2' : 'fill-control opacity-60'}
            />
          ))}
          <path
            d={days.map(({ mean_of_7_days: mean }, index) => `${index === 0 ? 'M' : 'L'}${index + 0.5} ${y(mean).toFixed(2)}`).join('')}
            className="fill-none stroke-accent"
            strokeWidth={1.5}
            vectorEffect="non-scaling-stroke"
          />
        </svg>
      )}
    </div>
  );
}
