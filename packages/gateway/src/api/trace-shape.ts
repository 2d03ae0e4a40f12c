import { z } from '@hono/zod-openapi';
import { Fault } from '../kernel/fault.ts';
import { faultCodes, type FaultCode } from '../kernel/fault-codes.ts';
import { spanIdOf, traceIdOf } from '../kernel/id.ts';
import type { TraceWithSpans } from '../control/traces/get-trace.ts';
import type { BodyState, SpanBodies } from '../control/traces/span-bodies.ts';
import type { CallRow } from '../store/ledger/call-columns.ts';
import type { ListedTrace } from '../store/ledger/traces.ts';
import { exactNumber } from './exact-number.ts';
import { timeSchema } from './route.ts';

/** How traces and spans look in an answer. What is not known is null, never a guess. */
export const callStatuses = ['success', 'error', 'timeout', 'blocked', 'waiting', 'cancelled', 'unknown'] as const;

const known = z.string().nullable();
const costSchema = z.number().openapi({ description: 'Exact, up to nine decimals.', example: 0.052 });
const durationSchema = z.number().openapi({ description: 'Milliseconds, to the microsecond.' });

const listedSchema = z
  .object({
    id: z.string().openapi({ example: 'tr_4bf92f3577b34da6a3ce929d0e0e4736' }),
    start_time: timeSchema,
    duration_ms: durationSchema,
    status: z.enum(callStatuses),
    user_id: known,
    team_id: known,
    key_id: known,
    agent_name: known,
    client_name: known,
    environment: known,
    server: known,
    tool: known,
    operation: z.string().openapi({ description: 'Of the first call.', example: 'mcp.tools.call' }),
    stop: z.string().openapi({ description: 'The stop of the rail at which the call ended that decides the status; the first of them.', example: 'server' }),
    fault: known.openapi({ description: 'The code of the fault of that call, if the gateway answered with one.' }),
    decided_by: z.object({ server: known, tool: known, operation: z.string() }).openapi({ description: 'That call: the first of the worst.' }),
    span_count: z.number().int(),
    total_cost: costSchema,
    currency: z.string(),
  })
  .openapi('TraceSummary');
export const estimatedTotal = z.number().int().nullable().openapi({
  description: 'Of the whole list, with its first page only: exact, or in proportion where very many calls would have to be counted.',
});
export const scannedRange = z
  .object({ start_time: timeSchema, end_time: timeSchema })
  .openapi({ description: 'The part of the window that was looked through for this page.' });
export const traceListSchema = z
  .object({
    traces: z.array(listedSchema),
    cursor: z.string().nullable(),
    has_more: z.boolean(),
    estimated_total: estimatedTotal,
    scanned_range: scannedRange,
  })
  .openapi('TraceList');

const stopSchema = z
  .number()
  .nullable()
  .openapi({ description: 'Milliseconds at this stop of the rail; null where the call did not come to it, or it is not known.' });
const bodyStateSchema = z
  .object({
    state: z.enum(['kept', 'not_kept', 'dropped', 'pending', 'lost']).openapi({
      description:
        '`kept`: it can be read; `not_kept`: it was looked at and left out; `dropped`: it was not looked at; `pending`: it is on its way; `lost`: the masking process ended before it was written.',
    }),
    reason: known.openapi({ description: '`over_scan_limit`, `timeout`, `not_text`, `failed`, `queue_full`, `too_large`.' }),
    kept_bytes: z.number().int(),
    truncated: z.boolean(),
    masked: z.number().int().openapi({ description: 'Values that are masked in it.' }),
  })
  .nullable()
  .openapi('BodyState', { description: 'What became of the body; null where bodies are not recorded.' });
