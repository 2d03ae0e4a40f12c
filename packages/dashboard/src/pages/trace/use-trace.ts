/** A trace as it is asked for: the whole in few bytes, and windows on its calls where somebody looks. */
import { queryOptions, useQueries, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import type { Schemas } from '@gatewayops/sdk';
import { gateway } from '../../app/gateway.ts';
import type { CallSpan } from './tree-rows.ts';

/** Spans that are asked for at a time. */
const windowSize = 200;
const windowOf = (place: number): number => Math.floor(place / windowSize);
/** While somebody types, nothing is looked for. */
const typingMs = 150;

type Outline = Schemas['TraceOutline'];

export function traceQuery(traceId: string) {
  return queryOptions({ queryKey: ['trace', traceId], queryFn: async ({ signal }) => (await gateway.traces.get(traceId, { limit: 1 }, { signal })).trace });
}

function outlineQuery(traceId: string, find: string) {
  return queryOptions({
    queryKey: ['outline', traceId, find],
    queryFn: async ({ signal }) => {
      if (find !== '') await new Promise((resolve) => setTimeout(resolve, typingMs));
      signal.throwIfAborted();
      return gateway.traces.outline(traceId, { find }, { signal });
    },
    placeholderData: (before, query) => (query?.queryKey[1] === traceId ? before : undefined),
  });
}

/** The window of that number. `size`: calls of the whole trace; while it grows, places move. The first is asked for before that is known. */
function windowQuery(traceId: string, size: number, index: number) {
  return queryOptions({
    queryKey: index === 0 ? ['spans', traceId, 'first'] : ['spans', traceId, size, index],
    queryFn: ({ signal }) => gateway.traces.spans(traceId, { offset: index * windowSize, limit: windowSize }, { signal }).page(undefined),
  });
}

function aroundQuery(traceId: string, spanId: string) {
  return queryOptions({
    queryKey: ['spans', traceId, spanId],
    queryFn: ({ signal }) => gateway.traces.spans(traceId, { around: spanId, limit: 1 }, { signal }).page(undefined),
  });
}

type Window = Awaited<ReturnType<ReturnType<typeof gateway.traces.spans>['page']>>;

export interface PlacedCall {
  readonly place: number;
  readonly span: CallSpan;
}

export interface TraceTree {
  readonly outline: Outline | undefined;
  /** Those that have come, by their place in the outline. */
  readonly spans: ReadonlyMap<number, CallSpan>;
  /** The one that is looked at, once it has come. */
  readonly chosen: PlacedCall | undefined;
  readonly error: Error | null;
  /** Asks for the calls at these places. */
  readonly want: (places: readonly number[]) => void;
  readonly refetch: () => void;
}

/** @param status that of the trace: unless one is named, the first call that ended so is the one to look at */
export function useTraceTree(traceId: string, { spanId, status, find }: { spanId: string | null; status: string | undefined; find: string }): TraceTree {
  const outlined = useQuery(outlineQuery(traceId, find));
  const outline = outlined.data;
  const size = outline?.start_ms.length ?? 0;
  const [wanted, setWanted] = useState<readonly number[]>([0]);
  const want = useCallback((places: readonly number[]) => {
    setWanted((before) => {
      const all = new Set([...before, ...places.map(windowOf)]);
      return all.size === before.length ? before : [...all];
    });
  }, []);
  // Whoever looks at another trace in the same place.
  const [of, setOf] = useState(traceId);
  if (of !== traceId) {
    setOf(traceId);
    setWanted([0]);
  }
  const deciding = useMemo(() => outline?.not_ok.find((one) => one.status === status)?.place ?? 0, [outline, status]);
  const { spans, places, isBegun, error, retry } = useQueries({
    queries: [...new Set([...wanted, windowOf(deciding)])]
      .filter((index) => index === 0 || index * windowSize < size)
      .map((index) => windowQuery(traceId, size, index)),
    combine: joined,
  });

  const named = spanId === null ? undefined : places.get(spanId);
  // One that stands far behind, or is of no such trace: that is no reason to show nothing.
  const around = useQuery({ ...aroundQuery(traceId, spanId ?? ''), enabled: spanId !== null && isBegun && named === undefined, retry: false });
  const far = spanId !== null && named === undefined ? around.data : undefined;
  const isNowhere = spanId !== null && named === undefined && around.isError;
  const place = named ?? far?.offset ?? (spanId === null || isNowhere ? deciding : undefined);
  const span = place === undefined ? undefined : (spans.get(place) ?? far?.spans[0]);
  const chosen = useMemo(() => (place === undefined || span === undefined ? undefined : { place, span }), [place, span]);
  const { refetch } = outlined;
  return {
    outline,
    spans,
    chosen,
    error: outline === undefined ? outlined.error : error,
    want,
    refetch: () => {
      void refetch();
      retry();
    },
  };
}

function joined(results: readonly UseQueryResult<Window>[]) {
  const spans = new Map<number, CallSpan>();
  const places = new Map<string, number>();
  for (const { data } of results)
    for (const [index, span] of (data?.spans ?? []).entries()) {
      spans.set((data?.offset ?? 0) + index, span);
      places.set(span.id, (data?.offset ?? 0) + index);
    }
  return {
    spans,
    places,
    isBegun: results[0]?.data !== undefined,
    // What cannot be had anew stays, and the page says of when it is.
    error: results.find((one) => one.error !== null && one.data === undefined)?.error ?? null,
    retry: () => results.forEach((one) => void (one.isError ? one.refetch() : undefined)),
  };
}
