import { z } from '@hono/zod-openapi';
import { spanIdOf, traceIdOf } from '../kernel/id.ts';
import { summarizeCosts } from '../control/costs/summarize-costs.ts';
import { getTrace } from '../control/traces/get-trace.ts';
import { exactNumber } from './exact-number.ts';
import { json, route, type Api } from './route.ts';
import { traceIdParam } from './trace-routes.ts';

/** Costs, in the shapes of the product document ("Costs API"). */
export function costRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/costs/summary',
      permission: 'costs.read',
      tags: ['costs'],
      summary: 'What calls cost in a period, by group',
      description: 'Only calls that have a price are counted. Amounts are exact, not rounded to a binary number.',
      request: { query: summaryQuery },
      responses: { 200: json(summarySchema, 'Totals and groups.') },
    }),
    async (c) => {
      const { start_date: start, end_date: end, group_by: groupBy, currency } = c.req.valid('query');
      const { totalCost, totalCalls, groups, truncated, ...summary } = await summarizeCosts(c.var.context(), {
        startDate: start,
        endDate: end,
        groupBy,
        currency: currency ?? null,
      });
      return c.json(
        {
          summary: { total_cost: exactNumber(totalCost), total_calls: totalCalls, currency: summary.currency, period: { start, end } },
          breakdown: groups.map(({ group, cost, calls }) => ({ group: group === '' ? null : group, cost: exactNumber(cost), calls })),
          truncated,
        },
        200,
      );
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/costs/trace/{trace_id}',
      permission: 'costs.read',
      tags: ['costs'],
      summary: 'What one trace cost, by span',
      request: { params: z.object({ trace_id: traceIdParam }) },
      responses: { 200: json(traceCostSchema, 'The total and its parts.') },
    }),
    async (c) => {
      const trace = await getTrace(c.var.context(), c.req.valid('param').trace_id);
      const priced = trace.spans.filter(({ priced_by }) => priced_by !== '');
      return c.json(
        {
          trace_id: traceIdOf(trace.traceHex),
          total_cost: exactNumber(trace.totalCost),
          currency: trace.first.currency,
          breakdown: priced.map((span) => ({
            span_id: spanIdOf(span.span_hex),
            server: span.server,
            tool: span.tool,
            cost: exactNumber(span.cost_text),
            priced_by: span.priced_by,
            input_tokens: span.input_tokens,
            output_tokens: span.output_tokens,
          })),
          truncated: trace.spanCount > trace.spans.length,
        },
        200,
      );
    },
  );
}

const date = z.iso.date().openapi({ description: 'UTC, included.', example: '2026-01-31' });
const amount = z.number().openapi({ description: 'Exact, up to nine decimals.', example: 1523.45 });

const summaryQuery = z.object({
  start_date: date,
  end_date: date,
  group_by: z
    .enum(['day', 'week', 'month', 'team', 'user', 'server', 'tool', 'agent', 'key'])
    .default('day')
    .openapi({ description: 'Weeks are named by their Monday, tools as server/tool.' }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'a currency is three capital letters')
    .optional()
    .openapi({ description: 'That of the price list by default. Amounts of other currencies are not added.' }),
});
const summarySchema = z
  .object({
    summary: z.object({ total_cost: amount, total_calls: z.number().int(), currency: z.string(), period: z.object({ start: z.string(), end: z.string() }) }),
    breakdown: z.array(
      z.object({
        group: z.string().nullable().openapi({ description: 'Null: calls that belong to none.', example: '2026-01-01' }),
        cost: amount,
        calls: z.number().int(),
      }),
    ),
    truncated: z.boolean().openapi({ description: 'There are more groups; the totals count them too.' }),
  })
  .openapi('CostSummary');
const traceCostSchema = z
  .object({
    trace_id: z.string(),
    total_cost: amount,
    currency: z.string(),
    breakdown: z.array(
      z.object({
        span_id: z.string(),
        server: z.string(),
        tool: z.string(),
        cost: amount,
        priced_by: z.string(),
        input_tokens: z.number().int(),
        output_tokens: z.number().int(),
      }),
    ),
    truncated: z.boolean(),
  })
  .openapi('TraceCost');
