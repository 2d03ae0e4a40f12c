import { z } from 'zod';
import type { LedgerRows, LedgerState, LedgerStore } from './ledger-store.ts';

/** What telemetry needs of the ledger for bodies. */
export interface BodySink {
  state(): LedgerState;
  /** As `LedgerStore.insertRows`. */
  insert(rows: LedgerRows): Promise<void>;
}

export function createBodySink(ledger: LedgerStore): BodySink {
  return { state: () => ledger.state(), insert: (rows) => ledger.insertRows(rows) };
}

/** The request or response of one call. */
export interface PayloadPlace {
  readonly organizationId: string;
  readonly traceHex: string;
  readonly spanHex: string;
  readonly kind: 'request' | 'response';
}

const facts = {
  kind: z.enum(['request', 'response']),
  content_type: z.string(),
  bytes: z.coerce.number(),
  kept_bytes: z.coerce.number(),
  truncated: z.number(),
  not_kept: z.string(),
  masked_count: z.number(),
};
const factColumns = 'kind, content_type, bytes, length(text) AS kept_bytes, truncated, not_kept, masked_count';

const payload = z.object({ ...facts, headers: z.string(), text: z.string(), masked: z.string(), server: z.string() });
export type PayloadRow = z.infer<typeof payload>;

/** Null where it is not there, or not yet. */
export async function findPayload(ledger: Pick<LedgerStore, 'query'>, { organizationId, traceHex, spanHex, kind }: PayloadPlace): Promise<PayloadRow | null> {
  const sql = `/* payloads/find */
    SELECT ${factColumns}, headers, text, masked, server
    FROM payloads
    WHERE org_id = {org:String} AND trace_id = {trace:String} AND span_id = {span:String} AND kind = {kind:String}
    LIMIT 1`;
  const [row] = await ledger.query(sql, { org: organizationId, trace: traceHex, span: spanHex, kind }, payload);
  return row ?? null;
}

const payloadFacts = z.object({ span_hex: z.string(), ...facts });
export type PayloadFacts = z.infer<typeof payloadFacts>;

/** Names in one statement: parameters travel in the address, which has not room for more. */
const spansMax = 200;

/** What is known of the bodies of these calls of a trace, without their texts; of very many calls, of all of the trace. */
export function listPayloadFacts(
  ledger: Pick<LedgerStore, 'query'>,
  input: {
    readonly organizationId: string;
    readonly traceHex: string;
    readonly startUs: bigint;
    readonly endUs: bigint;
    readonly spanHexes: readonly string[];
  },
): Promise<PayloadFacts[]> {
  const sql = `/* payloads/list-facts */
    SELECT toString(span_id) AS span_hex, ${factColumns}
    FROM payloads
    WHERE org_id = {org:String} AND trace_id = {trace:String}${input.spanHexes.length > spansMax ? '' : ' AND span_id IN {spans:Array(String)}'}
      AND started_at >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND started_at <= fromUnixTimestamp64Micro({end:Int64}, 'UTC')`;
  return ledger.query(
    sql,
    {
      org: input.organizationId,
      trace: input.traceHex,
      spans: input.spanHexes.length > spansMax ? [] : [...input.spanHexes],
      start: String(input.startUs),
      end: String(input.endUs),
    },
    payloadFacts,
  );
}

export interface PayloadsOfKeysInput {
  readonly organizationId: string;
  readonly keyIds: readonly string[];
  readonly after: { readonly startUs: bigint; readonly traceHex: string; readonly spanHex: string; readonly kind: string } | null;
  readonly limit: number;
}

const placedPayload = payload.extend({ trace_hex: z.string(), span_hex: z.string(), start_us: z.coerce.bigint() });
export type PlacedPayload = z.infer<typeof placedPayload>;

/** Oldest first. */
export function listPayloadsOfKeys(
  ledger: Pick<LedgerStore, 'query'>,
  { organizationId, keyIds, after, limit }: PayloadsOfKeysInput,
): Promise<readonly PlacedPayload[]> {
  const behind =
    after === null
      ? ''
      : " AND started_at >= fromUnixTimestamp64Micro({after:Int64}, 'UTC') AND (toUnixTimestamp64Micro(started_at), trace_id, span_id, kind) > ({after:Int64}, toFixedString({trace:String}, 32), toFixedString({span:String}, 16), {kind:String})";
  const sql = `/* payloads/list-of-keys */
    SELECT ${factColumns}, headers, text, masked, server, toString(trace_id) AS trace_hex, toString(span_id) AS span_hex, toUnixTimestamp64Micro(started_at) AS start_us
    FROM payloads
    WHERE org_id = {org:String} AND key_id IN {keys:Array(String)}${behind}
    ORDER BY started_at, trace_id, span_id, kind
    LIMIT {limit:UInt32}`;
  const place = after === null ? {} : { after: String(after.startUs), trace: after.traceHex, span: after.spanHex, kind: after.kind };
  return ledger.query(sql, { org: organizationId, keys: [...keyIds], ...place, limit }, placedPayload);
}
