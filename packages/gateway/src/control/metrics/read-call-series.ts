import { bounds } from '../../kernel/bounds.ts';
import type { CallSeriesRow } from '../../store/ledger/call-metrics.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { countedWindow, figuresOf, type CallFigures, type WindowQuery } from './counted-window.ts';

export interface CallSeriesQuery extends WindowQuery {
  readonly by: 'server' | 'tool';
  /** Those with the most calls that have a series of their own. */
  readonly groups: number;
}

export interface CallSeries {
  /** Whole minutes, up to now. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  /** When each step begins, milliseconds since the epoch. */
  readonly stepsMs: readonly number[];
  /** By name, all others together last. */
  readonly groups: readonly (CallFigures & {
    /** Null: those without a series of their own. */
    readonly server: string | null;
    /** Null where it is not by tool. */
    readonly tool: string | null;
    /** One of each step. */
    readonly series: readonly CallFigures[];
  })[];
}

/** How calls of each server, or of each tool, went over time. Faults: `invalid_params`, `query_invalid`, `unavailable`. */
export async function readCallSeries(
  context: Pick<ControlContext, 'ledger' | 'organizationId' | 'actor' | 'clock'>,
  asked: CallSeriesQuery,
): Promise<CallSeries> {
  const { seenMs, nowMs, allSteps, ...window } = countedWindow(context, asked);
  const rows = await requireLedger(context).callSeries({ ...window, by: asked.by, groups: Math.min(asked.groups, bounds.metricSeriesMax) });
  // They come group by group, each with its total behind its steps.
  const groups = Map.groupBy(rows, ({ named, server, tool }) => `${named}\n${server}\n${tool}`);
  return {
    startMs: window.startMs,
    endMs: Math.min(window.endMs, Math.max(nowMs, window.startMs)),
    stepMs: window.stepMs,
    stepsMs: allSteps.map(({ startMs }) => startMs),
    groups: [...groups.values()].map((own) => {
      const [first] = own as [CallSeriesRow, ...CallSeriesRow[]];
      const bySecond = new Map(own.filter(({ kind }) => kind === 'step').map((row) => [row.step * 1000, row]));
      return {
        server: first.named ? first.server : null,
        tool: first.named && asked.by === 'tool' ? first.tool : null,
        ...figuresOf(
          own.find(({ kind }) => kind === 'total'),
          seenMs,
        ),
        series: allSteps.map(({ startMs, heldMs }) => figuresOf(bySecond.get(startMs), heldMs)),
      };
    }),
  };
}
