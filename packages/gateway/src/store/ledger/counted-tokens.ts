import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';

const counted = z.object({ span_hex: z.string(), input_tokens: z.coerce.number(), output_tokens: z.coerce.number(), cost_text: z.string() });
export type CountedTokens = z.infer<typeof counted>;

/** Tokens of a trace's calls that were counted after the call, with what they cost; calls that began in the time of the trace, microseconds since the epoch. */
export function listCountedTokens(
  ledger: Pick<LedgerStore, 'query'>,
  input: { readonly organizationId: string; readonly traceHex: string; readonly startUs: bigint; readonly endUs: bigint; readonly limit: number },
): Promise<CountedTokens[]> {
  const sql = `/* costs/counted-tokens */
    SELECT toString(span_id) AS span_hex, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, toString(sum(cost)) AS cost_text
    FROM counted_tokens
    WHERE org_id = {org:String} AND trace_id = {trace:String}
      AND started_at >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND started_at <= fromUnixTimestamp64Micro({end:Int64}, 'UTC')
    GROUP BY span_id
    LIMIT {limit:UInt32}`;
  return ledger.query(
    sql,
    { org: input.organizationId, trace: input.traceHex, start: String(input.startUs), end: String(input.endUs), limit: input.limit },
    counted,
  );
}
