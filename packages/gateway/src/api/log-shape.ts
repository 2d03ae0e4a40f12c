import { z } from '@hono/zod-openapi';
import { spanIdOf, traceIdOf } from '../kernel/id.ts';
import type { CallRow } from '../store/ledger/call-columns.ts';
import { exactNumber } from './exact-number.ts';
import { timeSchema } from './route.ts';
import { callStatuses, errorOf, estimatedTotal, isoOf, operationOf, orNull, scannedRange, statusOf, toolOf } from './trace-shape.ts';

/** One row of the request log. What is not known is null, never a guess. */
const known = z.string().nullable();
const requestSchema = z
  .object({
    time: timeSchema,
    trace_id: z.string(),
    span_id: z.string(),
    request_id: known,
    user_id: known,
    team_id: known,
    project_id: known,
    key_id: known,
    key_prefix: known,
    agent_name: known,
    client_name: known,
    session_id: known,
    environment: known,
    ip: known,
    server: z.string(),
    tool: known,
    operation: z.string(),
    surface: z.string(),
    status: z.enum(callStatuses),
    stop: z.string(),
    fault: known,
    error: known,
    policy: known,
    decision_id: known,
    http_status: z.number().int().nullable(),
    rpc_error_code: z.number().int().nullable(),
    request_bytes: z.number().int(),
    response_bytes: z.number().int(),
    latency_ms: z.number(),
    cost: z.number().openapi({ description: 'Exact, up to nine decimals.' }),
    currency: z.string(),
    input_tokens: z.number().int().nullable(),
    output_tokens: z.number().int().nullable(),
    cache: known,
    target: known,
    retries: z.number().int(),
  })
  .openapi('RequestLogEntry');
export const requestColumns = Object.keys(requestSchema.shape) as [keyof typeof requestSchema.shape, ...(keyof typeof requestSchema.shape)[]];
export const requestListSchema = z
  .object({ requests: z.array(requestSchema), cursor: known, has_more: z.boolean(), estimated_total: estimatedTotal, scanned_range: scannedRange })
  .openapi('RequestLog');

export function requestBody(call: CallRow): z.output<typeof requestSchema> {
  return {
    time: isoOf(call.start_us),
    trace_id: traceIdOf(call.trace_hex),
    span_id: spanIdOf(call.span_hex),
    request_id: orNull(call.request_id),
    user_id: orNull(call.user_id),
    team_id: orNull(call.team_id),
    project_id: orNull(call.project_id),
    key_id: orNull(call.key_id),
    key_prefix: orNull(call.key_prefix),
    agent_name: orNull(call.agent),
    client_name: orNull(call.client_name),
    session_id: orNull(call.session_id),
    environment: orNull(call.environment),
    ip: orNull(call.peer),
    server: call.server,
    tool: toolOf(call.method, call.tool),
    operation: operationOf(call.method),
    surface: call.surface,
    status: statusOf(call.status),
    stop: call.stop,
    fault: orNull(call.fault_code),
    error: errorOf(call),
    policy: orNull(call.policy),
    decision_id: orNull(call.decision_id),
    http_status: call.http_status === 0 ? null : call.http_status,
    rpc_error_code: call.rpc_error_code === 0 ? null : call.rpc_error_code,
    request_bytes: call.request_bytes,
    response_bytes: call.reply_bytes,
    latency_ms: call.duration_us / 1000,
    cost: exactNumber(call.cost_text),
    currency: call.currency,
    input_tokens: call.tokens_source === '' ? null : call.input_tokens,
    output_tokens: call.tokens_source === '' ? null : call.output_tokens,
    cache: orNull(call.cache),
    target: orNull(call.target),
    retries: call.retries,
  };
}
