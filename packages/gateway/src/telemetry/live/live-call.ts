import { nanoText } from '../../kernel/nano.ts';
import type { QueriedCall } from '../../query/match-query.ts';
import type { CallRow } from '../../store/ledger/call-columns.ts';
import type { CallRowReader } from '../call-row-reader.ts';
import type { CountedTokens } from '../counted-tokens.ts';

/** A call as it ended: as a list of calls shows it, and as a query sees it. */
export type LiveCall = CallRow & QueriedCall & { readonly organization_id: string };

export function liveCallOf(row: CallRowReader): LiveCall {
  const text = (name: string): string => row.text(name);
  const number = (name: string): number => row.number(name);
  const trace = text('trace_id');
  const startUs = BigInt(number('started_at'));
  const cost = BigInt(number('cost'));
  return {
    organization_id: text('org_id'),
    trace_id: trace,
    trace_hex: trace,
    span_hex: text('span_id'),
    parent_span_id: text('parent_span_id'),
    start_us: startUs,
    duration_us: number('duration_us'),
    status: text('status'),
    stop: text('stop'),
    fault_code: text('fault_code'),
    http_status: number('http_status'),
    rpc_error_code: number('rpc_error_code'),
    user_id: text('user_id'),
    team_id: text('team_id'),
    project_id: text('project_id'),
    key_id: text('key_id'),
    key_prefix: text('key_prefix'),
    agent: text('agent'),
    environment: text('environment'),
    node: text('node'),
    server: text('server'),
    tool: text('tool'),
    method: text('method'),
    surface: text('surface'),
    era: text('era'),
    protocol_version: text('protocol_version'),
    request_id: text('request_id'),
    client_trace_id: text('client_trace_id'),
    client_name: text('client_name'),
    session_id: text('session_id'),
    peer: text('peer'),
    request_bytes: number('request_bytes'),
    reply_bytes: number('reply_bytes'),
    reply_content_type: text('reply_content_type'),
    input_tokens: number('input_tokens'),
    output_tokens: number('output_tokens'),
    tokens_source: text('tokens_source'),
    cost_text: nanoText(cost),
    currency: text('currency'),
    priced_by: text('priced_by'),
    transforms: text('transforms'),
    cache: text('cache'),
    target: text('target'),
    retries: number('retries'),
    price_version: number('price_version'),
    policy: text('policy'),
    decision_id: text('decision_id'),
    tries: text('tries'),
    bodies: text('bodies'),
    asks: text('asks'),
    upstream_spans: text('upstream_spans'),
    auth_us: number('auth_us'),
    access_us: number('access_us'),
    limit_us: number('limit_us'),
    guard_us: number('guard_us'),
    server_us: number('server_us'),
    reply_us: number('reply_us'),
    measures: {
      started_at: startUs,
      duration_us: BigInt(number('duration_us')),
      cost,
      retries: BigInt(number('retries')),
      request_bytes: BigInt(number('request_bytes')),
      reply_bytes: BigInt(number('reply_bytes')),
    },
  };
}

/** The call with its tokens, and what it cost with them. */
export function withCountedTokens(call: LiveCall, { input, output, source, costNano }: CountedTokens): LiveCall {
  const cost = call.measures.cost + BigInt(costNano);
  return {
    ...call,
    input_tokens: call.input_tokens + input,
    output_tokens: call.output_tokens + output,
    tokens_source: source,
    cost_text: nanoText(cost),
    measures: { ...call.measures, cost },
  };
}
