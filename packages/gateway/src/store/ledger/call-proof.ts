/** The chains of calls, read for their check: entries, and rows as the bytes that were once sent. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ChainedEntry } from '../../chain/call-entry.ts';
import type { CallProof, EntryRows, SeenChain, Stray } from '../../chain/verify-calls.ts';
import type { LedgerStore } from './ledger-store.ts';
import { readRows } from './row-binary.ts';

type Reader = Pick<LedgerStore, 'query' | 'read'>;

export const entryRow = z.object({
  org_id: z.string(),
  chain: z.string(),
  entry: z.coerce.number(),
  day: z.string(),
  first_seq: z.coerce.number(),
  row_count: z.coerce.number(),
  rows_hash: z.string(),
  columns: z.string(),
  previous_hash: z.string(),
  hash: z.string(),
});

const pageEntries = 2_000;

/** Entries in pages, by chain and place; one that was sent twice is there twice. */
export async function* listEntries(ledger: Reader, organizationId: string): AsyncGenerator<readonly ChainedEntry[]> {
  for (let after = { chain: '', entry: 0 }; ;) {
    const sql = `/* audit/entries */
      SELECT org_id, toString(chain) AS chain, entry, toString(day) AS day, first_seq, row_count, rows_hash, columns, previous_hash, hash
      FROM call_chain
      WHERE org_id = {org:String} AND (call_chain.chain, entry) > ({chain:String}, {entry:UInt64})
      ORDER BY call_chain.chain, entry, hash
      LIMIT {limit:UInt32} WITH TIES`;
    const rows = await ledger.query(sql, { org: organizationId, chain: after.chain, entry: after.entry, limit: pageEntries }, entryRow);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(entryOf);
    if (rows.length < pageEntries) return;
    after = { chain: last.chain, entry: last.entry };
  }
}

