import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import type { Marker } from '../../charts/line-chart.tsx';
import type { TimeWindow } from '../../time/range.ts';

/** The newest so many entries of the audit are looked through. */
const eventsMax = 200;
/** What decides how calls go; who signed in or looked at something is none of it. */
const decisive =
  /^(config\.(applied|plan_applied)|(policy|prices|server|target|route|virtual_server|tool|cache_rule|rate_limit|masking_rule|transformation)\.(?!called))/;

/** When configuration, policies, prices and servers were changed in a window; none for whoever may not read the audit. */
export function useMarkers(window: TimeWindow): readonly Marker[] {
  const { allowed } = useCapability('audit.read');
  const events = useQuery({
    queryKey: ['changes', 'markers', window],
    queryFn: ({ signal }) =>
      gateway.audit
        .list(
          { start_time: window.start, ...(window.end === undefined ? {} : { end_time: window.end }), tool_calls: 'none', result: 'success', limit: eventsMax },
          { signal },
        )
        .page(),
    enabled: allowed,
    refetchInterval: 60_000,
  });
  return useMemo(
    () =>
      (events.data?.events ?? [])
        .filter(({ action }) => decisive.test(action))
        .map(({ time, action, object }) => ({ at: Date.parse(time) / 1000, text: `${action} ${object.id}` })),
    [events.data],
  );
}
