import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { allGrants, excess } from '../permissions.ts';
import { linkKey, newLinkToken, type LinkRecord } from './session.ts';

export interface AdminLink {
  readonly url: string;
  readonly expiresAtMs: number;
}

/**
 * Makes a link that opens one administrator session of the organization, once, within an hour. Only who holds everything may make one.
 * Faults: `forbidden`, `unavailable`.
 */
export async function createAdminLink(context: ControlContext): Promise<AdminLink> {
  const { actor, organizationId } = context;
  const beyond = excess(actor.grants, allGrants, context.mcpActions);
  if (beyond !== null) throw new Fault('forbidden', { reason: `an administrator session holds everything: ${beyond}` });
  if (actor.kind === 'service_account' || actor.kind === 'agent')
    throw new Fault('forbidden', { reason: 'a link is for people: a program that signs in with a token uses that' });
  const token = newLinkToken();
  const key = linkKey(token);
  if (key === null) throw new TypeError('a new link token has the wrong form');
  const expiresAtMs = context.clock.nowMs() + bounds.adminLinkMs;
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'admin_link.created', actor.id, { expires_at_ms: expiresAtMs })));
  const { kind } = actor;
  const id = kind === 'user' ? (actor.owner?.id ?? '') : actor.id;
  const record = { kind, id, organizationId: actor.organizationId, forOrganizationId: organizationId };
  await context.state.set(key, Buffer.from(JSON.stringify(record satisfies Record<keyof LinkRecord, string>)), bounds.adminLinkMs);
  return { url: `${context.publicUrl()}/admin/${token}`, expiresAtMs };
}
