import { Link, useNavigate } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { useState, type ReactElement } from 'react';
import { OutcomeBars } from '../../charts/outcome-bars.tsx';
import type { Marker } from '../../charts/marker.ts';
import { StatusWord, statusWord, type Status } from '../../rail/rail.tsx';
import { countText } from '../../text/format.ts';
import { Clock } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import { Panel } from './panel.tsx';

interface TrafficProps {
  /** Undefined while they are counted. */
  readonly found: Schemas['CallMetrics'] | undefined;
  readonly isUnknown: boolean;
  readonly markers: readonly Marker[];
  readonly mayTraces: boolean;
}

/** Calls over time by outcome, as bars or as figures. */
export function Traffic({ found, isUnknown, markers, mayTraces }: TrafficProps): ReactElement {
  const navigate = useNavigate();
  const [asTable, setAsTable] = useState(false);
  const there = found === undefined ? [] : (Object.entries(found.metrics.outcomes) as [Status, number][]).filter(([, calls]) => calls > 0);
  return (
    <Panel
      title="Traffic by outcome"
      action={
        found !== undefined && (
          <Button look="quiet" className="-mr-3" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            {asTable ? 'View as chart' : 'View as table'}
          </Button>
        )
      }
    >
      <div className="min-h-[166px]">
        {isUnknown && <p className="px-3 py-4 text-ink-2">Not available: see the error above.</p>}
        {found !== undefined && asTable && <StepTable series={found.series} statuses={there.map(([status]) => status)} />}
        {found !== undefined && !asTable && (
          <>
            <OutcomeBars
              buckets={found.series}
              bucketMs={found.step_ms}
              height={120}
              hasAxis
              markers={markers}
              {...(mayTraces ? { onChoose: (from: string, to: string) => void navigate({ to: '/traces', search: { from, to, range: undefined } }) } : {})}
            />
            {/* What the colours of the bars mean, how many there were, and the way to them. */}
            <ul className="flex flex-wrap gap-x-4 gap-y-0.5 px-3 py-1 text-meta text-ink-2">
              {there.map(([status, calls]) => (
                <li key={status}>
                  {mayTraces ? (
                    <Link to="/traces" search={{ q: `status:${status}` }} className="flex gap-1.5 hover:text-accent hover:underline">
                      <StatusWord status={status} /> {countText(calls)}
                    </Link>
                  ) : (
                    <span className="flex gap-1.5">
                      <StatusWord status={status} /> {countText(calls)}
                    </span>
                  )}
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </Panel>
  );
}

/** The newest first; steps without a call are left out. */
function StepTable({ series, statuses }: { readonly series: Schemas['CallMetrics']['series']; readonly statuses: readonly Status[] }): ReactElement {
  return (
    // It is scrolled by arrow keys.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label="Calls over time by outcome, as a table" tabIndex={0} className="h-[166px] overflow-auto outline-offset-[-2px]">
      <table className="w-full text-meta whitespace-nowrap">
        <TableHead titles={['From', 'Calls', ...statuses.map(statusWord)]} left={1} sticky />
        <tbody>
          {series
            .filter(({ calls }) => calls > 0)
            .toReversed()
            .map(({ start_time: start, calls, outcomes }) => (
              <tr key={start} className="border-t border-hairline">
                <th scope="row" className="px-3 py-0.5 text-left font-normal">
                  <Clock time={start} />
                </th>
                <td className="px-3 text-right">{countText(calls)}</td>
                {statuses.map((status) => (
                  <td key={status} className={`px-3 text-right ${outcomes[status] === 0 ? 'text-ink-3' : ''}`}>
                    {countText(outcomes[status])}
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
