import { z } from 'zod';
import type { ChainedEntry } from '../../chain/call-entry.ts';
import { hasEntry, insertEntries } from './call-chain.ts';
import type { LedgerState, LedgerStore } from './ledger-store.ts';

/** Where a row of `calls` lies. */
export interface CallPlace {
  readonly organizationId: string;
  /** 32 hex digits. */
  readonly traceHex: string;
  /** 16 hex digits. */
  readonly spanHex: string;
  /** Microseconds since the epoch. */
  readonly startedAtUs: bigint;
}

/** What telemetry needs of the ledger. */
export interface CallSink {
  state(): LedgerState;
  /**
   * Adds rows of `columns` in RowBinary as one unit named by `token`. Faults: `unavailable` where the ledger was not reached or
   * has no room now; whether it has the rows is then unknown. Any other error: it refuses these rows.
   */
  insert(batch: { readonly columns: readonly string[]; readonly rows: Buffer; readonly token: string }): Promise<void>;
  has(place: CallPlace): Promise<boolean>;
  /** Adds entries of the chain as one unit. Faults: as of `insert`. */
  insertEntries(entries: readonly ChainedEntry[], token: string): Promise<void>;
  hasEntry(entry: ChainedEntry): Promise<boolean>;
}

export function createCallSink(ledger: LedgerStore): CallSink {
  return {
    state: () => ledger.state(),
    insert: (batch) => ledger.insertRows({ table: 'calls', ...batch }),
    // A replicated table keeps a token and its rows together or not at all, and another replica may not have them yet.
    has: async (place) => ledger.cluster !== null || (await hasCall(ledger, place)),
    insertEntries: (entries, token) => insertEntries(ledger, entries, token),
    hasEntry: async (entry) => ledger.cluster !== null || (await hasEntry(ledger, entry)),
  };
}

const row = z.object({ found: z.coerce.number() });

async function hasCall(ledger: Pick<LedgerStore, 'query'>, place: CallPlace): Promise<boolean> {
  const sql = `/* telemetry/has-call */
    SELECT count() AS found
    FROM calls
    WHERE org_id = {org:String} AND started_at = fromUnixTimestamp64Micro({at:Int64}, 'UTC') AND trace_id = {trace:String} AND span_id = {span:String}`;
  const [first] = await ledger.query(sql, { org: place.organizationId, at: String(place.startedAtUs), trace: place.traceHex, span: place.spanHex }, row);
  return first !== undefined && first.found > 0;
}