export const spanSchema = z
  .object({
    id: z.string().openapi({ example: 'sp_00f067aa0ba902b7' }),
    parent_id: known.openapi({ description: 'The span that the caller named as parent, here or elsewhere.' }),
    operation: z.string().openapi({ example: 'mcp.tools.call' }),
    server: z.string(),
    tool: known,
    name: known.openapi({ description: 'What the operation named: a tool, a prompt, a resource.' }),
    start_time: timeSchema,
    duration_ms: durationSchema,
    status: z.enum(callStatuses),
    request: z.object({ size_bytes: z.number().int(), body: bodyStateSchema }),
    response: z.object({ content_length: z.number().int(), content_type: known, body: bodyStateSchema }),
    tokens: z.object({ input: z.number().int(), output: z.number().int(), source: z.string() }).nullable(),
    cost: costSchema,
    priced_by: known,
    policy: known.openapi({ description: 'The policy that let the call pass, refused it or held it; null where none had to decide.', example: 'no-delete' }),
    decision_id: known.openapi({ description: 'What the policy engine that was asked calls its decision; null where none was, or it gave no name.' }),
    transforms: z.array(z.string()).openapi({
      description: 'The transformation rules that changed the call, in their order; the one that refused it comes last.',
      example: ['rename q to query'],
    }),
    cache: z.enum(['hit', 'shared', 'miss']).nullable().openapi({
      description:
        '`hit`: answered from the cache; `shared`: with the answer to another call that was under way; `miss`: by the server, and kept where it allows that.',
    }),
    target: known.openapi({ description: 'The target of the server that answered, or that was tried last.' }),
    retries: z.number().int().openapi({ description: 'Further tries that the gateway made, only where that is safe.' }),
    tries: z
      .array(
        z.object({
          target: z.string(),
          start_time: timeSchema,
          duration_ms: durationSchema,
          outcome: z.string().openapi({
            description: '`answered`; else why another try followed, or the call failed: the code of the fault, or `http_` and the status.',
            example: 'upstream_reset',
          }),
        }),
      )
      .openapi({ description: 'Each try of a call that was tried more than once, the first among them; none of a call that was tried once.' }),
    stop: z.string().openapi({ description: 'The stop of the rail at which the call ended.' }),
    stopped_at: known.openapi({ description: 'The same, where it did not end well.' }),
    stops: z.object({ auth: stopSchema, access: stopSchema, limit: stopSchema, guard: stopSchema, server: stopSchema, reply: stopSchema }),
    fault: known.openapi({ description: 'The code of the fault, if the gateway answered with one.' }),
    error: known,
    http_status: z.number().int().nullable(),
    rpc_error_code: z.number().int().nullable(),
    protocol_version: known,
    era: known,
    surface: z.string(),
    request_id: known,
    key_id: known,
    client_name: known,
    session_id: known.openapi({ description: 'The session of a client of before 2026-07-28.' }),
    asks: z
      .array(
        z.object({
          method: z.string().openapi({ example: 'elicitation/create' }),
          start_time: timeSchema,
          wait_ms: z.number().nullable().openapi({ description: 'Until the server went on; null where the call ended first, or with the question.' }),
        }),
      )
      .openapi({ description: 'What the server asked of the client during the call.' }),
  })
  .openapi('Span');
export const traceSchema = z
  .object({
    trace: z.object({
      id: z.string(),
      start_time: timeSchema,
      end_time: timeSchema,
      duration_ms: durationSchema,
      status: z.enum(callStatuses),
      context: z.object({
        user_id: known,
        team_id: known,
        project_id: known,
        agent_name: known,
        environment: known,
        key_id: known,
        key_prefix: known,
        client_name: known,
        client_trace_id: known.openapi({ description: 'The X-Trace-ID that the caller chose.' }),
        node: known,
      }),
      spans: z.array(spanSchema),
      span_count: z.number().int(),
      truncated: z.boolean().openapi({ description: 'Only the first spans are here (`limit`); the figures of the trace count all.' }),
      total_cost: costSchema,
      currency: z.string(),
    }),
  })
  .openapi('Trace');

export function listedBody(trace: ListedTrace): z.output<typeof listedSchema> {
  return {
    id: traceIdOf(trace.trace_hex),
    start_time: isoOf(trace.start_us),
    duration_ms: trace.trace_us / 1000,
    status: statusOf(trace.trace_status),
    user_id: orNull(trace.first_user_id),
    team_id: orNull(trace.first_team_id),
    key_id: orNull(trace.first_key_id),
    agent_name: orNull(trace.first_agent),
    client_name: orNull(trace.first_client),
    environment: orNull(trace.first_environment),
    server: orNull(trace.first_server),
    tool: toolOf(trace.first_method, trace.first_tool),
    operation: operationOf(trace.first_method),
    stop: trace.worst_stop,
    fault: orNull(trace.worst_fault),
    decided_by: {
      server: orNull(trace.worst_server),
      tool: toolOf(trace.worst_method, trace.worst_tool),
      operation: operationOf(trace.worst_method),
    },
    span_count: trace.span_count,
    total_cost: exactNumber(trace.total_cost),
    currency: trace.first_currency,
  };
}

export function traceBody({
  traceHex,
  startUs,
  endUs,
  status,
  first,
  spans,
  spanCount,
  totalCost,
  bodies,
}: TraceWithSpans): z.output<typeof traceSchema>['trace'] {
  return {
    id: traceIdOf(traceHex),
    start_time: isoOf(startUs),
    end_time: isoOf(endUs),
    duration_ms: Number(endUs - startUs) / 1000,
    status: statusOf(status),
    context: {
      user_id: orNull(first.user_id),
      team_id: orNull(first.team_id),
      project_id: orNull(first.project_id),
      agent_name: orNull(first.agent),
      environment: orNull(first.environment),
      key_id: orNull(first.key_id),
      key_prefix: orNull(first.key_prefix),
      client_name: orNull(first.client_name),
      client_trace_id: orNull(first.client_trace_id),
      node: orNull(first.node),
    },
    spans: spans.map((span) => spanBody(span, bodies.get(span.span_hex))),
    span_count: spanCount,
    truncated: spanCount > spans.length,
    total_cost: exactNumber(totalCost),
    currency: first.currency,
  };
}

