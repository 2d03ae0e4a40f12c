import { createHash } from 'node:crypto';
import type { StoredRecord } from '../../chain/verify-events.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { CallPosition } from '../../store/ledger/call-list.ts';
import type { AuditPlace, AuditQuery } from '../../store/registry/audit-store.ts';
import type { ControlContext } from '../context.ts';
import { callsThatFit, listCallsAsEvents, type CallChoice } from './list-calls.ts';
import { revealPeople } from './reveal-people.ts';

/** What of the audit is asked for; null: any. */
export type AuditFilter = Omit<AuditQuery, 'after' | 'limit'>;

export interface AuditPage {
  /** Those of the audit have their place in its chain; calls are proved by theirs. */
  readonly events: readonly StoredRecord[];
  /** Which calls are among them; `unavailable`: none, because the ledger cannot be read now. */
  readonly calls: CallChoice | 'unavailable';
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
}

/** The last event and the last call that were passed; null: none yet. */
export interface AuditPosition {
  readonly event: AuditPlace | null;
  readonly call: CallPosition | null;
}

type Context = Pick<ControlContext, 'registry' | 'ledger' | 'organizationId' | 'clock'>;

/** Events of the audit, newest first, `limit` (1 to `auditListMax`) a page. Faults: `invalid_params`, `unavailable`. */
export async function listEvents(
  context: Context,
  { filter, calls, cursor, limit }: { readonly filter: AuditFilter; readonly calls: CallChoice; readonly cursor: string | null; readonly limit: number },
): Promise<AuditPage> {
  if (filter.fromMs !== null && filter.toMs !== null && filter.fromMs >= filter.toMs)
    throw new Fault('invalid_params', { reason: 'start_time must lie before end_time' });
  const digest = digestOf(context.organizationId, filter, calls);
  const after = cursor === null ? begin : positionOf(cursor, digest);
  const asked = { filter, after, limit: Math.min(limit, bounds.auditListMax) };
  const page = await readEvents(context, { ...asked, calls }).catch((error: unknown) => {
    // Events do not wait for a ledger that is busy or away.
    if (!(error instanceof Fault) || error.code !== 'unavailable' || calls === 'none') throw error;
    return readEvents({ ...context, ledger: () => null }, { ...asked, calls });
  });
  return { events: page.events, calls: page.calls, cursor: page.next && cursorOf(page.next, digest) };
}

export const begin: AuditPosition = { event: null, call: null };

/** A page of events and calls behind a position, with that of the next page. Faults: `unavailable`. */
export async function readEvents(
  context: Context,
  { filter, calls: choice, after, limit }: { readonly filter: AuditFilter; readonly calls: CallChoice; readonly after: AuditPosition; readonly limit: number },
): Promise<{ readonly events: readonly StoredRecord[]; readonly calls: AuditPage['calls']; readonly next: AuditPosition | null }> {
  const { organizationId, registry } = context;
  const events = await registry.audit.list(organizationId, { ...filter, after: after.event, limit: limit + 1 });
  const query = callsThatFit(filter, choice);
  const ledger = query === null ? null : context.ledger();
  const oldest = events.length > limit ? (events.at(-1)?.atMs ?? 0) : 0;
  const called =
    query === null || ledger === null
      ? []
      : await listCallsAsEvents(ledger, {
          organizationId,
          query,
          // Calls from before the events of a full page are of a later one.
          startUs: BigInt(Math.max(filter.fromMs ?? 0, oldest)) * 1000n,
          endUs: BigInt(filter.toMs ?? context.clock.nowMs() + dayMs) * 1000n,
          after: after.call,
          limit: limit + 1,
        });
  const merged = [
    ...events.map((event) => ({ event, us: BigInt(event.atMs) * 1000n, eventPlace: { atMs: event.atMs, sequence: event.sequence }, callPlace: null })),
    ...called.map(({ event, place }) => ({ event, us: place.startUs, eventPlace: null, callPlace: place })),
  ].toSorted((one, other) => (one.us === other.us ? 0 : one.us > other.us ? -1 : 1));
  const page = merged.slice(0, limit);
  const passed: AuditPosition = {
    event: page.findLast(({ eventPlace }) => eventPlace !== null)?.eventPlace ?? after.event,
    call: page.findLast(({ callPlace }) => callPlace !== null)?.callPlace ?? after.call,
  };
  const isWithout = query !== null && ledger === null;
  // Calls that could not be read now would stand at a wrong place of the next page.
  const next = isWithout && passed.event !== null ? { ...passed, call: placeAt(passed.event.atMs) } : passed;
  return {
    events: await revealPeople(
      context,
      page.map(({ event }) => event),
    ),
    calls: isWithout ? 'unavailable' : choice,
    next: merged.length > limit ? next : null,
  };
}

/** Before every call of this millisecond. */
function placeAt(atMs: number): CallPosition {
  return { startUs: BigInt(atMs + 1) * 1000n, traceHex: '0'.repeat(32), spanHex: '0'.repeat(16) };
}

const dayMs = 86_400_000;

function cursorOf({ event, call }: AuditPosition, digest: string): string {
  const ofEvent = event === null ? '- -' : `${event.atMs} ${event.sequence}`;
  const ofCall = call === null ? '- - -' : `${call.startUs} ${call.traceHex} ${call.spanHex}`;
  return Buffer.from(`${ofEvent} ${ofCall} ${digest}`).toString('base64url');
}

const cursorForm = /^(?:- -|(\d{1,15}) (\d{1,15})) (?:- - -|(\d{1,17}) ([0-9a-f]{32}) ([0-9a-f]{16})) ([0-9a-f]{16})$/;

function positionOf(cursor: string, digest: string): AuditPosition {
  const [, atMs, sequence, startUs, traceHex, spanHex, madeFor] = cursorForm.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (madeFor !== digest)
    throw new Fault('invalid_params', { reason: 'the cursor is not one that this list gave; its filters must stay the same from page to page' });
  return {
    event: atMs === undefined || sequence === undefined ? null : { atMs: Number(atMs), sequence: Number(sequence) },
    call: startUs === undefined || traceHex === undefined || spanHex === undefined ? null : { startUs: BigInt(startUs), traceHex, spanHex },
  };
}

/** A cursor is good for the list it came from only: with other filters it would skip what it never passed. */
function digestOf(organizationId: string, filter: AuditFilter, calls: CallChoice): string {
  return createHash('sha256')
    .update(JSON.stringify([organizationId, calls, ...Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('hex')
    .slice(0, 16);
}
