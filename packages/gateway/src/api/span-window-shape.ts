import { z } from '@hono/zod-openapi';
import type { SpanBodies } from '../control/traces/span-bodies.ts';
import type { PlacedSpan, SpanWindow } from '../control/traces/list-spans.ts';
import type { TraceOutline } from '../control/traces/outline-trace.ts';
import { spanIdOf, traceIdOf } from '../kernel/id.ts';
import type { CallRow } from '../store/ledger/call-columns.ts';
import { timeSchema } from './route.ts';
import { asksOf, callStatuses, isoOf, operationOf, railStops, spanBody, spanSchema, statusOf, stopsOf, triesOf } from './trace-shape.ts';

/** How a window on the tree of a trace looks. */
const childSchema = z
  .object({
    id: z.string().openapi({ example: 'sp_00f067aa0ba902b7.limit' }),
    parent_id: z.string(),
    kind: z.enum(['stop', 'try', 'ask', 'upstream']),
    operation: z.string().openapi({
      description:
        '`gateway.` and a stop of the rail; `gateway.try`; `mcp.` and what the server asked of the client; or the name that the server gave its own span.',
      example: 'gateway.limit',
    }),
    start_time: timeSchema,
    duration_ms: z.number().nullable().openapi({ description: 'Null where nobody saw the end.' }),
    status: z.enum(['ok', 'error']),
    target: z.string().nullable().openapi({ description: 'Of a try: the target of the server that it went to.' }),
    outcome: z.string().nullable().openapi({ description: 'Of a try: as in `tries` of its call.', example: 'http_503' }),
  })
  .openapi('ChildSpan');

const placedSchema = spanSchema
  .extend({
    depth: z.number().int().openapi({ description: '0: a call of the run itself; 1: one of a call of the run; and so on.' }),
    child_count: z.number().int().openapi({ description: 'Calls that this one is the parent of; they follow it.' }),
    children: z.array(childSchema).openapi({
      description:
        'The stops of the rail, the tries of a call that was tried more than once, what the server asked of the client, and spans of its own that it gave.',
    }),
  })
  .openapi('PlacedSpan');

export const spanWindowSchema = z
  .object({
    trace_id: z.string(),
    run: z
      .object({
        id: z.string(),
        operation: z.literal('agent.run'),
        start_time: timeSchema,
        end_time: timeSchema,
        duration_ms: z.number(),
        status: z.enum(callStatuses),
      })
      .openapi({ description: 'The root of the tree: the trace itself.' }),
    spans: z.array(placedSchema),
    span_count: z.number().int().openapi({ description: 'Calls of the whole trace.' }),
    offset: z.number().int().openapi({ description: 'Place of the first span in the tree.' }),
    cursor: z.string().nullable(),
    previous_cursor: z.string().nullable(),
    has_more: z.boolean(),
    truncated: z.boolean().openapi({ description: 'The trace has more calls than a tree is made of; those that began last are left out.' }),
  })
  .openapi('SpanWindow');

const places = z.array(z.number().int());
export const outlineSchema = z
  .object({
    trace_id: z.string(),
    span_count: z.number().int().openapi({ description: 'Calls of the whole trace.' }),
    truncated: z.boolean().openapi({ description: 'The trace has more calls than a tree is made of; those that began last are left out.' }),
    start_ms: z.array(z.number()).openapi({ description: 'Of each call, after the start of the trace. Its place in this list is its `offset` in `/spans`.' }),
    duration_ms: z.array(z.number()),
    not_ok: z.array(z.object({ place: z.number().int(), status: z.enum(callStatuses) })).openapi({ description: 'Calls that did not end well.' }),
    critical: places.openapi({ description: 'Places of the calls that the run waited for: from its end back, each time the one that ended last before.' }),
    found: places.nullable().openapi({ description: 'Places of the calls that `find` means; null without it.' }),
  })
  .openapi('TraceOutline');