export function spanBody(span: CallRow, bodies: SpanBodies | undefined): z.output<typeof spanSchema> {
  return {
    id: spanIdOf(span.span_hex),
    parent_id: span.parent_span_id === '' ? null : spanIdOf(span.parent_span_id),
    operation: operationOf(span.method),
    server: span.server,
    tool: toolOf(span.method, span.tool),
    name: orNull(span.tool),
    start_time: isoOf(span.start_us),
    duration_ms: span.duration_us / 1000,
    status: statusOf(span.status),
    request: { size_bytes: span.request_bytes, body: bodyStateBody(bodies?.request) },
    response: { content_length: span.reply_bytes, content_type: orNull(span.reply_content_type), body: bodyStateBody(bodies?.response) },
    tokens: span.tokens_source === '' ? null : { input: span.input_tokens, output: span.output_tokens, source: span.tokens_source },
    cost: exactNumber(span.cost_text),
    priced_by: orNull(span.priced_by),
    policy: orNull(span.policy),
    decision_id: orNull(span.decision_id),
    transforms: span.transforms === '' ? [] : span.transforms.split('\n'),
    cache: span.cache === 'hit' || span.cache === 'shared' || span.cache === 'miss' ? span.cache : null,
    target: orNull(span.target),
    retries: span.retries,
    tries: triesOf(span),
    stop: span.stop,
    stopped_at: span.status === 'success' ? null : span.stop,
    stops: stopsOf(span),
    fault: orNull(span.fault_code),
    error: errorOf(span),
    http_status: span.http_status === 0 ? null : span.http_status,
    rpc_error_code: span.rpc_error_code === 0 ? null : span.rpc_error_code,
    protocol_version: orNull(span.protocol_version),
    era: orNull(span.era),
    surface: span.surface,
    request_id: orNull(span.request_id),
    key_id: orNull(span.key_id),
    client_name: orNull(span.client_name),
    session_id: orNull(span.session_id),
    asks: asksOf(span),
  };
}

/** The lines that record/call-record.ts writes. */
export function asksOf({ asks, start_us: startUs }: Pick<CallRow, 'asks' | 'start_us'>): z.output<typeof spanSchema>['asks'] {
  if (asks === '') return [];
  return asks.split('\n').map((line) => {
    const [method = '', atUs = '0', waitUs = '-'] = line.split(' ');
    return { method, start_time: isoOf(startUs + BigInt(atUs)), wait_ms: waitUs === '-' ? null : Number(waitUs) / 1000 };
  });
}

/** The lines that record/call-record.ts writes. */
export function triesOf({ tries, start_us: startUs }: Pick<CallRow, 'tries' | 'start_us'>): z.output<typeof spanSchema>['tries'] {
  if (tries === '') return [];
  return tries.split('\n').map((line) => {
    const [target = '', atUs = '0', us = '0', outcome = ''] = line.split(' ');
    return { target, start_time: isoOf(startUs + BigInt(atUs)), duration_ms: Number(us) / 1000, outcome };
  });
}

export const railStops = ['auth', 'access', 'limit', 'guard', 'server', 'reply'] as const;

/** Times up to the stop where the call ended. Of a call whose end was never written down, none is known. */
export function stopsOf(span: CallRow): z.output<typeof spanSchema>['stops'] {
  const last = span.status === 'unknown' ? -1 : railStops.findIndex((stop) => stop === span.stop);
  const at = (index: number, us: number): number | null => (index <= last ? us / 1000 : null);
  return {
    auth: at(0, span.auth_us),
    access: at(1, span.access_us),
    limit: at(2, span.limit_us),
    guard: at(3, span.guard_us),
    server: at(4, span.server_us),
    reply: at(5, span.reply_us),
  };
}

export function errorOf({ fault_code, server, tool: name }: CallRow): string | null {
  return fault_code in faultCodes ? new Fault(fault_code as FaultCode, { server, ...(name === '' ? {} : { name }) }).message : null;
}

export function statusOf(text: string): (typeof callStatuses)[number] {
  return callStatuses.find((status) => status === text) ?? 'unknown';
}

/** A call that was refused before its message was known has no more than the protocol. */
export function operationOf(method: string): string {
  return method === '' ? 'mcp' : `mcp.${method.replaceAll('/', '.')}`;
}

export function toolOf(method: string, name: string): string | null {
  return method === 'tools/call' ? orNull(name) : null;
}

export function orNull(text: string): string | null {
  return text === '' ? null : text;
}

/** ISO 8601, UTC, to the microsecond. */
export function isoOf(us: bigint): string {
  return `${new Date(Number(us / 1000n)).toISOString().slice(0, -1)}${String(us % 1000n).padStart(3, '0')}Z`;
}

function bodyStateBody(state: BodyState | undefined): z.output<typeof bodyStateSchema> {
  if (state === undefined) return null;
  return { state: state.state, reason: state.reason, kept_bytes: state.keptBytes, truncated: state.isTruncated, masked: state.maskedCount };
}
