/** What costs look like in answers and questions of the API. */
import { z } from '@hono/zod-openapi';
import type { CostFilter } from '../store/ledger/costs.ts';
import type { CostBefore, CostSummary } from '../control/costs/summarize-costs.ts';
import type { CostTrend } from '../control/costs/trend-costs.ts';
import { projectionMethod } from '../control/costs/project-costs.ts';
import type { TraceCosts } from '../control/costs/trace-costs.ts';
import { spanIdOf, traceIdOf } from '../kernel/id.ts';
import { csv } from './csv.ts';
import { exactNumber } from './exact-number.ts';

export const costGroups = ['day', 'week', 'month', 'team', 'user', 'project', 'owner', 'server', 'tool', 'agent', 'key', 'environment'] as const;

const date = z.iso.date().openapi({ description: 'UTC, included.', example: '2026-01-31' });
export const amount = z.number().openapi({ description: 'Exact, up to nine decimals.', example: 1523.45 });
const count = z.number().int();
const change = z.number().nullable().openapi({ description: 'Percent; null where there was nothing to compare with.', example: 12.5 });
const only = (what: string): z.ZodOptional<z.ZodString> =>
  z
    .string()
    .max(512)
    .optional()
    .openapi({ description: `Only calls ${what}; empty: only those without.` });

export const periodQuery = {
  start_date: date,
  end_date: date,
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'a currency is three capital letters')
    .optional()
    .openapi({ description: 'That of the price list by default. Amounts of other currencies are not added.' }),
  team_id: only('of this team'),
  user_id: only('of this user'),
  project_id: only('of this project'),
  agent: only('of this agent'),
  key_id: only('by this key'),
  environment: only('of this environment'),
  server: only('to this server'),
  tool: only('of this tool'),
  priced_by: z
    .enum(['none', 'default', 'server', 'tool', 'reported', 'cache'])
    .optional()
    .openapi({ description: 'Only calls that are priced so; `none`: those without a price.' }),
};
export const formatQuery = z.enum(['json', 'csv']).optional().openapi({ description: 'CSV is also given for `Accept: text/csv`.' });
export const compareQuery = z
  .enum(['true', 'false'])
  .default('false')
  .openapi({ description: 'With what the period before has cost: as many days, right before; of a period that is not over, as many as have begun.' });
export const groupQuery = z.enum(costGroups).default('day').openapi({
  description: 'Weeks are named by their Monday, tools as server/tool. `owner` is the first that a call has of user, team and project, else the organization.',
});

export function filterOf(query: Readonly<Record<string, unknown>>): CostFilter {
  const names = ['team_id', 'user_id', 'project_id', 'agent', 'key_id', 'environment', 'server', 'tool', 'priced_by'] as const;
  return Object.fromEntries(names.flatMap((name) => (typeof query[name] === 'string' ? [[name, query[name]]] : [])));
}

const beforeSchema = z
  .object({ period: z.object({ start: z.string(), end: z.string() }), total_cost: amount, total_calls: count, change_percent: change })
  .openapi('CostBefore');

const figures = {
  calls: count,
  unpriced_calls: count.openapi({ description: 'Those among them for which the price list has no price.' }),
  errors: count,
  input_tokens: count,
  output_tokens: count,
};

export const summarySchema = z
  .object({
    summary: z.object({
      total_cost: amount,
      total_calls: count.openapi({ description: 'Tool calls that ran, with a price or without.' }),
      unpriced_calls: figures.unpriced_calls,
      errors: count,
      input_tokens: count,
      output_tokens: count,
      currency: z.string(),
      period: z.object({ start: z.string(), end: z.string() }),
      previous: beforeSchema.nullable(),
    }),
    breakdown: z.array(
      z.object({
        group: z.string().nullable().openapi({ description: 'Null: calls that belong to none.', example: '2026-01-01' }),
        cost: amount,
        ...figures,
        share_percent: z.number().nullable().openapi({ description: 'Of the total cost.' }),
        previous_cost: amount.nullable(),
        change_percent: change,
      }),
    ),
    truncated: z.boolean().openapi({ description: 'There are more groups; the totals count them too.' }),
  })
  .openapi('CostSummary');

export function summaryBody(summary: CostSummary, period: { readonly start: string; readonly end: string }): z.infer<typeof summarySchema> {
  const { total, before, groups, truncated, currency } = summary;
  const all = Number(total.cost);
  return {
    summary: {
      total_cost: exactNumber(total.cost),
      total_calls: total.calls,
      unpriced_calls: total.unpricedCalls,
      errors: total.errors,
      input_tokens: total.inputTokens,
      output_tokens: total.outputTokens,
      currency,
      period,
      previous: before && beforeBody(before),
    },
    breakdown: groups.map(({ group, cost, calls, unpricedCalls, errors, inputTokens, outputTokens, costBefore, changePercent }) => ({
      group: group === '' ? null : group,
      cost: exactNumber(cost),
      calls,
      unpriced_calls: unpricedCalls,
      errors,
      input_tokens: inputTokens,
      output_tokens: outputTokens,
      share_percent: all === 0 ? null : Math.round((Number(cost) / all) * 1000) / 10,
      previous_cost: costBefore === null ? null : exactNumber(costBefore),
      change_percent: changePercent,
    })),
    truncated,
  };
}

