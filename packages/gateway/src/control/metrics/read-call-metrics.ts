import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { parseQuery } from '../../query/parse-query.ts';
import { isOfSums, matchesKind } from '../../query/summed-query.ts';
import type { CallMetricsRow } from '../../store/ledger/call-metrics.ts';
import type { RecentFigures } from '../../telemetry/live/live-feed.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { roundWidth } from '../traces/count-traces.ts';
import { looksIntoBodies } from '../traces/select-calls.ts';

export interface CallMetricsQuery {
  /** Milliseconds since the epoch; null: `defaultWindowMs` before the end, and now. */
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** In the query language; empty: every call. */
  readonly query: string;
  /** Steps of the series at most; null: `stepsUsual`, and where the window is long no more than days. */
  readonly steps: number | null;
  /** Of each kind at most. */
  readonly groups: number;
  /** With the window before. */
  readonly compare: boolean;
}

/** Calls of a window, or of a part of it. */
export interface CallFigures {
  readonly outcomes: CallMetricsRow;
  readonly calls: number;
  /** Ended as `error` or `timeout`. */
  readonly errors: number;
  /** Calls in a second. */
  readonly rate: number;
}

export interface CallMetrics {
  /** Whole minutes, up to now. */
  readonly startMs: number;
  readonly endMs: number;
  readonly total: CallFigures;
  /** By name, or by key where a caller gives none; null where the window is longer than `metricAgentDaysMax`. */
  readonly agents: number | null;
  readonly before: (CallFigures & { readonly startMs: number; readonly endMs: number; readonly agents: number | null }) | null;
  readonly stepMs: number;
  /** All of the window, those without calls too. */
  readonly series: readonly (CallFigures & { readonly startMs: number })[];
  readonly servers: readonly (CallFigures & { readonly server: string })[];
  readonly tools: readonly (CallFigures & { readonly server: string; readonly tool: string })[];
  /** There are more of them. */
  readonly truncated: boolean;
  /** The seconds that just ended, of this node; null where nothing of them is known yet, or they do not know what the query asks. */
  readonly live: RecentFigures | null;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
const defaultWindowMs = 3_600_000;
const stepsUsual = 60;

/** How many calls were made, how well and how fast. Faults: `invalid_params`, `query_invalid`, `unavailable`. */
export async function readCallMetrics(
  context: Pick<ControlContext, 'ledger' | 'organizationId' | 'actor' | 'clock' | 'live'>,
  asked: CallMetricsQuery,
): Promise<CallMetrics> {
  const { organizationId } = context;
  const query = parseQuery(asked.query);
  const bodies = looksIntoBodies(context.actor, query);
  const nowMs = context.clock.nowMs();
  const wantedEndMs = asked.endMs ?? nowMs;
  const wantedStartMs = asked.startMs ?? wantedEndMs - defaultWindowMs;
  if (wantedStartMs >= wantedEndMs) throw new Fault('invalid_params', { reason: 'start_time must lie before end_time' });
  if (wantedStartMs < 0 || wantedEndMs >= Date.UTC(2100, 0, 1)) throw new Fault('invalid_params', { reason: 'times lie between 1970 and 2099' });
  const ledger = requireLedger(context);
  const startMs = Math.floor(wantedStartMs / minuteMs) * minuteMs;
  const endMs = Math.ceil(wantedEndMs / minuteMs) * minuteMs;
  // Of whole days are sums that answer at once, whatever the number of calls; finer steps of a long window must be asked for.
  const stepMsMin = asked.steps === null && endMs - startMs > bounds.metricFineDaysMax * dayMs ? dayMs : minuteMs;
  const stepMs = roundWidth(endMs - startMs, Math.min(asked.steps ?? stepsUsual, bounds.metricBucketsMax), stepMsMin);
  const limit = Math.max(bounds.metricBucketsMax + 2, asked.groups + 1);

  const read = async (fromMs: number, toMs: number, grouped: boolean): Promise<readonly [readonly CallMetricsRow[], number | null]> => {
    const window = { organizationId, startMs: fromMs, endMs: toMs, query, bodies };
    return Promise.all([
      ledger.callMetrics({ ...window, stepMs, limit, grouped }),
      toMs - fromMs > bounds.metricAgentDaysMax * dayMs ? null : ledger.countAgents(window),
    ]);
  };
  const beforeMs = startMs - (endMs - startMs);
  const [[rows, agents], before] = await Promise.all([read(startMs, endMs, true), asked.compare ? read(Math.max(0, beforeMs), startMs, false) : null]);

  // What is still to come of the window has not been quiet.
  const seenMs = Math.max(1000, Math.min(endMs, nowMs) - startMs);
  const of = (kind: CallMetricsRow['kind']): readonly CallMetricsRow[] => rows.filter((row) => row.kind === kind);
  const steps = new Map(of('step').map((row) => [row.step * 1000, row]));
  const firstStepMs = Math.floor(startMs / stepMs) * stepMs;
  const [servers, tools] = [of('server'), of('tool')];
  return {
    startMs,
    endMs: Math.min(endMs, Math.max(nowMs, startMs)),
    total: figuresOf(of('total')[0], seenMs),
    agents,
    before: before && {
      startMs: beforeMs,
      endMs: startMs,
      agents: before[1],
      ...figuresOf(
        before[0].find(({ kind }) => kind === 'total'),
        endMs - startMs,
      ),
    },
    stepMs,
    series: Array.from({ length: Math.ceil((endMs - firstStepMs) / stepMs) }, (_, index) => {
      const fromMs = firstStepMs + index * stepMs;
      const heldMs = Math.min(fromMs + stepMs, endMs, nowMs) - Math.max(fromMs, startMs);
      return { startMs: fromMs, ...figuresOf(steps.get(fromMs), Math.max(1000, heldMs)) };
    }),
    servers: servers.slice(0, asked.groups).map((row) => ({ server: row.server, ...figuresOf(row, seenMs) })),
    tools: tools.slice(0, asked.groups).map((row) => ({ server: row.server, tool: row.tool, ...figuresOf(row, seenMs) })),
    truncated: servers.length > asked.groups || tools.length > asked.groups,
    live: isOfSums(query) ? context.live.recent(organizationId, (kind) => matchesKind(query, kind)) : null,
  };
}

const none: CallMetricsRow = {
  kind: 'total',
  step: 0,
  server: '',
  tool: '',
  calls: 0,
  success: 0,
  error: 0,
  timeout: 0,
  blocked: 0,
  waiting: 0,
  cancelled: 0,
  unknown: 0,
  p50: null,
  p95: null,
  p99: null,
};

function figuresOf(found: CallMetricsRow | undefined, lengthMs: number): CallFigures {
  const row = found ?? none;
  return { outcomes: row, calls: row.calls, errors: row.error + row.timeout, rate: (row.calls * 1000) / lengthMs };
}
