import { z } from '@hono/zod-openapi';
import type { CallFigures } from '../control/metrics/counted-window.ts';
import type { CallMetrics } from '../control/metrics/read-call-metrics.ts';
import type { CallSeries } from '../control/metrics/read-call-series.ts';
import type { MeterFigures, MeterSummary } from '../telemetry/live/call-meter.ts';
import { timeSchema } from './route.ts';
import { callStatuses } from './trace-shape.ts';

/** How figures of calls look in an answer, and in a live stream. */
const count = z.number().int();
const ms = z.number().openapi({ description: 'Milliseconds, within a hundredth.' });
const figures = {
  calls: count,
  rate: z.number().openapi({ description: 'Calls in a second.', example: 4.2 }),
  errors: count.openapi({ description: 'Calls that ended as `error` or `timeout`.' }),
  error_percent: z.number().nullable().openapi({ description: 'Of 100 calls; null where there were none.', example: 0.23 }),
  outcomes: z.object({ success: count, error: count, timeout: count, blocked: count, waiting: count, cancelled: count, unknown: count }),
  latency_ms: z.object({ p50: ms, p95: ms, p99: ms }).nullable().openapi({ description: 'Of calls that came to a server; null where none did.' }),
};
const period = z.object({ start_time: timeSchema, end_time: timeSchema });
const agents = count
  .nullable()
  .openapi({ description: 'Agents that called: by name, and where a caller gives none, by key. Null for windows of more than seven days.' });
const server = z.string();
const tool = z.string();

export const callMetricsSchema = z
  .object({
    metrics: z.object({
      period,
      ...figures,
      active_agents: agents,
      previous: z
        .object({ period, ...figures, active_agents: agents })
        .nullable()
        .openapi({ description: 'The window before, where `compare` asks for it.' }),
      live: z
        .object({
          seconds: count.openapi({ description: 'How many seconds the figures are of, up to 10.' }),
          ...figures,
          servers: z.array(z.object({ server, ...figures })),
          tools: z.array(z.object({ server, tool, ...figures })),
          history: z.array(z.object({ end_time: timeSchema, calls: count, errors: count })).openapi({ description: 'A second each, up to a minute.' }),
        })
        .nullable()
        .openapi({
          description:
            'The seconds that just ended, of the node that answers. Null in the first second after nobody asked for a minute, and where `query` names more than server, tool, method and status.',
        }),
    }),
    step_ms: count,
    series: z.array(z.object({ start_time: timeSchema, ...figures })),
    servers: z.array(z.object({ server, ...figures })).openapi({ description: 'Most calls first.' }),
    tools: z.array(z.object({ server, tool, ...figures })).openapi({ description: 'Of tool calls, most calls first.' }),
    truncated: z.boolean().openapi({ description: 'There are more servers or tools than `limit`.' }),
  })
  .openapi('CallMetrics');

export function callMetricsBody(found: CallMetrics): z.output<typeof callMetricsSchema> {
  const { before, live } = found;
  return {
    metrics: {
      period: periodOf(found),
      ...figuresBody(found.total),
      active_agents: found.agents,
      previous: before && { period: periodOf(before), ...figuresBody(before), active_agents: before.agents },
      live: live && {
        seconds: live.seconds,
        ...summaryBody(live, live.seconds),
        history: live.history.map(({ endMs, calls, errors }) => ({ end_time: isoOf(endMs), calls, errors })),
      },
    },
    step_ms: found.stepMs,
    series: found.series.map((step) => ({ start_time: isoOf(step.startMs), ...figuresBody(step) })),
    servers: found.servers.map((group) => ({ server: group.server, ...figuresBody(group) })),
    tools: found.tools.map((group) => ({ server: group.server, tool: group.tool, ...figuresBody(group) })),
    truncated: found.truncated,
  };
}

