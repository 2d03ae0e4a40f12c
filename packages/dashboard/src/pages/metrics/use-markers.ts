import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import type { Marker } from '../../charts/marker.ts';
import type { TimeWindow } from '../../time/range.ts';

/** The newest so many are marked. */
const markersMax = 200;
/** What decides how calls go; who signed in or looked at something is none of it. */
export const decisive = [
  'config',
  'policy',
  'prices',
  'server',
  'target',
  'route',
  'virtual_server',
  'cache_rule',
  'rate_limit',
  'masking_rule',
  'transformation',
];

/** When configuration, policies, prices and servers were changed in a window; none for whoever may not read the audit. */
export function useMarkers(window: TimeWindow): readonly Marker[] {
  const { allowed } = useCapability('audit.read');
  const events = useQuery({
    queryKey: ['changes', 'markers', window],
    queryFn: ({ signal }) =>
      gateway.audit
        .list(
          {
            start_time: window.start,
            ...(window.end === undefined ? {} : { end_time: window.end }),
            action: decisive.map((noun) => `${noun}.*`).join(','),
            tool_calls: 'none',
            result: 'success',
            limit: markersMax,
          },
          { signal },
        )
        .page(),
    enabled: allowed,
    refetchInterval: 60_000,
  });
  return useMemo(() => (events.data?.events ?? []).map(markerOf), [events.data]);
}

function markerOf({ time, action, object }: { readonly time: string; readonly action: string; readonly object: { readonly id: string } }): Marker {
  return { at: Date.parse(time) / 1000, text: `${actionText(action)} ${object.id}`.trim() };
}

/** `virtual_server.created` in words. */
export function actionText(action: string): string {
  return action.replaceAll(/[._]/g, ' ');
}
