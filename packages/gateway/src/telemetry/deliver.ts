import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { CallSink } from '../store/ledger/calls.ts';
import type { CallChain } from './call-chain.ts';
import type { RowShape } from './read-segment.ts';
import type { RowBatch } from './row-batch.ts';

export interface Delivery {
  readonly shape: RowShape;
  readonly rows: RowBatch;
  readonly token: string;
  /** These rows were perhaps sent before. */
  readonly again: boolean;
}

export interface DeliverOptions {
  readonly writer: string;
  readonly ledger: CallSink;
  readonly chain: CallChain;
  readonly log: Log;
  /** Waits, longer at each try; rejects when telemetry stops. */
  readonly pause: (tries: number) => Promise<void>;
  /** Keeps rows that the ledger cannot take for a person to look at. */
  readonly setAside: (rows: RowBatch) => Promise<void>;
}

/**
 * Brings rows to the ledger, each exactly once, however long the ledger is away, and with them the entries of the chain that
 * speak of them. A token makes a repeated insert count once; but a ledger killed between noting the token and keeping the rows
 * knows the one without the other, so what was sent again is looked for, group by group, since the rows of one insert and day
 * are kept together or not at all.
 */
export async function deliver({ shape, rows, token, again }: Delivery, options: DeliverOptions): Promise<void> {
  const { writer, ledger, chain, log, pause, setAside } = options;
  const linked = await chain.link({ writer, token, shape, rows });
  if (linked.broken.count > 0) await setAside(linked.broken);
  const entries = linked.groups.map(({ entry }) => entry);
  const [firstEntry] = entries;
  let isRepeated = again;

  for (let tries = 0; firstEntry !== undefined; tries++) {
    if (ledger.state() !== 'ready') {
      await pause(tries);
      continue;
    }
    try {
      await ledger.insert({ columns: linked.columns, rows: linked.rows, token });
      if (isRepeated) await repair();
      await ledger.insertEntries(entries, `${token}:chain`);
      if (isRepeated && !(await ledger.hasEntry(firstEntry))) await ledger.insertEntries(entries, `${token}:chain-again`);
      break;
    } catch (error) {
      if (error instanceof Fault && error.code === 'unavailable') log.warn('drain.retry', { rows: rows.count, reason: error.message });
      else log.error('drain.refused', { rows: rows.count, error });
      isRepeated = true;
      await pause(tries);
    }
  }
  chain.delivered(writer);

  async function repair(): Promise<void> {
    for (const { entry, bytes, place } of linked.groups) {
      if (await ledger.has(place)) continue;
      log.warn('drain.repaired', { rows: entry.rows, day: entry.day });
      await ledger.insert({ columns: linked.columns, rows: bytes, token: `${token}:${entry.entry}` });
    }
  }
}
