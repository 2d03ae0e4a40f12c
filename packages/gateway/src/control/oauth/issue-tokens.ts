import { createHash } from 'node:crypto';
import type { AuthorizationServerConfig } from '../../config/config.ts';
import { bounds } from '../../kernel/bounds.ts';
import { randomBase62, type OrganizationId } from '../../kernel/id.ts';
import type { GrantRecord } from '../../store/registry/oauth-store.ts';
import { createActor } from '../actor.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { codeRecordSchema, stateKey } from './consent.ts';
import { OauthRefusal } from './oauth-refusal.ts';
import { judgeRefreshToken, newRefreshToken, parseRefreshToken } from './refresh-token.ts';
import { endGrant, endGrantIn } from './revoke-grant.ts';
import { parseScopes } from './scopes.ts';
import { tokenAlgorithm } from './token-keys.ts';
import { sessionOfGrantHolds } from './verify-access-token.ts';
import { covers } from '../permissions.ts';

/** What the token endpoint works with: its caller is a client, who acts for nobody yet. */
export type TokenContext = Omit<ControlContext, 'actor' | 'organizationId'>;

/** As RFC 6749 section 5.1 has it. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly refreshToken: string;
  readonly scopes: readonly string[];
}

const wrongCode = (reason: string): OauthRefusal =>
  new OauthRefusal('invalid_grant', 'the code is unknown, used or over, or of another client, redirect_uri or resource', reason);
const wrongToken = (reason: string): OauthRefusal => new OauthRefusal('invalid_grant', 'the refresh token is unknown, used, revoked or over', reason);

/**
 * A code for tokens, once (RFC 6749 section 4.1.3, RFC 7636). Whoever comes with a used code ends the grant: one of the two who had it is no friend. Refusals:
 * `invalid_grant`, `invalid_target`. Faults: `unavailable`.
 */
export async function exchangeCode(
  context: TokenContext,
  server: AuthorizationServerConfig,
  asked: {
    readonly clientId: string;
    readonly code: string;
    readonly redirectUri: string | null;
    readonly verifier: string;
    readonly resource: string | null;
  },
): Promise<IssuedTokens> {
  const key = stateKey('code', asked.code);
  const stored = key === null ? null : await context.state.take(key);
  if (stored === null) {
    const wasUsed = await endGrantOfUsedCode(context, asked.code);
    throw wrongCode(wasUsed ? 'the code was used before: its grant has ended' : 'the code is unknown, or over');
  }
  const { organizationId, grantId, ...code } = codeRecordSchema.parse(JSON.parse(stored.toString()));
  const isVerified = /^[A-Za-z0-9._~-]{43,128}$/.test(asked.verifier) && createHash('sha256').update(asked.verifier).digest('base64url') === code.codeChallenge;
  if (code.clientId !== asked.clientId) throw wrongCode('the code is of another client');
  if (!isVerified) throw wrongCode('code_verifier does not fit code_challenge');
  if (asked.redirectUri !== null && asked.redirectUri !== code.redirectUri) throw wrongCode('redirect_uri is another one than the code was sent to');
  if (asked.resource !== null && asked.resource !== code.resource) throw new OauthRefusal('invalid_target', 'the code is for another resource');
  return give(context, server, { organizationId, grantId, event: 'grant.exchanged', family: null }, (grant) => {
    if (grant.usedAtMs !== null) throw wrongCode('the grant has its tokens already');
    return { scopes: grant.scopes };
  });
}

/**
 * Another pair of tokens for a refresh token, which is good no more (RFC 9700 section 4.14.2). An earlier token of the grant ends it. Refusals: `invalid_grant`,
 * `invalid_scope`, `invalid_target`. Faults: `unavailable`.
 */
export async function refreshGrant(
  context: TokenContext,
  server: AuthorizationServerConfig,
  asked: { readonly clientId: string; readonly refreshToken: string; readonly scope: string | null; readonly resource: string | null },
): Promise<IssuedTokens> {
  const token = parseRefreshToken(asked.refreshToken);
  const known = token === null ? null : await context.registry.grants.findByToken(token.grantId);
  if (token === null || known === null) throw wrongToken('the refresh token is none of ours');
  const { organizationId, id: grantId } = known;
  if (known.revoked === null && !(await sessionOfGrantHolds(context, known))) {
    await endGrant({ ...context, organizationId, actor: clientActor(grantId, organizationId) }, grantId, 'the session that gave it is over');
    throw wrongToken('the session that gave it is over');
  }
  return give(context, server, { organizationId, grantId, event: 'grant.refreshed', family: token.family }, (grant) => {
    const judged = grant.refresh === null ? 'foreign' : judgeRefreshToken(token, grant.refresh);
    if (judged === 'earlier') return { ends: 'a refresh token was used twice' };
    if (judged === 'foreign') throw wrongToken('the refresh token is made up');
    if (grant.clientId !== asked.clientId) throw wrongToken('the refresh token is of another client');
    if (asked.resource !== null && asked.resource !== grant.resource) throw new OauthRefusal('invalid_target', 'the grant is for another resource');
    // A token for less leaves the grant as it is (RFC 6749 section 6).
    const scopes = asked.scope === null ? grant.scopes : parseScopes(asked.scope, pathOf(context, grant), context.mcpActions);
    if (!scopes.every((scope) => covers(grant.scopes, scope))) throw new OauthRefusal('invalid_scope', 'more than was granted: ask for authorization anew');
    return { scopes };
  });
}

