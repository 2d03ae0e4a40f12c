import type { SessionRefusal } from '../../exchange/session-refusals.ts';
import { organizationIdOf } from '../../kernel/id.ts';
import type { AuditDesk } from './audit-desk.ts';

/** Sessions of MCP that were shown by who has not got them from here, among the sign-ins that failed. */
export function noteRefusedSessions(audit: Pick<AuditDesk, 'noteSignIn'>, refusals: readonly SessionRefusal[]): void {
  for (const { reason, subject, organizationId, peer, count } of refusals)
    audit.noteSignIn({ outcome: 'failed', reason, kind: 'mcp_session', subject, organizationId: organizationIdOf(organizationId), peer }, count);
}
