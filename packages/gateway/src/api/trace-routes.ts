import { z } from '@hono/zod-openapi';
import { bounds } from '../kernel/bounds.ts';
import { countFacets, countOverTime } from '../control/traces/count-traces.ts';
import { getTrace } from '../control/traces/get-trace.ts';
import { listSpans } from '../control/traces/list-spans.ts';
import { listTraces, type TracePage } from '../control/traces/list-traces.ts';
import { outlineTrace } from '../control/traces/outline-trace.ts';
import { traceFilters, traceQuestion } from './call-question.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';
import { outlineBody, outlineSchema, spanWindowBody, spanWindowSchema } from './span-window-shape.ts';
import { callStatuses, isoOf, listedBody, traceBody, traceListSchema, traceSchema } from './trace-shape.ts';

/** Traces, in the shapes of the product document ("Traces API"). */
export function traceRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/traces',
      permission: 'traces.read',
      tags: ['traces'],
      summary: 'List traces, newest first',
      description: `${whatFits} Of a trace that crosses the window, calls up to an hour outside of it are counted.`,
      request: { query: traceFilters.extend(pageParams) },
      responses: { 200: json(traceListSchema, 'A page of traces.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      return c.json(pageBody(await listTraces(c.var.context(), { ...traceQuestion(query), limit: query.limit, cursor: query.cursor ?? null })), 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/traces/search',
      permission: 'traces.read',
      changesNothing: true,
      tags: ['traces'],
      summary: 'Search traces, newest first',
      description: `The same as \`GET /v1/traces\`, for queries that are long. ${whatFits}`,
      request: { body: body(z.strictObject({ ...traceFilters.shape, ...pageParams })) },
      responses: { 200: json(traceListSchema, 'A page of traces.') },
    }),
    async (c) => {
      const asked = c.req.valid('json');
      return c.json(pageBody(await listTraces(c.var.context(), { ...traceQuestion(asked), limit: asked.limit, cursor: asked.cursor ?? null })), 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/traces/facets',
      permission: 'traces.read',
      tags: ['traces'],
      summary: 'How the calls of a query are spread over servers, tools, users and so on',
      description: 'Calls of the window that fit are counted, by the most frequent values of each facet.',
      request: { query: facetQuery },
      responses: { 200: json(facetsSchema, 'The facets in the order asked for.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const facets = await countFacets(c.var.context(), { ...traceQuestion(query), facets: query.facets, limit: query.limit });
      return c.json(
        {
          facets: facets.map(({ name, values, truncated }) => ({
            name,
            values: values.map(({ value, calls }) => ({ value: value === '' ? null : value, calls })),
            truncated,
          })),
        },
        200,
      );
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/traces/histogram',
      permission: 'traces.read',
      tags: ['traces'],
      summary: 'The calls of a query over time, by outcome',
      description:
        'Steps have a round width and begin at its multiples, so that the first and the last may reach beyond the window; only calls of the window are counted.',
      request: { query: histogramQuery },
      responses: { 200: json(histogramSchema, 'The steps in order of time, those without calls too.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { widthMs, buckets } = await countOverTime(c.var.context(), { ...traceQuestion(query), buckets: query.buckets });
      const bodyOf = ({ startMs, calls }: (typeof buckets)[number]): z.output<typeof bucketSchema> => ({
        start_time: new Date(startMs).toISOString(),
        calls: [...calls.values()].reduce((sum, count) => sum + count, 0),
        outcomes: Object.fromEntries(callStatuses.map((status) => [status, calls.get(status) ?? 0])) as Record<(typeof callStatuses)[number], number>,
      });
      return c.json({ bucket_ms: widthMs, buckets: buckets.map(bodyOf) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/traces/{trace_id}',
      permission: 'traces.read',
      tags: ['traces'],
      summary: 'One trace with its first spans',
      request: { params: idParams, query: z.object({ limit: z.coerce.number().int().min(1).max(bounds.traceSpansMax).default(1000) }) },
      responses: { 200: json(traceSchema, 'The trace.') },
    }),
    async (c) => c.json({ trace: traceBody(await getTrace(c.var.context(), c.req.valid('param').trace_id, c.req.valid('query').limit)) }, 200),
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/traces/{trace_id}/spans',
      permission: 'traces.read',
      tags: ['traces'],
      summary: 'A window on the spans of one trace, as a tree',
      description:
        'Each call is followed by those that name it as parent, with the stops of the rail as its children. Windows before and behind it are reached by the cursors.',
      request: { params: idParams, query: spanQuery },
      responses: { 200: json(spanWindowSchema, 'The window.') },
    }),
    async (c) => {
      const { around, offset, limit, cursor } = c.req.valid('query');
      const window = await listSpans(c.var.context(), {
        traceId: c.req.valid('param').trace_id,
        around: around?.slice(3) ?? null,
        offset: offset ?? null,
        limit,
        cursor: cursor ?? null,
      });
      return c.json(spanWindowBody(window), 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/traces/{trace_id}/outline',
      permission: 'traces.read',
      tags: ['traces'],
      summary: 'All calls of one trace, each in a few bytes',
      description: 'For a picture of the whole: when each call began and how long it took, in the order of the tree of `/spans`, and which of them are meant.',
      request: { params: idParams, query: z.object({ find: findWords }) },
      responses: { 200: json(outlineSchema, 'The outline.') },
    }),
    async (c) => c.json(outlineBody(await outlineTrace(c.var.context(), c.req.valid('param').trace_id, c.req.valid('query').find)), 200),
  );
}

const whatFits =
  'A trace is in the list when its first call began at or after `start_time` and before `end_time`. `status`, durations and costs are of the trace as a whole; of everything else, one of its calls must fit all.';

const cursor = z.string().min(1).max(300).optional();
const pageParams = { limit: z.coerce.number().int().min(1).max(bounds.tracesListMax).default(50), cursor };

function pageBody({ traces, cursor: next, estimatedTotal, scannedStartUs, scannedEndUs }: TracePage): z.output<typeof traceListSchema> {
  return {
    traces: traces.map(listedBody),
    cursor: next,
    has_more: next !== null,
    estimated_total: estimatedTotal,
    scanned_range: { start_time: isoOf(scannedStartUs), end_time: isoOf(scannedEndUs) },
  };
}

const facetNames = ['status', 'server', 'tool', 'agent', 'user', 'team', 'key', 'client', 'code', 'policy', 'method', 'env'] as const;
const facetName = z.enum(facetNames);
const facetQuery = traceFilters.extend({
  facets: z
    .string()
    .default('status,server,tool,agent,user,team,key,client')
    .transform((text) => text.split(','))
    .pipe(z.array(facetName).min(1).max(facetNames.length))
    .openapi({ type: 'string', description: `Fields with commas between them: ${facetNames.join(', ')}.`, example: 'server,status' }),
  limit: z.coerce.number().int().min(1).max(bounds.facetValuesMax).default(20).openapi({ description: 'Values of each facet.' }),
});
const facetsSchema = z
  .object({
    facets: z.array(
      z.object({
        name: facetName,
        values: z.array(z.object({ value: z.string().nullable().openapi({ description: 'Null: the calls that have none.' }), calls: z.number().int() })),
        truncated: z.boolean(),
      }),
    ),
  })
  .openapi('TraceFacets');

const histogramQuery = traceFilters.extend({ buckets: z.coerce.number().int().min(1).max(bounds.histogramBucketsMax).default(60) });
const count = z.number().int();
const bucketSchema = z.object({
  start_time: timeSchema,
  calls: count,
  outcomes: z.object({ success: count, error: count, timeout: count, blocked: count, waiting: count, cancelled: count, unknown: count }),
});
const histogramSchema = z.object({ bucket_ms: z.number().int(), buckets: z.array(bucketSchema) }).openapi('TraceHistogram');

export const traceIdParam = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'a trace id is 1 to 128 visible ASCII characters')
  .openapi({ description: '`tr_…`, or the X-Trace-ID that the caller chose.', example: 'tr_4bf92f3577b34da6a3ce929d0e0e4736' });
const idParams = z.object({ trace_id: traceIdParam });
const findWords = z.string().max(100).default('').openapi({
  description: 'Words with spaces between them; calls in which each stands somewhere: in server, name, operation, status, fault, policy or target.',
  example: 'github error',
});
const spanQuery = z.object({
  around: z
    .string()
    .regex(/^sp_[0-9a-f]{16}$/, 'a span id is sp_ and 16 hex digits')
    .optional()
    .openapi({ description: 'The span that the window has in its middle; without it, the window begins with the first.' }),
  offset: z.coerce.number().int().min(0).max(bounds.traceTreeSpansMax).optional().openapi({ description: 'Place in the tree of the first span.' }),
  limit: z.coerce.number().int().min(1).max(bounds.spanWindowMax).default(200),
  cursor,
});
