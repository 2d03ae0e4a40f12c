import { z } from '@hono/zod-openapi';
import { summarizeCosts } from '../control/costs/summarize-costs.ts';
import { traceCosts } from '../control/costs/trace-costs.ts';
import { trendCosts } from '../control/costs/trend-costs.ts';
import {
  compareQuery,
  filterOf,
  formatQuery,
  groupQuery,
  periodQuery,
  summaryBody,
  summaryCsv,
  summarySchema,
  traceBody,
  traceCostSchema,
  traceCsv,
  trendBody,
  trendCsv,
  trendSchema,
} from './cost-shape.ts';
import { wantsCsv } from './csv.ts';
import { json, route, type Api } from './route.ts';
import { traceIdParam } from './trace-routes.ts';

const exact = 'Tool calls that ran are counted. Amounts are exact, not rounded to a binary number; of large numbers read the text, not a float.';

/** Costs, in the shapes of the product document ("Costs API"). */
export function costRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/costs/summary',
      permission: 'costs.read',
      tags: ['costs'],
      summary: 'What calls cost in a period, by group',
      description: exact,
      request: { query: z.object({ ...periodQuery, group_by: groupQuery, compare: compareQuery, format: formatQuery }) },
      responses: { 200: jsonOrCsv(summarySchema, 'Totals and groups.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const summary = await summarizeCosts(c.var.context(), {
        startDate: query.start_date,
        endDate: query.end_date,
        groupBy: query.group_by,
        currency: query.currency ?? null,
        filter: filterOf(query),
        compare: query.compare === 'true',
      });
      if (wantsCsv(query.format, c.req.header('accept'))) return c.body(summaryCsv(summary, query.group_by), 200, csvHeaders(`costs-by-${query.group_by}`));
      return c.json(summaryBody(summary, { start: query.start_date, end: query.end_date }), 200);
    },
  );
  for (const by of ['team', 'user', 'server'] as const) {
    api.openapi(
      route({
        method: 'get',
        path: `/v1/costs/by-${by}`,
        permission: 'costs.read',
        tags: ['costs'],
        summary: `What calls cost in a period, by ${by}`,
        description: `${exact} The same as \`/v1/costs/summary?group_by=${by}&compare=true\`.`,
        request: { query: z.object({ ...periodQuery, format: formatQuery }) },
        responses: { 200: jsonOrCsv(summarySchema, 'Totals and groups, dearest first.') },
      }),
      async (c) => {
        const query = c.req.valid('query');
        const summary = await summarizeCosts(c.var.context(), {
          startDate: query.start_date,
          endDate: query.end_date,
          groupBy: by,
          currency: query.currency ?? null,
          filter: filterOf(query),
          compare: true,
        });
        if (wantsCsv(query.format, c.req.header('accept'))) return c.body(summaryCsv(summary, by), 200, csvHeaders(`costs-by-${by}`));
        return c.json(summaryBody(summary, { start: query.start_date, end: query.end_date }), 200);
      },
    );
  }
  api.openapi(
    route({
      method: 'get',
      path: '/v1/costs/trend',
      permission: 'costs.read',
      tags: ['costs'],
      summary: 'How costs go by day, and what the period will have cost at its end',
      description: `${exact} The projection says how it is made.`,
      request: { query: z.object({ ...periodQuery, format: formatQuery }) },
      responses: { 200: jsonOrCsv(trendSchema, 'Days, projection, and the period before.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const trend = await trendCosts(c.var.context(), {
        startDate: query.start_date,
        endDate: query.end_date,
        currency: query.currency ?? null,
        filter: filterOf(query),
      });
      if (wantsCsv(query.format, c.req.header('accept'))) return c.body(trendCsv(trend), 200, csvHeaders('costs-trend'));
      return c.json(trendBody(trend, { start: query.start_date, end: query.end_date }), 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/costs/trace/{trace_id}',
      permission: 'costs.read',
      tags: ['costs'],
      summary: 'What one trace cost, by span',
      request: { params: z.object({ trace_id: traceIdParam }), query: z.object({ format: formatQuery }) },
      responses: { 200: jsonOrCsv(traceCostSchema, 'The total and its parts.') },
    }),
    async (c) => {
      const trace = await traceCosts(c.var.context(), c.req.valid('param').trace_id);
      if (wantsCsv(c.req.valid('query').format, c.req.header('accept'))) return c.body(traceCsv(trace), 200, csvHeaders('costs-of-trace'));
      return c.json(traceBody(trace), 200);
    },
  );
}

function csvHeaders(name: string): Record<string, string> {
  return { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Disposition': `attachment; filename="${name}.csv"` };
}

/** The same answer as JSON or as CSV. */
function jsonOrCsv<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
): { content: { 'application/json': { schema: Schema }; 'text/csv': { schema: z.ZodString } }; description: string } {
  const { content } = json(schema, description);
  return { content: { ...content, 'text/csv': { schema: z.string() } }, description };
}
