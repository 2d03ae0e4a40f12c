/** Calls as they end, newest first. While the reader looks at something the list stands still, and what came meanwhile is counted. */
import { useEffect, useRef, useState } from 'react';
import { followLive } from '../../app/live.ts';
import { rowOfCall, type TraceRow } from './trace-row.ts';

/** Rows that are kept: the older ones are in the ledger. */
const rowsMax = 1000;
/** The first call is drawn at once; of many, those of half a second together: faster nobody reads, and each time the rows in sight are others. */
const drawMs = 500;

export interface Live {
  readonly rows: readonly TraceRow[];
  /** Calls that came since the list stands still. */
  readonly waiting: number;
  /** Of the last second so many of all were sent. */
  readonly sampled: { readonly shown: number; readonly of: number } | null;
  readonly error: unknown;
}

const nothing: Live = { rows: [], waiting: 0, sampled: null, error: null };

export function useLive(query: string, on: boolean, paused: boolean): Live {
  const of = on ? `on ${query}` : 'off';
  const [live, setLive] = useState({ of, ...nothing });
  const isPaused = useRef(paused);
  useEffect(() => {
    isPaused.current = paused;
  });
  useEffect(
    () =>
      on
        ? follow(query, isPaused, (change) => setLive((old) => ({ ...(old.of === of ? old : nothing), ...change(old.of === of ? old : nothing), of })))
        : undefined,
    [query, on, of],
  );
  // Of another query, or of before it was switched off.
  return live.of === of ? live : nothing;
}

/** Draws what comes until the function that it gives is called. */
function follow(query: string, isPaused: { readonly current: boolean }, draw: (change: (old: Live) => Partial<Live>) => void): () => void {
  const ending = new AbortController();
  let came: TraceRow[] = [];
  let sampled: Live['sampled'] = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let drawnAt = 0;
  const drawCame = (): void => {
    timer = null;
    drawnAt = performance.now();
    const rows = came;
    if (isPaused.current) {
      rows.length = Math.min(rows.length, rowsMax);
      draw(() => ({ waiting: rows.length }));
      // Until the reader goes on.
      timer = setTimeout(drawCame, drawMs);
    } else {
      came = [];
      draw((old) => ({ rows: [...rows, ...old.rows].slice(0, rowsMax), waiting: 0, sampled }));
    }
  };
  const read = async (): Promise<void> => {
    for await (const event of followLive({ query }, ending.signal)) {
      if (event.type === 'call') {
        came.unshift(rowOfCall(event.data));
        timer ??= setTimeout(drawCame, Math.max(0, drawnAt + drawMs - performance.now()));
      } else if (event.type === 'sampled') sampled = event.data;
    }
  };
  read().catch((error: unknown) => {
    if (!ending.signal.aborted) draw(() => ({ error }));
  });
  return () => {
    if (timer !== null) clearTimeout(timer);
    ending.abort();
  };
}
