import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { CallPlace, CallSink } from '../store/ledger/calls.ts';
import { layoutOf } from './frames.ts';
import { readPlace } from './read-place.ts';
import type { RowShape } from './read-segment.ts';
import { RowBatch, type Row } from './row-batch.ts';

export interface Delivery {
  readonly shape: RowShape;
  readonly rows: RowBatch;
  readonly token: string;
  /** These rows were perhaps sent before. */
  readonly again: boolean;
}

export interface DeliverOptions {
  readonly ledger: CallSink;
  readonly log: Log;
  /** Waits, longer at each try; rejects when telemetry stops. */
  readonly pause: (tries: number) => Promise<void>;
  /** Keeps rows that the ledger cannot take for a person to look at. */
  readonly setAside: (rows: RowBatch) => Promise<void>;
}

/**
 * Brings rows to the ledger, each exactly once, however long the ledger is away. A token makes a repeated insert count
 * once; but a ledger killed between noting the token and keeping the rows knows the one without the other, so what was
 * sent again is looked for, day by day, since a day's rows of one insert are kept together or not at all.
 */
export async function deliver(delivery: Delivery, { ledger, log, pause, setAside }: DeliverOptions): Promise<void> {
  let { rows, token, again } = delivery;
  const columns = [...delivery.shape.intent, ...delivery.shape.outcome].map((column) => column.name);
  const send = (sent: RowBatch, name: string): Promise<void> => ledger.insert({ columns, rows: sent.bytes, token: name });

  for (let tries = 0; rows.count > 0; tries++) {
    if (ledger.state() !== 'ready') {
      await pause(tries);
      continue;
    }
    try {
      await send(rows, token);
      if (again) await repair();
      return;
    } catch (error) {
      if (error instanceof Fault && error.code === 'unavailable') {
        log.warn('drain.retry', { rows: rows.count, reason: error.message });
      } else {
        log.error('drain.refused', { rows: rows.count, error });
        const { whole = [], broken = [] } = Object.groupBy(rows.rows(), (row) => (isWhole(delivery.shape, row) ? 'whole' : 'broken'));
        if (broken.length > 0) {
          await setAside(RowBatch.of(broken));
          rows = RowBatch.of(whole);
          token = `${delivery.token}:whole`;
        }
      }
      again = true;
      await pause(tries);
    }
  }

  async function repair(): Promise<void> {
    for (const [day, { place, rows: ofDay }] of byDay(delivery.shape, rows.rows())) {
      if (await ledger.has(place)) continue;
      log.warn('drain.repaired', { rows: ofDay.length, day });
      await send(RowBatch.of(ofDay), `${token}:${day}`);
    }
  }
}

function isWhole(shape: RowShape, { intent, outcome }: Row): boolean {
  return layoutOf(shape.intent, intent) !== null && layoutOf(shape.outcome, outcome) !== null;
}

function byDay(shape: RowShape, rows: readonly Row[]): ReadonlyMap<number, { readonly place: CallPlace; readonly rows: Row[] }> {
  const days = new Map<number, { place: CallPlace; rows: Row[] }>();
  for (const row of rows) {
    const place = readPlace(shape.intent, row.intent);
    if (place === null) continue;
    const day = Number(place.startedAtUs / 86_400_000_000n);
    const known = days.get(day);
    if (known) known.rows.push(row);
    else days.set(day, { place, rows: [row] });
  }
  return days;
}
