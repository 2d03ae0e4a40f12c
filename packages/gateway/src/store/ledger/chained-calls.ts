/** Calls in the order of their chains: nothing that comes to the ledger late is passed over. */
import { z } from 'zod';
import { callColumns, callRow, type CallRow } from './call-columns.ts';
import type { LedgerStore } from './ledger-store.ts';

export interface ChainEnd {
  readonly chain: string;
  /** Place of the last call that an entry of the chain speaks of: all up to it are in the ledger. */
  readonly sequence: number;
}

const end = z.object({ chain: z.string(), sequence: z.coerce.number() });

export function listChainEnds(ledger: Pick<LedgerStore, 'query'>, organizationId: string): Promise<readonly ChainEnd[]> {
  const sql = `/* audit/chain-ends */
    SELECT toString(call_chain.chain) AS chain, max(first_seq + row_count) - 1 AS sequence
    FROM call_chain
    WHERE org_id = {org:String}
    GROUP BY call_chain.chain
    ORDER BY chain`;
  return ledger.query(sql, { org: organizationId }, end);
}

export interface ChainedCallsInput {
  readonly organizationId: string;
  readonly chain: string;
  /** Behind this place, up to the other. */
  readonly after: number;
  readonly through: number;
  readonly limit: number;
}

const chainedCall = callRow.extend({ chain_sequence: z.coerce.number() });
export type ChainedCall = CallRow & { readonly chain_sequence: number };

/** By place. */
export async function listChainedCalls(
  ledger: Pick<LedgerStore, 'query'>,
  { organizationId, chain, after, through, limit }: ChainedCallsInput,
): Promise<readonly ChainedCall[]> {
  // The days that the places are of: without them every day would be looked into.
  const sql = `/* audit/chained-calls */
    SELECT ${callColumns}, chain_seq AS chain_sequence
    FROM calls
    WHERE org_id = {org:String} AND calls.chain = {chain:String} AND chain_seq > {after:UInt64} AND chain_seq <= {through:UInt64}
      AND toDate(started_at) IN (
        SELECT day FROM call_chain
        WHERE org_id = {org:String} AND call_chain.chain = {chain:String} AND first_seq + row_count > {after:UInt64} + 1 AND first_seq <= {through:UInt64}
      )
    ORDER BY chain_seq
    LIMIT {limit:UInt32}`;
  return ledger.query(sql, { org: organizationId, chain, after, through, limit }, chainedCall);
}
