import { z } from 'zod';

/** A call as lists of calls and traces show it, by the names of its columns. */
export const callRow = z.object({
  trace_hex: z.string(),
  span_hex: z.string(),
  parent_span_id: z.string(),
  start_us: z.coerce.bigint(),
  duration_us: z.coerce.number(),
  status: z.string(),
  stop: z.string(),
  fault_code: z.string(),
  http_status: z.number(),
  rpc_error_code: z.number(),
  user_id: z.string(),
  team_id: z.string(),
  project_id: z.string(),
  key_id: z.string(),
  key_prefix: z.string(),
  agent: z.string(),
  environment: z.string(),
  node: z.string(),
  server: z.string(),
  tool: z.string(),
  method: z.string(),
  surface: z.string(),
  era: z.string(),
  protocol_version: z.string(),
  request_id: z.string(),
  client_trace_id: z.string(),
  client_name: z.string(),
  session_id: z.string(),
  peer: z.string(),
  request_bytes: z.coerce.number(),
  reply_bytes: z.coerce.number(),
  reply_content_type: z.string(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  tokens_source: z.string(),
  cost_text: z.string(),
  currency: z.string(),
  priced_by: z.string(),
  transforms: z.string(),
  cache: z.string(),
  target: z.string(),
  retries: z.number(),
  asks: z.string(),
  upstream_spans: z.string(),
  bodies: z.string(),
  price_version: z.number(),
  policy: z.string(),
  decision_id: z.string(),
  tries: z.string(),
  auth_us: z.number(),
  access_us: z.number(),
  limit_us: z.number(),
  guard_us: z.number(),
  server_us: z.number(),
  reply_us: z.number(),
});
export type CallRow = z.infer<typeof callRow>;

const expressions: Readonly<Record<string, string>> = {
  trace_hex: 'toString(trace_id)',
  span_hex: 'toString(span_id)',
  start_us: 'toUnixTimestamp64Micro(started_at)',
  cost_text: 'toString(cost)',
};

/** What a SELECT of `callRow` names. */
export const callColumns = Object.keys(callRow.shape)
  .map((name) => (name in expressions ? `${expressions[name]} AS ${name}` : name))
  .join(', ');
