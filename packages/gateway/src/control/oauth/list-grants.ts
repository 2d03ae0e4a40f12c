import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { GrantRecord } from '../../store/registry/oauth-store.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';

export interface GrantPage {
  readonly grants: readonly GrantRecord[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
}

/** Newest first, those that are over for a while among them; `userId` null: of everybody. Faults: `invalid_params`, `unavailable`. */
export async function listGrants(
  { registry, organizationId }: ControlContext,
  { userId, cursor, limit }: { readonly userId: string | null; readonly cursor: string | null; readonly limit: number },
): Promise<GrantPage> {
  const size = Math.min(limit, bounds.grantsListMax);
  const found = await registry.grants.list(organizationId, { userId, after: cursor === null ? null : placeOf(cursor), limit: size + 1 });
  const grants = found.slice(0, size);
  const last = grants.at(-1);
  return { grants, cursor: found.length > size && last ? Buffer.from(`${last.createdAtMs} ${last.id}`).toString('base64url') : null };
}

/** Faults: `unknown_object`, `unavailable`. */
export async function getGrant({ registry, organizationId }: ControlContext, id: string): Promise<GrantRecord> {
  const grant = await registry.grants.find(organizationId, id);
  if (grant === null) throw unknownObject('grant', id);
  return grant;
}

/** `pending`: its code has not been exchanged. */
export function grantStatus({ revoked, expiresAtMs, usedAtMs }: GrantRecord, nowMs: number): 'pending' | 'active' | 'expired' | 'revoked' {
  if (revoked !== null) return 'revoked';
  if (expiresAtMs <= nowMs) return 'expired';
  return usedAtMs === null ? 'pending' : 'active';
}

function placeOf(cursor: string): { readonly createdAtMs: number; readonly id: string } {
  const match = /^(\d{1,15}) (gra_[0-9A-Za-z]{1,64})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match?.[1] || !match[2]) throw new Fault('invalid_params', { reason: 'the cursor is not one that this list gave' });
  return { createdAtMs: Number(match[1]), id: match[2] };
}
