import { hash } from 'node:crypto';
import { canonical } from './audit-record.ts';

/**
 * One link of a node's chain of calls: the rows of one insert that lie in one day, one after the other. They are hashed as the bytes
 * that were sent (ClickHouse's RowBinary), which are those that a SELECT of the same columns gives back. A day is forgotten as
 * a whole, and with it whole entries.
 */
export interface CallEntry {
  readonly organizationId: string;
  /** `{node}-{random}`: a node whose state is lost begins another one. */
  readonly chain: string;
  /** Its place in the chain, from 1. */
  readonly entry: number;
  /** `YYYY-MM-DD`, UTC: the day on which its calls began. */
  readonly day: string;
  /** Place of its first row in the chain, from 1. */
  readonly firstSequence: number;
  readonly rows: number;
  /** SHA-256 over the rows, 64 hex digits. */
  readonly rowsHash: string;
  /** Names of the columns that were hashed, in their order, with commas between. */
  readonly columns: string;
  /** Hash of the entry before. */
  readonly previousHash: string;
}

export interface ChainedEntry extends CallEntry {
  readonly hash: string;
}

export function hashEntry(entry: CallEntry): string {
  return hash(
    'sha256',
    canonical({
      format: 1,
      previous: entry.previousHash,
      organization_id: entry.organizationId,
      chain: entry.chain,
      entry: entry.entry,
      day: entry.day,
      first: entry.firstSequence,
      rows: entry.rows,
      rows_hash: entry.rowsHash,
      columns: entry.columns,
    }),
    'hex',
  );
}

/** Where a chain of calls ends. */
export interface CallHead {
  readonly chain: string;
  readonly entry: number;
  /** Place of the last row. */
  readonly sequence: number;
  /** Of the last entry. */
  readonly hash: string;
}

export const chainNameForm = /^[A-Za-z0-9_]{1,64}-[0-9A-Za-z]{6}$/;
