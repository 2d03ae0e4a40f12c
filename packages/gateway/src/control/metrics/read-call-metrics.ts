import { bounds } from '../../kernel/bounds.ts';
import { isOfSums, matchesKind } from '../../query/summed-query.ts';
import type { CallMetricsRow } from '../../store/ledger/call-metrics.ts';
import type { RecentFigures } from '../../telemetry/live/live-feed.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { countedWindow, figuresOf, type CallFigures, type WindowQuery } from './counted-window.ts';

export interface CallMetricsQuery extends WindowQuery {
  /** Of each kind at most. */
  readonly groups: number;
  /** With the window before. */
  readonly compare: boolean;
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

const dayMs = 86_400_000;

/** How many calls were made, how well and how fast. Faults: `invalid_params`, `query_invalid`, `unavailable`. */
export async function readCallMetrics(
  context: Pick<ControlContext, 'ledger' | 'organizationId' | 'actor' | 'clock' | 'live'>,
  asked: CallMetricsQuery,
): Promise<CallMetrics> {
  const { seenMs, nowMs, allSteps, ...window } = countedWindow(context, asked);
  const { organizationId, query, startMs, endMs, stepMs } = window;
  const ledger = requireLedger(context);
  const limit = Math.max(bounds.metricBucketsMax + 2, asked.groups + 1);

  const read = async (fromMs: number, toMs: number, grouped: boolean): Promise<readonly [readonly CallMetricsRow[], number | null]> => {
    const part = { ...window, startMs: fromMs, endMs: toMs };
    return Promise.all([ledger.callMetrics({ ...part, limit, grouped }), toMs - fromMs > bounds.metricAgentDaysMax * dayMs ? null : ledger.countAgents(part)]);
  };
  const beforeMs = startMs - (endMs - startMs);
  const [[rows, agents], before] = await Promise.all([read(startMs, endMs, true), asked.compare ? read(Math.max(0, beforeMs), startMs, false) : null]);

  const of = (kind: CallMetricsRow['kind']): readonly CallMetricsRow[] => rows.filter((row) => row.kind === kind);
  const steps = new Map(of('step').map((row) => [row.step * 1000, row]));
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
    series: allSteps.map(({ startMs: fromMs, heldMs }) => ({ startMs: fromMs, ...figuresOf(steps.get(fromMs), heldMs) })),
    servers: servers.slice(0, asked.groups).map((row) => ({ server: row.server, ...figuresOf(row, seenMs) })),
    tools: tools.slice(0, asked.groups).map((row) => ({ server: row.server, tool: row.tool, ...figuresOf(row, seenMs) })),
    truncated: servers.length > asked.groups || tools.length > asked.groups,
    live: isOfSums(query) ? context.live.recent(organizationId, (kind) => matchesKind(query, kind)) : null,
  };
}
