import { clientActor, type TokenContext } from './issue-tokens.ts';
import { judgeRefreshToken, parseRefreshToken } from './refresh-token.ts';
import { endGrant } from './revoke-grant.ts';
import { readAccessToken } from './verify-access-token.ts';

/**
 * Revocation by the client itself (RFC 7009): of either token of a grant, with the grant. A token that is none, or another client's, is answered as one that
 * was revoked. Faults: `unavailable`.
 */
export async function revokeToken(context: TokenContext, clientId: string, text: string): Promise<void> {
  const refresh = parseRefreshToken(text);
  const grantId = refresh?.grantId ?? (await readAccessToken(context, text))?.grantId;
  const grant = grantId === undefined ? null : await context.registry.grants.findByToken(grantId);
  if (grant === null || grant.clientId !== clientId || grant.revoked !== null) return;
  const { organizationId, id } = grant;
  if (refresh !== null) {
    const kept = await context.registry.transaction(async ({ grants }) => (await grants.findForUpdate(organizationId, id))?.refresh ?? null);
    if (kept === null || judgeRefreshToken(refresh, kept) === 'foreign') return;
  }
  await endGrant({ ...context, organizationId, actor: clientActor(id, organizationId) }, id, 'the client revoked it');
}
