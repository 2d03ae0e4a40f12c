import { queryOptions } from '@tanstack/react-query';
import { gateway } from '../../app/gateway.ts';

/** As far back as is looked at all. */
const everMs = 400 * 86_400_000;

/** Whether anybody ever called through this gateway, as far as whoever looks may see. */
export const everQuery = queryOptions({
  queryKey: ['ever'],
  queryFn: async ({ signal }) => {
    const now = Date.now();
    const window = { start_time: new Date(now - everMs).toISOString(), end_time: new Date(now).toISOString() };
    return (await gateway.traces.list({ ...window, limit: 1 }, { signal }).page()).traces.length > 0;
  },
  staleTime: 60_000,
});
