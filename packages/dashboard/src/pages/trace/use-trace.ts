import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { gateway } from '../../app/gateway.ts';

/** Spans that are asked for at a time. */
const windowSize = 200;

export function traceQuery(traceId: string) {
  return queryOptions({ queryKey: ['trace', traceId], queryFn: async ({ signal }) => (await gateway.traces.get(traceId, { limit: 1 }, { signal })).trace });
}

/** The tree of a trace, window by window. */
export function spansQuery(traceId: string) {
  return infiniteQueryOptions({
    queryKey: ['spans', traceId],
    queryFn: ({ pageParam, signal }) => gateway.traces.spans(traceId, { limit: windowSize }, { signal }).page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ cursor }) => cursor ?? undefined,
  });
}
