import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { parseQuery } from '../../query/parse-query.ts';
import type { CallCounts, CountedWindow } from '../../store/ledger/call-metrics.ts';
import type { ControlContext } from '../context.ts';
import { roundWidth } from '../traces/count-traces.ts';
import { looksIntoBodies } from '../traces/select-calls.ts';

export interface WindowQuery {
  /** Milliseconds since the epoch; null: `defaultWindowMs` before the end, and now. */
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** In the query language; empty: every call. */
  readonly query: string;
  /** Steps of the series at most; null: `stepsUsual`, and where the window is long no more than days. */
  readonly steps: number | null;
}

/** Calls of a window, or of a part of it. */
export interface CallFigures {
  readonly outcomes: CallCounts;
  readonly calls: number;
  /** Ended as `error` or `timeout`. */
  readonly errors: number;
  /** Calls in a second. */
  readonly rate: number;
}

/** A step of a window. */
interface Step {
  readonly startMs: number;
  /** How much of it is over, and in the window. */
  readonly heldMs: number;
}

export interface AskedWindow extends CountedWindow {
  /** What is over of the window: what is still to come has not been quiet. */
  readonly seenMs: number;
  readonly nowMs: number;
  /** All of the window's. */
  readonly allSteps: readonly Step[];
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
const defaultWindowMs = 3_600_000;
const stepsUsual = 60;

/** The calls and steps that are asked for: whole minutes, in steps of a round width. Faults: `invalid_params`, `query_invalid`. */
export function countedWindow({ organizationId, actor, clock }: Pick<ControlContext, 'organizationId' | 'actor' | 'clock'>, asked: WindowQuery): AskedWindow {
  const query = parseQuery(asked.query);
  const bodies = looksIntoBodies(actor, query);
  const nowMs = clock.nowMs();
  const wantedEndMs = asked.endMs ?? nowMs;
  const wantedStartMs = asked.startMs ?? wantedEndMs - defaultWindowMs;
  if (wantedStartMs >= wantedEndMs) throw new Fault('invalid_params', { reason: 'start_time must lie before end_time' });
  if (wantedStartMs < 0 || wantedEndMs >= Date.UTC(2100, 0, 1)) throw new Fault('invalid_params', { reason: 'times lie between 1970 and 2099' });
  const startMs = Math.floor(wantedStartMs / minuteMs) * minuteMs;
  const endMs = Math.ceil(wantedEndMs / minuteMs) * minuteMs;
  // Of whole days are sums that answer at once, whatever the number of calls; finer steps of a long window must be asked for.
  const stepMsMin = asked.steps === null && endMs - startMs > bounds.metricFineDaysMax * dayMs ? dayMs : minuteMs;
  const stepMs = roundWidth(endMs - startMs, Math.min(asked.steps ?? stepsUsual, bounds.metricBucketsMax), stepMsMin);
  const firstStepMs = Math.floor(startMs / stepMs) * stepMs;
  const allSteps = Array.from({ length: Math.ceil((endMs - firstStepMs) / stepMs) }, (_, index): Step => {
    const fromMs = firstStepMs + index * stepMs;
    return { startMs: fromMs, heldMs: Math.max(1000, Math.min(fromMs + stepMs, endMs, nowMs) - Math.max(fromMs, startMs)) };
  });
  return { organizationId, query, bodies, startMs, endMs, stepMs, nowMs, seenMs: Math.max(1000, Math.min(endMs, nowMs) - startMs), allSteps };
}

const none: CallCounts = {
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

/** `found`: undefined where there was no call. */
export function figuresOf(found: CallCounts | undefined, lengthMs: number): CallFigures {
  const counts = found ?? none;
  return { outcomes: counts, calls: counts.calls, errors: counts.error + counts.timeout, rate: (counts.calls * 1000) / lengthMs };
}
