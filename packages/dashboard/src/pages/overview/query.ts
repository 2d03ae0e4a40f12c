import { queryOptions } from '@tanstack/react-query';
import { gateway } from '../../app/gateway.ts';
import { thisMonth } from '../../time/moment.ts';
import type { TimeWindow } from '../../time/range.ts';

/** The figures of the Overview and of the time before; asked for as soon as it is known who asks, while the page itself is on its way. */
export function overviewQuery({ start, end }: TimeWindow) {
  return queryOptions({
    queryKey: ['metrics', 'overview', start, end],
    queryFn: ({ signal }) =>
      gateway.metrics.calls({ start_time: start, ...(end === undefined ? {} : { end_time: end }), compare: 'true', limit: 50 }, { signal }),
  });
}

/** What the month has cost, each day of it, and what it will have cost. */
export const spendQuery = queryOptions({
  queryKey: ['spend', 'month'],
  queryFn: async ({ signal }) => (await gateway.costs.trend(thisMonth(), { signal })).trend,
});
