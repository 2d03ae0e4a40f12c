import { z } from '@hono/zod-openapi';
import type { WindowQuery } from '../control/metrics/counted-window.ts';
import { readCallMetrics } from '../control/metrics/read-call-metrics.ts';
import { readCallSeries } from '../control/metrics/read-call-series.ts';
import { bounds } from '../kernel/bounds.ts';
import { callMetricsBody, callMetricsSchema, callSeriesBody, callSeriesSchema } from './call-metrics-shape.ts';
import { instant, querySchema } from './call-question.ts';
import { json, route, type Api } from './route.ts';

/** How many calls, how well and how fast: for charts. Prometheus has metrics of its own. */
export function callMetricsRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/metrics',
      permission: 'metrics.read',
      tags: ['metrics'],
      summary: 'Rate, errors, latency and active agents, over time, by server and by tool',
      description:
        'Of all nodes, and of every MCP request: `query=method:tools/call` leaves tool calls. Windows are of whole minutes up to now. Queries that name only server, tool, method and status are answered from sums by day and by minute, which are kept longer than calls (`retention.metrics`); others read the calls.',
      request: { query: metricsQuery },
      responses: { 200: json(callMetricsSchema, 'Totals, the series, and groups.') },
    }),
    async (c) => {
      const { limit, compare, ...window } = c.req.valid('query');
      const found = await readCallMetrics(c.var.context(), { ...windowOf(window), groups: limit, compare: compare === 'true' });
      return c.json(callMetricsBody(found), 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/metrics/series',
      permission: 'metrics.read',
      tags: ['metrics'],
      summary: 'Rate, errors and latency over time, of each server or of each tool',
      description:
        'A line each for the servers, or with `by=tool` the tools, that have the most calls in the window, and one for all others together. Windows, steps and queries are those of `GET /v1/metrics`.',
      request: { query: seriesQuery },
      responses: { 200: json(callSeriesSchema, 'The groups, each with its totals and its series.') },
    }),
    async (c) => {
      const { limit, by, ...window } = c.req.valid('query');
      return c.json(callSeriesBody(await readCallSeries(c.var.context(), { ...windowOf(window), by, groups: limit })), 200);
    },
  );
}

const windowQuery = {
  start_time: instant.optional().openapi({ description: 'Default: an hour before the end.' }),
  end_time: instant.optional().openapi({ description: 'Default: now.' }),
  query: querySchema.default(''),
  steps: z.coerce
    .number()
    .int()
    .min(1)
    .max(bounds.metricBucketsMax)
    .optional()
    .openapi({
      description: `Steps of the series, at most; each is of a round width of at least a minute. Default: 60, and for windows of more than ${bounds.metricFineDaysMax} days one a day or fewer. Long windows in steps of days are answered much sooner than in finer ones.`,
    }),
};

const metricsQuery = z.object({
  ...windowQuery,
  limit: z.coerce.number().int().min(1).max(bounds.metricGroupsMax).default(20).openapi({ description: 'Servers, and tools, at most.' }),
  compare: z.enum(['true', 'false']).default('false').openapi({ description: 'With the window before.' }),
});

const seriesQuery = z.object({
  ...windowQuery,
  by: z.enum(['server', 'tool']).default('server').openapi({ description: 'What has a line. Of tools, of tool calls only.' }),
  limit: z.coerce.number().int().min(1).max(bounds.metricSeriesMax).default(7).openapi({ description: 'Lines at most, beside that of the rest.' }),
});

function windowOf({ start_time: start, end_time: end, query, steps }: z.output<z.ZodObject<typeof windowQuery>>): WindowQuery {
  return { startMs: start === undefined ? null : Date.parse(start), endMs: end === undefined ? null : Date.parse(end), query, steps: steps ?? null };
}
