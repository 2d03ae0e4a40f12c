import { z } from '@hono/zod-openapi';
import type { PlacedSpan, SpanWindow } from '../control/traces/list-spans.ts';
import { spanIdOf, traceIdOf } from '../kernel/id.ts';
import type { CallRow } from '../store/ledger/call-columns.ts';
import { timeSchema } from './route.ts';
import { callStatuses, isoOf, railStops, spanBody, spanSchema, statusOf, stopsOf } from './trace-shape.ts';

/** How a window on the tree of a trace looks. */
const childSchema = z
  .object({
    id: z.string().openapi({ example: 'sp_00f067aa0ba902b7.limit' }),
    parent_id: z.string(),
    operation: z.string().openapi({ description: '`gateway.` and a stop of the rail.', example: 'gateway.limit' }),
    start_time: timeSchema,
    duration_ms: z.number(),
  })
  .openapi('ChildSpan');

const placedSchema = spanSchema
  .extend({
    depth: z.number().int().openapi({ description: '0: a call of the run itself; 1: one of a call of the run; and so on.' }),
    child_count: z.number().int().openapi({ description: 'Calls that this one is the parent of; they follow it.' }),
    children: z.array(childSchema).openapi({ description: 'What the gateway did in this call, in order.' }),
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
    spans: window.spans.map(placedBody),
    span_count: window.spanCount,
    offset: window.offset,
    cursor: window.after,
    previous_cursor: window.before,
    has_more: window.after !== null,
    truncated: window.truncated,
  };
}

function placedBody({ row, depth, children }: PlacedSpan): z.output<typeof placedSchema> {
  return { ...spanBody(row), depth, child_count: children, children: stopSpans(row) };
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
    return [{ id: `${parent}.${stop}`, parent_id: parent, operation: `gateway.${stop}`, start_time: isoOf(start), duration_ms: durationMs }];
  });
}
