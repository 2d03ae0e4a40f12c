import { createHash } from 'node:crypto';
import type { ChainedRecord } from '../../chain/audit-record.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { AuditPlace, AuditQuery } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';
import { revealPeople } from './reveal-people.ts';

/** What of the audit is asked for; null: any. */
export type AuditFilter = Omit<AuditQuery, 'after' | 'limit'>;

export interface AuditPage {
  readonly events: readonly ChainedRecord[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
}

/** Events of the audit, newest first, `limit` (1 to `auditListMax`) a page. Faults: `invalid_params`, `unavailable`. */
export async function listEvents(
  context: Pick<ControlContext, 'registry' | 'organizationId'>,
  { filter, cursor, limit }: { readonly filter: AuditFilter; readonly cursor: string | null; readonly limit: number },
): Promise<AuditPage> {
  if (filter.fromMs !== null && filter.toMs !== null && filter.fromMs >= filter.toMs)
    throw new Fault('invalid_params', { reason: 'start_time must lie before end_time' });
  const size = Math.min(limit, bounds.auditListMax);
  const digest = digestOf(context.organizationId, filter);
  const after = cursor === null ? null : placeOf(cursor, digest);
  const found = await context.registry.audit.list(context.organizationId, { ...filter, after, limit: size + 1 });
  const events = found.slice(0, size);
  const last = events.at(-1);
  return { events: await revealPeople(context, events), cursor: found.length > size && last ? cursorOf(last, digest) : null };
}

function cursorOf({ atMs, sequence }: AuditPlace, digest: string): string {
  return Buffer.from(`${atMs} ${sequence} ${digest}`).toString('base64url');
}

function placeOf(cursor: string, digest: string): AuditPlace {
  const [, atMs, sequence, madeFor] = /^(\d{1,15}) (\d{1,15}) ([0-9a-f]{16})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (atMs === undefined || sequence === undefined || madeFor !== digest)
    throw new Fault('invalid_params', { reason: 'the cursor is not one that this list gave; its filters must stay the same from page to page' });
  return { atMs: Number(atMs), sequence: Number(sequence) };
}

/** A cursor is good for the list it came from only: with other filters it would skip what it never passed. */
function digestOf(organizationId: string, filter: AuditFilter): string {
  return createHash('sha256')
    .update(JSON.stringify([organizationId, ...Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('hex')
    .slice(0, 16);
}
