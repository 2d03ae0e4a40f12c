/** The chain of calls as the ledger keeps it: its entries, and the rows that they speak of. */
import { z } from 'zod';
import type { ChainedEntry } from '../../chain/call-entry.ts';
import type { LedgerStore } from './ledger-store.ts';

const columns = ['org_id', 'chain', 'entry', 'day', 'first_seq', 'row_count', 'rows_hash', 'columns', 'previous_hash', 'hash'];

/** Adds entries as one unit named by `token`. */
export function insertEntries(ledger: Pick<LedgerStore, 'insertRows'>, entries: readonly ChainedEntry[], token: string): Promise<void> {
  return ledger.insertRows({ table: 'call_chain', columns, rows: Buffer.concat(entries.flatMap(encode)), token });
}

const found = z.object({ found: z.coerce.number() });

export async function hasEntry(ledger: Pick<LedgerStore, 'query'>, { organizationId, chain, entry }: ChainedEntry): Promise<boolean> {
  const sql = `/* telemetry/has-entry */
    SELECT count() AS found FROM call_chain WHERE org_id = {org:String} AND chain = {chain:String} AND entry = {entry:UInt64}`;
  const [first] = await ledger.query(sql, { org: organizationId, chain, entry }, found);
  return first !== undefined && first.found > 0;
}

function encode(entry: ChainedEntry): Buffer[] {
  const numbers = Buffer.alloc(8 + 2 + 8 + 4);
  numbers.writeBigUInt64LE(BigInt(entry.entry), 0);
  numbers.writeUInt16LE(Date.parse(entry.day) / 86_400_000, 8);
  numbers.writeBigUInt64LE(BigInt(entry.firstSequence), 10);
  numbers.writeUInt32LE(entry.rows, 18);
  return [
    text(entry.organizationId),
    text(entry.chain),
    numbers,
    Buffer.from(entry.rowsHash, 'latin1'),
    text(entry.columns),
    Buffer.from(entry.previousHash, 'latin1'),
    Buffer.from(entry.hash, 'latin1'),
  ];
}

/** RowBinary: a LEB128 length and UTF-8. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    head.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) return Buffer.concat([Buffer.from(head), bytes]);
  }
}