const counts = z.array(count);
const known = z.array(z.number().nullable());
export const callSeriesSchema = z
  .object({
    period,
    step_ms: count,
    start_times: z.array(timeSchema).openapi({ description: 'When each step begins. Each list of `series` has a figure for each of them.' }),
    groups: z
      .array(
        z.object({
          server: server
            .nullable()
            .openapi({ description: 'Null: all that have no series of their own, together. Empty: of endpoints, of many servers at once.' }),
          tool: tool.nullable().openapi({ description: 'Null where `by` is `server`, and of the rest.' }),
          ...figures,
          series: z.object({
            calls: counts,
            rate: z.array(z.number()),
            errors: counts,
            error_percent: known.openapi({ description: 'Null in steps without a call.' }),
            p50_ms: known,
            p95_ms: known,
            p99_ms: known.openapi({ description: 'Null, as the others, in steps in which no call came to a server.' }),
          }),
        }),
      )
      .openapi({ description: 'By name; the rest, where there is one, last.' }),
  })
  .openapi('CallMetricSeries');

export function callSeriesBody(found: CallSeries): z.output<typeof callSeriesSchema> {
  return {
    period: periodOf(found),
    step_ms: found.stepMs,
    start_times: found.stepsMs.map(isoOf),
    groups: found.groups.map(({ server: ofServer, tool: ofTool, series, ...total }) => {
      const steps = series.map(figuresBody);
      return {
        server: ofServer,
        tool: ofTool,
        ...figuresBody(total),
        series: {
          calls: steps.map(({ calls }) => calls),
          rate: steps.map(({ rate }) => rate),
          errors: steps.map(({ errors }) => errors),
          error_percent: steps.map(({ error_percent: percent }) => percent),
          p50_ms: steps.map(({ latency_ms: latency }) => latency?.p50 ?? null),
          p95_ms: steps.map(({ latency_ms: latency }) => latency?.p95 ?? null),
          p99_ms: steps.map(({ latency_ms: latency }) => latency?.p99 ?? null),
        },
      };
    }),
  };
}

type FiguresBody = z.output<z.ZodObject<typeof figures>>;

/** Of so many seconds, as they were counted when calls ended. */
export function summaryBody(
  { total, servers, tools }: MeterSummary,
  seconds: number,
): FiguresBody & { servers: (FiguresBody & { server: string })[]; tools: (FiguresBody & { server: string; tool: string })[] } {
  return {
    ...meteredBody(total, seconds),
    servers: servers.map((group) => ({ server: group.server, ...meteredBody(group, seconds) })),
    tools: tools.map((group) => ({ server: group.server, tool: group.tool, ...meteredBody(group, seconds) })),
  };
}

function meteredBody({ calls, outcomes, latencyUs }: MeterFigures, seconds: number): FiguresBody {
  const errors = (outcomes['error'] ?? 0) + (outcomes['timeout'] ?? 0);
  return {
    calls,
    rate: rounded(calls / seconds),
    errors,
    error_percent: percentOf(errors, calls),
    outcomes: outcomesOf((status) => outcomes[status] ?? 0),
    latency_ms: latencyUs && { p50: msOf(latencyUs.p50), p95: msOf(latencyUs.p95), p99: msOf(latencyUs.p99) },
  };
}

function figuresBody({ outcomes, calls, errors, rate }: CallFigures): FiguresBody {
  const { p50, p95, p99 } = outcomes;
  return {
    calls,
    rate: rounded(rate),
    errors,
    error_percent: percentOf(errors, calls),
    outcomes: outcomesOf((status) => outcomes[status]),
    latency_ms: p50 === null || p95 === null || p99 === null ? null : { p50: msOf(p50), p95: msOf(p95), p99: msOf(p99) },
  };
}

function outcomesOf(of: (status: (typeof callStatuses)[number]) => number): FiguresBody['outcomes'] {
  return Object.fromEntries(callStatuses.map((status) => [status, of(status)])) as FiguresBody['outcomes'];
}

function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : rounded((100 * part) / whole);
}

/** Figures that are divided have as many digits as mean something. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

/** Milliseconds to the microsecond. */
function msOf(us: number): number {
  return Math.round(us) / 1000;
}

function periodOf({ startMs, endMs }: { readonly startMs: number; readonly endMs: number }): z.output<typeof period> {
  return { start_time: isoOf(startMs), end_time: isoOf(endMs) };
}

function isoOf(msSinceEpoch: number): string {
  return new Date(msSinceEpoch).toISOString();
}