export function outlineBody({ traceHex, startUs, spanCount, spans, critical, found, truncated }: TraceOutline): z.output<typeof outlineSchema> {
  return {
    trace_id: traceIdOf(traceHex),
    span_count: spanCount,
    truncated,
    start_ms: spans.map(({ start_us: start }) => Number(start - startUs) / 1000),
    duration_ms: spans.map(({ duration_us: us }) => us / 1000),
    not_ok: spans.flatMap(({ status }, place) => (status === 'success' ? [] : [{ place, status: statusOf(status) }])),
    critical: [...critical],
    found: found === null ? null : [...found],
  };
}

export function spanWindowBody(window: SpanWindow): z.output<typeof spanWindowSchema> {
  const id = traceIdOf(window.traceHex);
  return {
    trace_id: id,
    run: {
      id,
      operation: 'agent.run',
      start_time: isoOf(window.startUs),
      end_time: isoOf(window.endUs),
      duration_ms: Number(window.endUs - window.startUs) / 1000,
      status: statusOf(window.status),
    },
    spans: window.spans.map((span) => placedBody(span, window.bodies.get(span.row.span_hex))),
    span_count: window.spanCount,
    offset: window.offset,
    cursor: window.after,
    previous_cursor: window.before,
    has_more: window.after !== null,
    truncated: window.truncated,
  };
}

function placedBody({ row, depth, children }: PlacedSpan, bodies: SpanBodies | undefined): z.output<typeof placedSchema> {
  return { ...spanBody(row, bodies), depth, child_count: children, children: [...stopSpans(row), ...trySpans(row), ...askSpans(row), ...upstreamSpans(row)] };
}

/** The stops that the call came to, each from where the one before ended. */
function stopSpans(row: CallRow): z.output<typeof childSchema>[] {
  const parent = spanIdOf(row.span_hex);
  const stops = stopsOf(row);
  let atUs = row.start_us;
  return railStops.flatMap((stop) => {
    const durationMs = stops[stop];
    if (durationMs === null) return [];
    const start = atUs;
    atUs += BigInt(Math.round(durationMs * 1000));
    return [
      {
        id: `${parent}.${stop}`,
        parent_id: parent,
        kind: 'stop' as const,
        operation: `gateway.${stop}`,
        start_time: isoOf(start),
        duration_ms: durationMs,
        status: row.status !== 'success' && row.stop === stop ? ('error' as const) : ('ok' as const),
        ...noTry,
      },
    ];
  });
}

const noTry = { target: null, outcome: null } as const;

function trySpans(row: CallRow): z.output<typeof childSchema>[] {
  const parent = spanIdOf(row.span_hex);
  return triesOf(row).map(({ target, start_time, duration_ms, outcome }, index) => ({
    id: `${parent}.try.${index}`,
    parent_id: parent,
    kind: 'try',
    operation: 'gateway.try',
    start_time,
    duration_ms,
    status: outcome === 'answered' ? 'ok' : 'error',
    target,
    outcome,
  }));
}

function askSpans(row: CallRow): z.output<typeof childSchema>[] {
  const parent = spanIdOf(row.span_hex);
  return asksOf(row).map(({ method, start_time, wait_ms }, index) => ({
    id: `${parent}.ask.${index}`,
    parent_id: parent,
    kind: 'ask',
    operation: operationOf(method),
    start_time,
    duration_ms: wait_ms,
    status: 'ok',
    ...noTry,
  }));
}

/** The lines that protocol/upstream-spans.ts writes. A span whose parent the server did not give hangs on the call. */
function upstreamSpans({ upstream_spans: text, span_hex: spanHex }: CallRow): z.output<typeof childSchema>[] {
  if (text === '') return [];
  const parts = text.split('\n').map((line) => /^(\S+) (\S+) (\d+) (\d+) (ok|error) (.*)$/.exec(line) ?? []);
  const given = new Set(parts.map(([, id]) => id));
  return parts.map(([, id = '', parent = '-', startUs = '0', us = '0', status, name = '']) => ({
    id: spanIdOf(id),
    parent_id: spanIdOf(given.has(parent) ? parent : spanHex),
    kind: 'upstream',
    operation: name,
    start_time: isoOf(BigInt(startUs)),
    duration_ms: Number(us) / 1000,
    status: status === 'error' ? 'error' : 'ok',
    ...noTry,
  }));
}
