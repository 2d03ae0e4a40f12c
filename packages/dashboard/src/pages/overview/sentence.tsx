import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useAppearance } from '../../app/appearance.ts';
import { useCapability } from '../../app/session.ts';
import { countText, moneyText, percentText, shortCount } from '../../text/format.ts';
import { clockText } from '../../time/moment.ts';
import type { TimeWindow } from '../../time/range.ts';
import { quoted } from '../traces/query-text.ts';
import { failingMin, howItFails } from './how-it-fails.ts';
import { spendQuery } from './query.ts';

/** From so many failures of 100 calls on, all is not clear. */
const failedMax = 5;
/** Below so many calls a share of failures says little. */
const callsMin = 5;

interface SentenceProps {
  readonly found: Schemas['CallMetrics'];
  readonly window: TimeWindow;
  /** `last 24 hours`. */
  readonly range: string;
}

/** Is anything wrong, in one sentence. */
export function Sentence({ found, window, range }: SentenceProps): ReactElement {
  const mayTraces = useCapability('traces.read').allowed;
  const spend = useQuery({ ...spendQuery, enabled: useCapability('costs.read').allowed });
  const today = spend.data?.days.at(-1);
  const spent = spend.data === undefined || today === undefined || today.cost === 0 ? '' : `, ${moneyText(today.cost, spend.data.currency)} today`;
  const { calls, error_percent: failed } = found.metrics;
  const worst = found.servers
    .filter((one) => one.server !== '' && one.calls >= callsMin && (one.error_percent ?? 0) >= failingMin)
    .toSorted((a, b) => (b.error_percent ?? 0) - (a.error_percent ?? 0))[0];
  if (worst === undefined)
    return (
      <h1 className="text-title font-semibold">
        {calls === 0
          ? `Quiet. No call in the ${range}.`
          : `${(failed ?? 0) < failedMax ? 'All clear. ' : ''}${shortCount(calls)} ${calls === 1 ? 'call' : 'calls'} in the ${range}, ${percentText(failed)} failed${spent}.`}
      </h1>
    );
  const words = (
    <>
      <span className="text-error underline decoration-1 underline-offset-4">{worst.server}</span> <Fails server={worst.server} window={window} />:{' '}
      {percentText(worst.error_percent)} of {countText(worst.calls)} calls in the {range}
    </>
  );
  return (
    <h1 className="text-title font-semibold">
      {mayTraces ? (
        <Link to="/traces" search={{ q: `server:${quoted(worst.server)} status:(error OR timeout)` }} className="group">
          {words} <span className="group-hover:text-accent">→</span>
        </Link>
      ) : (
        words
      )}
    </h1>
  );
}

/** `has been failing since 13:41`, once that is known. */
function Fails({ server, window: { start, end } }: { readonly server: string; readonly window: TimeWindow }): ReactElement {
  const { zone } = useAppearance();
  const series = useQuery({
    queryKey: ['metrics', 'failing', server, start, end],
    queryFn: ({ signal }) =>
      gateway.metrics.series({ start_time: start, ...(end === undefined ? {} : { end_time: end }), query: `server:${quoted(server)}`, limit: 1 }, { signal }),
  });
  const how = series.data === undefined ? null : howItFails(series.data);
  if (how === null) return <>is failing</>;
  return <>{how.isOver ? 'was failing' : how.since === null ? 'is failing' : `has been failing since ${clockText(how.since, zone).replace(/:00$/, '')}`}</>;
}
