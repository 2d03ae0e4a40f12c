import { z } from '@hono/zod-openapi';
import { bounds } from '../kernel/bounds.ts';
import { traceIdOf } from '../kernel/id.ts';
import { getTrace } from '../control/traces/get-trace.ts';
import { listTraces } from '../control/traces/list-traces.ts';
import { json, route, type Api } from './route.ts';
import { callStatuses, listedBody, spanBody, traceBody, traceListSchema, traceSchema, traceSpansSchema } from './trace-shape.ts';

/** Traces, in the shapes of the product document ("Traces API"). */
export function traceRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/traces',
      permission: 'traces.read',
      tags: ['traces'],
      summary: 'List traces, newest first',
      description:
        'A trace is in the list when its first call began at or after `start_time` and before `end_time`. `status` and `min_duration_ms` are of the trace as a whole; of the other filters, one of its calls must fit all. Of a trace that crosses the window, calls up to an hour outside of it are counted.',
      request: { query: listQuery },
      responses: { 200: json(traceListSchema, 'A page of traces.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const page = await listTraces(c.var.context(), {
        startMs: Date.parse(query.start_time),
        endMs: Date.parse(query.end_time),
        filter: {
          userId: query.user_id ?? null,
          teamId: query.team_id ?? null,
          keyId: query.key_id ?? null,
          agent: query.agent ?? null,
          server: query.server ?? null,
          tool: query.tool ?? null,
          status: query.status === 'ok' ? 'success' : (query.status ?? null),
          durationUsMin: query.min_duration_ms === undefined ? null : query.min_duration_ms * 1000,
        },
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      return c.json({ traces: page.traces.map(listedBody), cursor: page.cursor, has_more: page.cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/traces/{trace_id}',
      permission: 'traces.read',
      tags: ['traces'],
      summary: 'One trace with its spans',
      request: { params: idParams },
      responses: { 200: json(traceSchema, 'The trace.') },
    }),
    async (c) => c.json({ trace: traceBody(await getTrace(c.var.context(), c.req.valid('param').trace_id)) }, 200),
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/traces/{trace_id}/spans',
      permission: 'traces.read',
      tags: ['traces'],
      summary: 'The spans of one trace, oldest first',
      request: { params: idParams },
      responses: { 200: json(traceSpansSchema, 'The spans.') },
    }),
    async (c) => {
      const trace = await getTrace(c.var.context(), c.req.valid('param').trace_id);
      return c.json({ trace_id: traceIdOf(trace.traceHex), spans: trace.spans.map(spanBody), truncated: trace.spanCount > trace.spans.length }, 200);
    },
  );
}

/** Times of requests may be of any zone. */
const instant = z.iso.datetime({ offset: true }).openapi({ example: '2026-01-15T10:30:00Z' });
const word = z.string().min(1).max(200);

const listQuery = z.object({
  start_time: instant,
  end_time: instant,
  user_id: word.optional(),
  team_id: word.optional(),
  key_id: word.optional(),
  agent: word.optional(),
  server: word.optional(),
  tool: word.optional(),
  status: z
    .enum([...callStatuses, 'ok'])
    .optional()
    .openapi({ description: 'That of the worst call; `ok` is `success`.' }),
  min_duration_ms: z.coerce.number().int().min(0).max(1e12).optional(),
  limit: z.coerce.number().int().min(1).max(bounds.tracesListMax).default(50),
  cursor: z.string().min(1).max(200).optional(),
});

export const traceIdParam = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'a trace id is 1 to 128 visible ASCII characters')
  .openapi({ description: '`tr_…`, or the X-Trace-ID that the caller chose.', example: 'tr_4bf92f3577b34da6a3ce929d0e0e4736' });
const idParams = z.object({ trace_id: traceIdParam });