export function entryOf(row: z.output<typeof entryRow>): ChainedEntry {
  return {
    organizationId: row.org_id,
    chain: row.chain,
    entry: row.entry,
    day: row.day,
    firstSequence: row.first_seq,
    rows: row.row_count,
    rowsHash: row.rows_hash,
    columns: row.columns,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}

const columnForm = /^[a-z][a-z0-9_]{0,63}$/;
const missingMax = 10;

/** What the columns of a person's calls become when the person is erased. */
const erased: Readonly<Record<string, string>> = {
  user_id: 'CAST(if(key_id IN {erased_keys:Array(String)}, {pseudonym:String}, toString(calls.user_id)) AS LowCardinality(String)) AS user_id',
  peer: "if(key_id IN {erased_keys:Array(String)}, '', calls.peer) AS peer",
};

/**
 * Of entries of one chain, day and list of columns, that follow each other. With `person` as they will be when that person is erased:
 * see `erasure.ts`.
 */
export async function* readEntryRows(
  ledger: Pick<Reader, 'read'>,
  entries: readonly ChainedEntry[],
  person: { readonly keyIds: readonly string[]; readonly pseudonym: string } | null = null,
): AsyncGenerator<EntryRows> {
  const [first] = entries;
  const last = entries.at(-1);
  if (first === undefined || last === undefined) return;
  const columns = first.columns.split(',');
  // They come from a table that somebody may have changed.
  if (columns.at(-1) !== 'chain_seq' || columns.some((name) => !columnForm.test(name))) {
    for (const _ of entries) yield nothing;
    return;
  }
  const sql = `/* audit/rows */
    SELECT ${columns.map((name) => (person === null ? name : (erased[name] ?? name))).join(', ')}
    FROM calls
    WHERE org_id = {org:String} AND started_at >= toDateTime64({day:String}, 6, 'UTC') AND started_at < toDateTime64({day:String}, 6, 'UTC') + INTERVAL 1 DAY
      AND chain = {chain:String} AND chain_seq >= {from:UInt64} AND chain_seq <= {to:UInt64}
    ORDER BY chain_seq`;
  const rows = readRows(
    await ledger.read(sql, {
      org: first.organizationId,
      day: first.day,
      chain: first.chain,
      from: first.firstSequence,
      to: last.firstSequence + last.rows - 1,
      ...(person === null ? {} : { erased_keys: [...person.keyIds, person.pseudonym], pseudonym: person.pseudonym }),
    }),
  );
  let row = rows.next();
  for (const entry of entries) {
    const hash = createHash('sha256');
    const bytes: Buffer[] = [];
    const missing: { from: number; to: number }[] = [];
    const doubled: number[] = [];
    let count = 0;
    let expected = entry.firstSequence;
    const end = entry.firstSequence + entry.rows;
    for (; row.done !== true && row.value.sequence < end; row = rows.next()) {
      const { sequence } = row.value;
      count += 1;
      hash.update(row.value.bytes);
      bytes.push(row.value.bytes);
      if (sequence < expected) doubled.push(sequence);
      else {
        if (sequence > expected && missing.length < missingMax) missing.push({ from: expected, to: sequence - 1 });
        expected = sequence + 1;
      }
    }
    if (expected < end && missing.length < missingMax) missing.push({ from: expected, to: end - 1 });
    yield { count, hash: hash.digest('hex'), missing, doubled: doubled.slice(0, missingMax), bytes };
  }
}

const nothing: EntryRows = { count: 0, hash: '', missing: [], doubled: [] };

const totals = z.object({
  chain: z.string(),
  within: z.coerce.number(),
  beyond: z.coerce.number(),
  beyond_from: z.coerce.number(),
  beyond_to: z.coerce.number(),
  youngest_ms: z.coerce.number(),
});

/** How long a call may be in the ledger before the entry that speaks of it. */
const entryLateMs = 600_000;

/** Rows that no entry speaks of. `allocated`: what this node has on its way. */
export async function findStrays(
  ledger: Reader,
  organizationId: string,
  chains: ReadonlyMap<string, SeenChain>,
  options: { readonly since: string | null; readonly allocated: { readonly chain: string; readonly sequence: number }; readonly nowMs: number },
): Promise<readonly Stray[]> {
  const found: Stray[] = [];
  const names = z.object({ name: z.string() });
  const present = await ledger.query(
    `/* audit/chains */ SELECT DISTINCT toString(chain) AS name FROM calls WHERE org_id = {org:String}`,
    { org: organizationId },
    names,
  );
  for (const { name } of present) {
    const seen = chains.get(name) ?? { firstSequence: 1, lastSequence: 0, rows: null };
    const isOwn = name === options.allocated.chain;
    // Of an older version: from before the first checkpoint that knew of a chain.
    const since = name === '' ? (options.since ?? new Date(options.nowMs).toISOString()) : '1970-01-01T00:00:00Z';
    const sql = `/* audit/strays */
      SELECT
        {chain:String} AS chain,
        countIf(chain_seq >= {first:UInt64} AND chain_seq <= {last:UInt64}) AS within,
        countIf(chain_seq > {known:UInt64}) AS beyond,
        minIf(chain_seq, chain_seq > {known:UInt64}) AS beyond_from,
        maxIf(chain_seq, chain_seq > {known:UInt64}) AS beyond_to,
        maxIf(toUnixTimestamp64Milli(toDateTime64(started_at, 3, 'UTC')), chain_seq > {known:UInt64}) AS youngest_ms
      FROM calls
      WHERE org_id = {org:String} AND calls.chain = {chain:String} AND started_at > parseDateTime64BestEffort({since:String}, 6, 'UTC')`;
    const known = Math.max(seen.lastSequence, isOwn ? options.allocated.sequence : 0);
    const [row] = await ledger.query(sql, { org: organizationId, chain: name, first: seen.firstSequence, last: seen.lastSequence, known, since }, totals);
    if (row === undefined) continue;
    if (name === '') {
      const count = await countUnchained(ledger, organizationId, since);
      if (count > 0) found.push({ chain: '', from: 0, to: 0, text: `${count} calls since ${since} are in no chain: no gateway wrote them` });
      continue;
    }
    if (seen.rows !== null && row.within > seen.rows)
      found.push({
        chain: name,
        from: seen.firstSequence,
        to: seen.lastSequence,
        text: `${row.within - seen.rows} calls stand at places of this range on days that are not theirs`,
      });
    if (row.beyond > 0 && (isOwn || options.nowMs - row.youngest_ms > entryLateMs))
      found.push({ chain: name, from: row.beyond_from, to: row.beyond_to, text: `${row.beyond} calls stand beyond the end of the chain` });
  }
  return found;
}

async function countUnchained(ledger: Reader, organizationId: string, since: string): Promise<number> {
  const sql = `/* audit/unchained */
    SELECT count() AS found FROM calls WHERE org_id = {org:String} AND chain = '' AND started_at > parseDateTime64BestEffort({since:String}, 6, 'UTC')`;
  const [row] = await ledger.query(sql, { org: organizationId, since }, z.object({ found: z.coerce.number() }));
  return row?.found ?? 0;
}

export interface CallProofOptions {
  readonly organizationId: string;
  /** Read every row again, or check the entries alone. */
  readonly withRows: boolean;
  readonly allocated: () => { readonly chain: string; readonly sequence: number };
  readonly nowMs: () => number;
}

export function createCallProof(ledger: Reader, { organizationId, withRows, allocated, nowMs }: CallProofOptions): CallProof {
  return {
    entries: () => listEntries(ledger, organizationId),
    rows: withRows ? (entries) => readEntryRows(ledger, entries) : null,
    strays: (chains, since) => findStrays(ledger, organizationId, chains, { since, allocated: allocated(), nowMs: nowMs() }),
  };
}
