import { z } from '@hono/zod-openapi';
import { readCallMetrics } from '../control/metrics/read-call-metrics.ts';
import { bounds } from '../kernel/bounds.ts';
import { callMetricsBody, callMetricsSchema } from './call-metrics-shape.ts';
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
      const { start_time: start, end_time: end, query, steps, limit, compare } = c.req.valid('query');
      const found = await readCallMetrics(c.var.context(), {
        startMs: start === undefined ? null : Date.parse(start),
        endMs: end === undefined ? null : Date.parse(end),
        query,
        steps: steps ?? null,
        groups: limit,
        compare: compare === 'true',
      });
      return c.json(callMetricsBody(found), 200);
    },
  );
}

const metricsQuery = z.object({
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
  limit: z.coerce.number().int().min(1).max(bounds.metricGroupsMax).default(20).openapi({ description: 'Servers, and tools, at most.' }),
  compare: z.enum(['true', 'false']).default('false').openapi({ description: 'With the window before.' }),
});