type LockedGrant = GrantRecord & { readonly refresh: { readonly family: string; readonly secret: string } | null };

/** What the next access token allows, or why the grant ends. */
type Judgement = { readonly scopes: readonly string[] } | { readonly ends: string };

/** `judge` throws what the client is refused with. */
async function give(
  context: TokenContext,
  server: AuthorizationServerConfig,
  {
    organizationId,
    grantId,
    event,
    family,
  }: { readonly organizationId: OrganizationId; readonly grantId: string; readonly event: string; readonly family: string | null },
  judge: (grant: LockedGrant) => Judgement,
): Promise<IssuedTokens> {
  const { registry, expiryClock, clock } = context;
  const own: ControlContext = { ...context, organizationId, actor: clientActor(grantId, organizationId) };
  const nowMs = expiryClock.nowMs();
  const next = newRefreshToken(grantId, family);
  const grant = await registry.transaction(async (writes): Promise<GrantRecord | null> => {
    const { access, grants, audit } = writes;
    // As every change of what is known of callers: in one order, so that no two wait for each other.
    await access.lock(organizationId);
    const found = await grants.findForUpdate(organizationId, grantId);
    if (found === null || found.revoked !== null || found.expiresAtMs <= nowMs) throw wrongToken('the grant is revoked, or over');
    const judged = judge(found);
    if ('ends' in judged) {
      await endGrantIn(own, writes, found, judged.ends);
      return null;
    }
    const expiresAtMs = found.userId === null ? found.createdAtMs + bounds.sessionMs : nowMs + server.refreshTokenMs;
    await grants.updateRefresh(organizationId, grantId, { refresh: next.hashes, usedAtMs: clock.nowMs(), expiresAtMs });
    await audit.insert(auditEvent(own, event, grantId, { client_id: found.clientId }));
    return { ...found, scopes: judged.scopes, expiresAtMs };
  });
  if (grant === null) {
    await own.notify.keyChanged(grantId);
    await own.access.refresh();
    throw wrongToken('the refresh token was used before: its grant has ended');
  }
  const expiresInSeconds = Math.floor(Math.min(server.accessTokenMs, grant.expiresAtMs - nowMs) / 1000);
  const accessToken = await signToken(context, grant, Math.floor(nowMs / 1000), expiresInSeconds);
  return { accessToken, expiresInSeconds, refreshToken: next.text, scopes: grant.scopes };
}

function pathOf({ publicUrl }: Pick<TokenContext, 'publicUrl'>, { resource }: GrantRecord): string {
  return resource.slice(publicUrl().length);
}

/** RFC 9068. */
async function signToken({ oauth, publicUrl }: TokenContext, grant: GrantRecord, issuedAt: number, expiresInSeconds: number): Promise<string> {
  const { SignJWT } = await import('jose');
  const { id, key } = await oauth.keys.signing();
  return new SignJWT({ client_id: grant.clientId, scope: grant.scopes.join(' '), grant_id: grant.id })
    .setProtectedHeader({ alg: tokenAlgorithm, typ: 'at+jwt', kid: id })
    .setIssuer(publicUrl())
    .setSubject(grant.userId ?? grant.id)
    .setAudience(grant.resource)
    .setJti(randomBase62(20))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + expiresInSeconds)
    .sign(key);
}

/** Whether there was one. */
async function endGrantOfUsedCode(context: TokenContext, code: string): Promise<boolean> {
  const key = stateKey('code-grant', code);
  const stored = key === null ? null : await context.state.take(key);
  if (stored === null) return false;
  const { organizationId, grantId } = codeRecordSchema.pick({ organizationId: true, grantId: true }).parse(JSON.parse(stored.toString()));
  await endGrant({ ...context, organizationId, actor: clientActor(grantId, organizationId) }, grantId, 'a code was used twice');
  return true;
}

/** Whoever has the tokens of a grant. */
export function clientActor(grantId: string, organizationId: OrganizationId): ControlContext['actor'] {
  return createActor('client', grantId, { actions: [], servers: [] }, organizationId);
}