function beforeBody(before: CostBefore): z.infer<typeof beforeSchema> {
  return {
    period: { start: before.startDate, end: before.endDate },
    total_cost: exactNumber(before.cost),
    total_calls: before.calls,
    change_percent: before.changePercent,
  };
}

/** One line a group, under the name of what it is grouped by; where it was compared, with what the period before cost. */
export function summaryCsv({ groups, currency, before }: CostSummary, groupBy: string): string {
  const header = [groupBy, 'calls', 'unpriced_calls', 'errors', 'input_tokens', 'output_tokens', 'cost', 'currency'];
  const rows = groups.map((row) => [row.group, row.calls, row.unpricedCalls, row.errors, row.inputTokens, row.outputTokens, row.cost, currency]);
  if (before === null) return csv(header, rows);
  return csv(
    [...header, 'previous_cost', 'change_percent'],
    groups.map(({ costBefore, changePercent }, index) => [...(rows[index] ?? []), costBefore, changePercent]),
  );
}

export const trendSchema = z
  .object({
    trend: z.object({
      currency: z.string(),
      period: z.object({ start: z.string(), end: z.string() }),
      total_cost: amount,
      total_calls: count,
      unpriced_calls: figures.unpriced_calls,
      previous: beforeSchema,
      projection: z
        .object({
          cost: amount,
          low: amount.openapi({ description: 'The tenth percentile: in one of ten cases it is less.' }),
          high: amount.openapi({ description: 'The ninetieth percentile: in one of ten cases it is more.' }),
          days_averaged: count.openapi({ description: 'Days whose mean each day to come is taken for.' }),
          days_spread: count.openapi({ description: 'Days by whose spread `low` and `high` are reckoned.' }),
          method: z.string(),
        })
        .nullable()
        .openapi({ description: 'What the period will have cost at its end; null where it is over, or fewer than two days are over to judge by.' }),
      days: z.array(
        z.object({ date: z.string(), cost: amount, calls: count, mean_of_7_days: amount.openapi({ description: 'Of this day and the six before it.' }) }),
      ),
    }),
  })
  .openapi('CostTrend');

export function trendBody(trend: CostTrend, period: { readonly start: string; readonly end: string }): z.infer<typeof trendSchema> {
  const { projection } = trend;
  return {
    trend: {
      currency: trend.currency,
      period,
      total_cost: exactNumber(trend.cost),
      total_calls: trend.calls,
      unpriced_calls: trend.unpricedCalls,
      previous: beforeBody(trend.before),
      projection: projection && {
        cost: exactNumber(projection.cost),
        low: exactNumber(projection.low),
        high: exactNumber(projection.high),
        days_averaged: projection.daysAveraged,
        days_spread: projection.daysSpread,
        method: projectionMethod,
      },
      days: trend.days.map(({ date: day, cost, calls, meanOf7 }) => ({ date: day, cost: exactNumber(cost), calls, mean_of_7_days: exactNumber(meanOf7) })),
    },
  };
}

export function trendCsv({ days, currency }: CostTrend): string {
  return csv(
    ['date', 'calls', 'cost', 'mean_of_7_days', 'currency'],
    days.map((day) => [day.date, day.calls, day.cost, day.meanOf7, currency]),
  );
}

export const traceCostSchema = z
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
        priced_by: z
          .string()
          .openapi({ description: 'default, server or tool of the price list, reported by the server itself, cache, or none: it has no price.' }),
        price_version: z.number().int().openapi({ description: 'Of the price list; 0: none.' }),
        input_tokens: z.number().int(),
        output_tokens: z.number().int(),
        duration_ms: z.number(),
      }),
    ),
    truncated: z.boolean(),
  })
  .openapi('TraceCost');

export function traceBody(trace: TraceCosts): z.infer<typeof traceCostSchema> {
  return {
    trace_id: traceIdOf(trace.traceHex),
    total_cost: exactNumber(trace.cost),
    currency: trace.currency,
    breakdown: trace.spans.map((span) => ({
      span_id: spanIdOf(span.spanHex),
      server: span.server,
      tool: span.tool,
      cost: exactNumber(span.cost),
      priced_by: span.pricedBy,
      price_version: span.priceVersion,
      input_tokens: span.inputTokens,
      output_tokens: span.outputTokens,
      duration_ms: span.durationUs / 1000,
    })),
    truncated: trace.truncated,
  };
}

/** One line a call. */
export function traceCsv({ spans, currency }: TraceCosts): string {
  return csv(
    ['span_id', 'server', 'tool', 'priced_by', 'price_version', 'input_tokens', 'output_tokens', 'duration_ms', 'cost', 'currency'],
    spans.map((span) => [
      spanIdOf(span.spanHex),
      span.server,
      span.tool,
      span.pricedBy,
      span.priceVersion,
      span.inputTokens,
      span.outputTokens,
      span.durationUs / 1000,
      span.cost,
      currency,
    ]),
  );
}
