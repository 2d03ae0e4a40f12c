import type { FieldName } from './fields.ts';
import { matchesQuery, type QueriedCall } from './match-query.ts';
import type { Query } from './query.ts';

/** What sums of calls, by minute or second, still know of a call. */
export type SummedKind = Readonly<Record<'server' | 'tool' | 'method' | 'status', string>>;

const summedFields: ReadonlySet<FieldName> = new Set(['server', 'tool', 'method', 'status'] satisfies (keyof SummedKind)[]);

/** Whether sums can say which calls fit; else the calls themselves have to be read. */
export function isOfSums({ terms }: Query): boolean {
  return terms.every(({ field }) => summedFields.has(field));
}

/** Whether calls of this kind fit a query of which `isOfSums` holds. */
export function matchesKind(query: Query, kind: SummedKind): boolean {
  return matchesQuery(query, { ...nothing, ...kind });
}

const nothing: QueriedCall = {
  trace_id: '',
  client_trace_id: '',
  fault_code: '',
  transforms: '',
  http_status: 0,
  rpc_error_code: 0,
  server: '',
  tool: '',
  method: '',
  user_id: '',
  team_id: '',
  project_id: '',
  key_id: '',
  key_prefix: '',
  client_name: '',
  agent: '',
  environment: '',
  status: '',
  stop: '',
  policy: '',
  cache: '',
  era: '',
  protocol_version: '',
  surface: '',
  target: '',
  node: '',
  peer: '',
  request_id: '',
  session_id: '',
  measures: { started_at: 0n, duration_us: 0n, cost: 0n, retries: 0n, request_bytes: 0n, reply_bytes: 0n },
};
