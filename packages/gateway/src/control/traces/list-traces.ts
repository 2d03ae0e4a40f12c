import { createHash } from 'node:crypto';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { ListedTrace, TraceFilter, TracePosition } from '../../store/ledger/traces.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';

export interface TraceListQuery {
  /** Milliseconds since the epoch: traces whose first call began at or after `startMs` and before `endMs`. */
  readonly startMs: number;
  readonly endMs: number;
  readonly filter: TraceFilter;
  readonly limit: number;
  readonly cursor: string | null;
}

export interface TracePage {
  readonly traces: readonly ListedTrace[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
}

/**
 * Traces, newest first, `limit` (1 to `tracesListMax`) a page. Pages neither repeat nor skip a trace, however many began in
 * the same microsecond and whatever is recorded meanwhile. Faults: `invalid_params`, `unavailable`.
 */
export async function listTraces(context: Pick<ControlContext, 'ledger' | 'organizationId'>, query: TraceListQuery): Promise<TracePage> {
  if (query.startMs >= query.endMs) throw new Fault('invalid_params', { reason: 'start_time must lie before end_time' });
  if (query.startMs < 0 || query.endMs > endMsMax) throw new Fault('invalid_params', { reason: 'times lie between 1970 and 2200' });
  const size = Math.min(query.limit, bounds.tracesListMax);
  const digest = digestOf(context.organizationId, query);
  const found = await requireLedger(context).listTraces({
    organizationId: context.organizationId,
    startUs: BigInt(query.startMs) * 1000n,
    endUs: BigInt(query.endMs) * 1000n,
    filter: query.filter,
    after: query.cursor === null ? null : positionOf(query.cursor, digest),
    limit: size + 1,
  });
  const traces = found.slice(0, size);
  const last = traces.at(-1);
  return { traces, cursor: found.length > size && last ? cursorOf({ startUs: last.start_us, traceHex: last.trace_hex }, digest) : null };
}

const endMsMax = Date.UTC(2200, 0, 1);

function cursorOf({ startUs, traceHex }: TracePosition, digest: string): string {
  return Buffer.from(`${startUs} ${traceHex} ${digest}`).toString('base64url');
}

function positionOf(cursor: string, digest: string): TracePosition {
  const [, startUs, traceHex, madeFor] = /^(\d{1,19}) ([0-9a-f]{32}) ([0-9a-f]{16})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (startUs === undefined || traceHex === undefined || madeFor !== digest || startUs.length > 16)
    throw new Fault('invalid_params', { reason: 'the cursor is not one that this list gave; its times and filters must stay the same from page to page' });
  return { startUs: BigInt(startUs), traceHex };
}

/** A cursor is good for the list it came from only: with other filters it would skip what it never passed. */
function digestOf(organizationId: string, { startMs, endMs, filter }: TraceListQuery): string {
  return createHash('sha256')
    .update(JSON.stringify([organizationId, startMs, endMs, ...Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('hex')
    .slice(0, 16);
}
