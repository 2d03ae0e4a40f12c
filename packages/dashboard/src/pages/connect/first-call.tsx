/** Waits for a call, and shows how far it came the moment it ends. */
import { Link } from '@tanstack/react-router';
import { Radio } from 'lucide-react';
import { useEffect, useState, type ReactElement } from 'react';
import { followLive } from '../../app/live.ts';
import { Rail, statusWord } from '../../rail/rail.tsx';
import { Duration } from '../../text/number.tsx';
import { Clock } from '../../time/time.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { rowOfCall, whoOf, type TraceRow } from '../traces/trace-row.ts';

/** So many are shown; all are in Traces. */
const shownMax = 5;
/** The stream is asked for again this long after it was refused. */
const againMs = 3_000;
/** A stream that was not refused for so long stands: until something comes of it, it says nothing. */
const standsMs = 1_000;

export interface FirstCalls {
  readonly rows: readonly TraceRow[];
  readonly error: unknown;
}

/** The calls that end while somebody looks, newest first. */
export function useFirstCalls(on: boolean): FirstCalls {
  const [calls, setCalls] = useState<FirstCalls>({ rows: [], error: null });
  useEffect(() => {
    if (!on) return undefined;
    const ending = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    let stands: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      for await (const event of followLive({ query: '' }, ending.signal)) {
        if (event.type !== 'call') {
          setCalls(({ rows }) => ({ rows, error: null }));
          continue;
        }
        const row = rowOfCall(event.data);
        setCalls(({ rows }) => ({ rows: [row, ...rows].slice(0, shownMax), error: null }));
      }
    };
    const begin = (): void => {
      stands = setTimeout(() => setCalls(({ rows }) => ({ rows, error: null })), standsMs);
      read().catch((error: unknown) => {
        clearTimeout(stands);
        if (ending.signal.aborted) return;
        setCalls(({ rows }) => ({ rows, error }));
        again = setTimeout(begin, againMs);
      });
    };
    begin();
    return () => {
      clearTimeout(again);
      clearTimeout(stands);
      ending.abort();
    };
  }, [on]);
  return calls;
}

export function FirstCall({ calls: { rows, error } }: { readonly calls: FirstCalls }): ReactElement {
  if (error !== null)
    return (
      <>
        <FaultLine error={error} />
        <p className="text-meta text-ink-3">Retried every few seconds.</p>
      </>
    );
  if (rows.length === 0)
    return (
      <p role="status" className="flex items-center gap-2 text-body text-ink-2">
        <Radio size={14} aria-hidden="true" className="animate-[waiting_2s_ease-in-out_infinite] text-accent" /> Waiting for the first call. Ask your agent to
        list its tools, and it appears here.
      </p>
    );
  return (
    <ul aria-label="Calls received" className="divide-y divide-hairline border-y border-hairline bg-surface" aria-live="polite">
      {rows.map((row, index) => (
        <li key={`${row.id} ${row.time} ${index}`} className="flex animate-[appear_120ms_ease-out] flex-wrap items-center gap-x-5 gap-y-1 px-3 py-2">
          <Clock time={row.time} />
          <Rail stop={row.stop} status={row.status} large={rows.length === 1} />
          <span className="min-w-0 font-medium">
            {row.server ?? ''} · {row.what}
          </span>
          <span className="text-ink-2">{row.client ?? whoOf(row)}</span>
          {row.status !== 'success' && <span className="text-ink-2">{`${statusWord(row.status)} at ${row.stop}`}</span>}
          <span className="ml-auto min-w-16 text-right">
            <Duration ms={row.durationMs} />
          </span>
          <Link to="/traces/$traceId" params={{ traceId: row.id }} className="text-accent hover:underline">
            open it
          </Link>
        </li>
      ))}
    </ul>
  );
}
