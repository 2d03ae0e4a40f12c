import type { Log } from '../kernel/log.ts';
import { CallRowReader } from './call-row-reader.ts';
import { readCountedTokens, type CountedTokens } from './counted-tokens.ts';
import type { RowShape } from './read-segment.ts';

/**
 * Where calls are seen as they come out of the journal, each once in the life of this process: for metrics, export and live streams.
 * While nobody listens nothing is decoded.
 */
export interface Tap {
  readonly isOpen: boolean;
  /** A whole row: of the drain, for each call once. Never throws. */
  pass(shape: RowShape, intent: Buffer, intentStart: number, intentEnd: number, outcome: Buffer, outcomeStart: number, outcomeEnd: number): void;
  /** Until the returned function is called. What the listener keeps of the row it must read at once. */
  listen(listener: (row: CallRowReader) => void): () => void;
  /** Rows of `counted_tokens` that the ledger has by now: of calls that have passed, or are about to. Never throws. */
  passCounted(columns: readonly string[], rows: readonly Buffer[]): void;
  listenCounted(listener: (tokens: readonly CountedTokens[]) => void): () => void;
  /** Rows that could not be read, or that a listener failed at. */
  failures(): number;
}

export function createTap(log: Log): Tap {
  const listeners = new Set<(row: CallRowReader) => void>();
  const countedListeners = new Set<(tokens: readonly CountedTokens[]) => void>();
  const readers = new WeakMap<RowShape, CallRowReader>();
  let failures = 0;

  function readerOf(shape: RowShape): CallRowReader {
    const known = readers.get(shape);
    if (known !== undefined) return known;
    const reader = new CallRowReader(shape);
    readers.set(shape, reader);
    return reader;
  }

  function tell<Told>(each: ReadonlySet<(told: Told) => void>, told: Told): void {
    for (const listener of each) {
      try {
        listener(told);
      } catch (error) {
        fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
    }
  }

  /** What comes in thousands a second is said once. */
  function fail(reason: string): void {
    if (failures++ === 0) log.error('tap.failed', { reason });
  }

  return {
    get isOpen() {
      return listeners.size > 0;
    },
    pass(shape, intent, intentStart, intentEnd, outcome, outcomeStart, outcomeEnd) {
      const row = readerOf(shape);
      if (!row.at(intent, intentStart, intentEnd, outcome, outcomeStart, outcomeEnd)) return fail('a row has another shape than its columns');
      tell(listeners, row);
    },
    listen(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    passCounted(columns, rows) {
      if (countedListeners.size > 0) tell(countedListeners, readCountedTokens(columns, rows));
    },
    listenCounted(listener) {
      countedListeners.add(listener);
      return () => {
        countedListeners.delete(listener);
      };
    },
    failures: () => failures,
  };
}
