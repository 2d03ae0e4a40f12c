/**
 * The wide record of one call, as columns of the ledger's `calls` table, in ClickHouse's RowBinary
 * (https://clickhouse.com/docs/interfaces/formats/RowBinary).
 *
 * A row is two halves: what is known before the first byte goes upstream (`intentColumns`) and what is known when the
 * reply ends (`outcomeColumns`). The rail writes the first half to the journal as the intent and the second as the
 * outcome; telemetry joins the bytes of both to one row and never decodes them. A call whose outcome was never written
 * gets `unknownOutcome`.
 */
export type ColumnType =
  | 'String'
  | 'LowCardinality(String)'
  | 'FixedString(32)'
  | 'FixedString(16)'
  | "DateTime64(6, 'UTC')"
  | 'UInt8'
  | 'UInt16'
  | 'UInt32'
  | 'UInt64'
  | 'Int32'
  | 'Decimal(18, 9)';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

const text = (name: string): Column => ({ name, type: 'String' });
const word = (name: string): Column => ({ name, type: 'LowCardinality(String)' });

export const intentColumns: readonly Column[] = [
  // Of the principal: one cached block of bytes.
  word('org_id'),
  word('key_id'),
  word('key_prefix'),
  word('user_id'),
  word('team_id'),
  word('project_id'),
  word('agent'),
  word('environment'),
  // Of the server: another.
  word('node'),
  word('server'),
  word('currency'),
  // Of the call.
  { name: 'trace_id', type: 'FixedString(32)' },
  { name: 'span_id', type: 'FixedString(16)' },
  text('parent_span_id'),
  { name: 'started_at', type: "DateTime64(6, 'UTC')" },
  word('surface'),
  word('era'),
  word('protocol_version'),
  word('method'),
  text('tool'),
  text('request_id'),
  text('client_trace_id'),
  word('client_name'),
  /** `s_` and 16 hex digits: the legacy session of the call; empty where it has none. */
  text('session_id'),
  text('peer'),
  { name: 'request_bytes', type: 'UInt64' },
];

export const outcomeColumns: readonly Column[] = [
  word('status'),
  /** The stop of the rail that ended the call: auth access limit guard server reply. */
  word('stop'),
  word('fault_code'),
  { name: 'http_status', type: 'UInt16' },
  { name: 'rpc_error_code', type: 'Int32' },
  { name: 'duration_us', type: 'UInt64' },
  { name: 'auth_us', type: 'UInt32' },
  { name: 'access_us', type: 'UInt32' },
  { name: 'limit_us', type: 'UInt32' },
  { name: 'guard_us', type: 'UInt32' },
  /** Until the first byte of the upstream's reply; for a long stream saturated at 2^32 − 1. */
  { name: 'server_us', type: 'UInt32' },
  { name: 'reply_us', type: 'UInt32' },
  { name: 'reply_bytes', type: 'UInt64' },
  word('reply_content_type'),
  { name: 'input_tokens', type: 'UInt32' },
  { name: 'output_tokens', type: 'UInt32' },
  /** `reported` by the tool in the result's `_meta`, or empty: not known. */
  word('tokens_source'),
  { name: 'cost', type: 'Decimal(18, 9)' },
  /**
   * Which entry of the price list applied: default, server, tool; `reported` where the server said the cost itself; `cache` for an answer
   * from there; `none` where the call ran and the list has no price for it; empty for what is never priced.
   */
  word('priced_by'),
  /** Names of the transformation rules that changed or refused the call, one a line. */
  text('transforms'),
  /** `hit` where the answer came from the cache, `shared` where it was another caller's that was under way, `miss` where it was asked for and may be kept. */
  word('cache'),
  /** The target of the server that answered, or that was tried last; empty where none was. */
  word('target'),
  /** Further tries that were made, only where that is safe. */
  { name: 'retries', type: 'UInt8' },
  /** What the server asked of the client during the call, one a line: method, microseconds since the call began, until it went on or `-`. */
  text('asks'),
  /** Spans that the server gave in its result, one a line (protocol/upstream-spans.ts). */
  text('upstream_spans'),
  /** What became of the bodies of the call at the worker: `sent` to the masking process, or why not; empty where they are not kept. */
  word('bodies'),
  /** Of the price list that the call was priced by; 0 where it was by none. */
  { name: 'price_version', type: 'UInt32' },
  /** The policy that let the call pass, refused it or held it; empty where none had to decide. */
  word('policy'),
  /** What the policy engine that was asked calls its decision; empty where none was, or it gave none. */
  text('decision_id'),
  /**
   * Where a call was tried more than once, each try, one a line: target, microseconds since the call began, microseconds, and `answered`, the code
   * of the fault, or `http_` and the status for which it was tried again.
   */
  text('tries'),
];

export type CallStatus = 'success' | 'error' | 'timeout' | 'blocked' | 'waiting' | 'cancelled' | 'unknown';
export type RailStop = 'auth' | 'access' | 'limit' | 'guard' | 'server' | 'reply';

/**
 * Journal framing. A file `{writer}-{segment, 8 digits}.journal` begins with one JSON line (`SegmentHeader`) and then
 * holds frames: `u32 LE length of what follows`, `u8 kind`, `u32 LE call number`, payload. A call number is unique in its writer
 * across segments. A partial frame at the end of a segment whose writer is gone is the torn tail of a killed process
 * and holds no call that went upstream.
 */
export interface SegmentHeader {
  readonly format: 1;
  readonly writer: string;
  readonly segment: number;
  readonly intent: readonly string[];
  readonly outcome: readonly string[];
}
export const frameKind = { intent: 1, outcome: 2 } as const;
export const frameHeadBytes = 9;
