import { z } from '@hono/zod-openapi';
import type { CallQuestion } from '../control/traces/select-calls.ts';
import { callStatuses } from './trace-shape.ts';

/** How lists of traces and calls are asked: by window, by fields, and in the query language. */

/** Times of requests may be of any zone. */
export const instant = z.iso.datetime({ offset: true }).openapi({ example: '2026-01-15T10:30:00Z' });
const word = z.string().min(1).max(200);
const wholeMs = z.coerce.number().int().min(0).max(1e12);
const money = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,9})?$/, 'it must be a decimal number such as 0.5, with at most 9 decimals')
  .openapi({ example: '0.5' });

const windowQuery = z.object({ start_time: instant, end_time: instant });

export const querySchema = z.string().openapi({
  description: 'In the query language (docs/guides/search.md). One call must fit all of it.',
  example: 'server:github -status:ok dur:>2s',
});

/** What a call must be. */
const callFilters = z.object({
  query: querySchema.default(''),
  trace_id: word.optional().openapi({ description: '`tr_…`, or the X-Trace-ID that the caller chose.' }),
  user_id: word.optional(),
  team_id: word.optional(),
  agent: word.optional(),
  key_id: word.optional(),
  server: word.optional(),
  tool: word.optional(),
});

const status = z.enum([...callStatuses, 'ok']);

export const traceFilters = windowQuery.extend({
  ...callFilters.shape,
  status: status.optional().openapi({ description: 'That of the worst call of the trace; `ok` is `success`.' }),
  min_duration_ms: wholeMs.optional().openapi({ description: 'Of the trace as a whole, as the following three.' }),
  max_duration_ms: wholeMs.optional(),
  min_cost: money.optional(),
  max_cost: money.optional(),
});

export const logFilters = windowQuery.extend({
  ...callFilters.shape,
  status: status.optional().openapi({ description: '`ok` is `success`.' }),
  min_duration_ms: wholeMs.optional(),
  max_duration_ms: wholeMs.optional(),
});

/** What a list of traces asks for. */
export function traceQuestion(filters: z.output<typeof traceFilters>): CallQuestion {
  const { status: wanted, min_duration_ms: durationMin, max_duration_ms: durationMax, min_cost: costMin, max_cost: costMax } = filters;
  const isAny = [wanted, durationMin, durationMax, costMin, costMax].every((value) => value === undefined);
  return {
    ...questionOf(filters),
    whole: isAny
      ? null
      : {
          status: statusOf(wanted) ?? null,
          durationUsMin: usOf(durationMin),
          durationUsMax: usOf(durationMax),
          costMin: costMin ?? null,
          costMax: costMax ?? null,
        },
  };
}

/** What a list of calls asks for. */
export function logQuestion(filters: z.output<typeof logFilters>): CallQuestion {
  const { exact, ...question } = questionOf(filters);
  const limits = [
    ['>=', usOf(filters.min_duration_ms)],
    ['<=', usOf(filters.max_duration_ms)],
  ] as const;
  const terms = limits.flatMap(([operator, amount]) =>
    amount === null ? [] : [{ negated: false, kind: 'value' as const, field: 'dur' as const, values: [{ kind: 'measure' as const, operator, amount }] }],
  );
  return { ...question, exact: { ...exact, status: statusOf(filters.status) }, terms };
}

function questionOf(filters: z.output<typeof callFilters> & z.output<typeof windowQuery>): CallQuestion {
  const { query, trace_id: trace, user_id: user, team_id: team, key_id: key, agent, server, tool } = filters;
  return {
    startMs: Date.parse(filters.start_time),
    endMs: Date.parse(filters.end_time),
    query,
    exact: { trace, user, team, key, agent, server, tool },
    whole: null,
  };
}

function statusOf(word: z.output<typeof status> | undefined): string | undefined {
  return word === 'ok' ? 'success' : word;
}

function usOf(ms: number | undefined): bigint | null {
  return ms === undefined ? null : BigInt(ms) * 1000n;
}
