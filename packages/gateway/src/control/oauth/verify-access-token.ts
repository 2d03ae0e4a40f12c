import { z } from 'zod';
import type { CredentialVerdict } from '../../authenticate/authenticate.ts';
import { bounds } from '../../kernel/bounds.ts';
import { organizationIdOf } from '../../kernel/id.ts';
import type { PrincipalData } from '../../snapshot/snapshot.ts';
import type { GrantRecord } from '../../store/registry/oauth-store.ts';
import type { ControlDependencies } from '../context.ts';
import { defaultRateLimit } from '../keys/verify-key.ts';
import { within } from '../permissions.ts';
import { sessionHolds } from '../sessions/find-session.ts';
import { readUser, type KnownUser } from '../sign-in/read-user.ts';
import { controlApiPath } from './resources.ts';
import { tokenAlgorithm } from './token-keys.ts';

type Reading = Pick<ControlDependencies, 'config' | 'oauth' | 'publicUrl' | 'expiryClock'>;
type Verifying = Reading & Pick<ControlDependencies, 'registry' | 'mcpActions' | 'access' | 'clock' | 'audit' | 'state'>;

/** What of a token of ours is gone by. */
export interface AccessTokenClaims {
  readonly grantId: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly expiresAtMs: number;
}

const claimsSchema = z.object({ grant_id: z.string(), aud: z.string(), scope: z.string(), exp: z.number() });
/** Ours are shorter. */
const tokenCharsMax = 8_192;
const issuerSchema = z.object({ iss: z.string() });
const headerSchema = z.object({ alg: z.literal(tokenAlgorithm), typ: z.literal('at+jwt'), kid: z.string().regex(/^[0-9A-Za-z]{20}$/) });

/** Whether a text says that it is a token of ours, by its form and its issuer; whether it is true is found out later. */
export function looksLikeOwnToken({ config, publicUrl }: Pick<Reading, 'config' | 'publicUrl'>, text: string): boolean {
  if (config.identity.authorizationServer === null || headerOf(text) === null) return false;
  const issuer = issuerSchema.safeParse(parsed(text.split('.')[1] ?? ''));
  return issuer.success && issuer.data.iss === publicUrl();
}

/** What a token of ours says, or null where it is not one, or over. Nothing in its header is gone by but the id of a key. Faults: `unavailable`. */
export async function readAccessToken({ config, oauth, publicUrl, expiryClock }: Reading, text: string): Promise<AccessTokenClaims | null> {
  const header = config.identity.authorizationServer === null ? null : headerOf(text);
  const key = header === null ? null : await oauth.keys.find(header.kid);
  if (key === null) return null;
  const { jwtVerify, errors } = await import('jose');
  try {
    const { payload } = await jwtVerify(text, key, {
      algorithms: [tokenAlgorithm],
      issuer: publicUrl(),
      typ: 'at+jwt',
      requiredClaims: ['exp', 'iat', 'aud', 'sub', 'client_id', 'grant_id', 'jti'],
      currentDate: new Date(expiryClock.nowMs()),
    });
    const { grant_id: grantId, aud: resource, scope, exp } = claimsSchema.parse(payload);
    return { grantId, resource, scopes: scope.split(' '), expiresAtMs: exp * 1000 };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/**
 * Who calls with a token that the gateway has given out: its user, as the directory has them now, within what the token allows, at its one address. The grant is read each
 * time, so a revoked one is refused from that moment on. The verdict is noted for the audit. Faults: `unavailable`.
 */
export async function verifyAccessToken(dependencies: Verifying, text: string, peer: string): Promise<CredentialVerdict> {
  const verdict = await judge(dependencies, text);
  const { audit } = dependencies;
  if (verdict.ok === true) {
    const { credentialId, organizationId } = verdict.principal;
    audit.noteSignIn({ outcome: 'succeeded', reason: '', kind: 'grant', subject: credentialId, organizationId: organizationIdOf(organizationId), peer });
  } else if (verdict.ok === false) {
    const organizationId = verdict.reason === 'unknown' ? null : organizationIdOf(verdict.organizationId);
    audit.noteSignIn({ outcome: 'failed', reason: verdict.reason, kind: 'grant', subject: '', organizationId, peer });
  }
  return verdict;
}

async function judge(dependencies: Verifying, text: string): Promise<CredentialVerdict> {
  const { registry, expiryClock } = dependencies;
  const claims = await readAccessToken(dependencies, text);
  const grant = claims === null ? null : await registry.grants.findByToken(claims.grantId);
  if (claims === null || grant === null || grant.resource !== claims.resource) return { ok: false, reason: 'unknown' };
  const { organizationId } = grant;
  if (grant.revoked !== null) return { ok: false, reason: 'revoked', organizationId };
  if (grant.expiresAtMs <= expiryClock.nowMs()) return { ok: false, reason: 'expired', organizationId };
  const user = grant.userId === null ? null : await readUser(dependencies, organizationId, grant.userId);
  // Whoever is gone, or switched off, has nobody act for them.
  if (grant.userId !== null && user === null) return { ok: false, reason: 'refused', organizationId };
  if (!(await sessionOfGrantHolds(dependencies, grant))) return { ok: false, reason: 'expired', organizationId };
  const pseudonym = user === null ? grant.id : await registry.transaction(async ({ people }) => (await people.take(organizationId, user.entry.id)).pseudonym);
  // Nobody hears of it when a session ends by itself, so what is good as long as one is asked for more often.
  const expiresAtMs = grant.sessionKey === null ? claims.expiresAtMs : Math.min(claims.expiresAtMs, expiryClock.nowMs() + bounds.tokenVerdictMs);
  return { ok: true, principal: principalOfGrant(dependencies, grant, { ...claims, expiresAtMs }, user, pseudonym) };
}

/** Whether a client still acts for its user, e.g. under a stream. Faults: `unavailable`. */
export async function grantHolds(dependencies: Verifying, grantId: string): Promise<boolean> {
  const { registry, expiryClock } = dependencies;
  const grant = await registry.grants.findByToken(grantId);
  if (grant === null || grant.revoked !== null || grant.expiresAtMs <= expiryClock.nowMs()) return false;
  return grant.userId === null ? sessionOfGrantHolds(dependencies, grant) : (await readUser(dependencies, grant.organizationId, grant.userId)) !== null;
}

/** What an administrator's session of nobody in the directory has allowed is good as long as the session is. Faults: `unavailable`. */
export async function sessionOfGrantHolds(dependencies: Parameters<typeof sessionHolds>[0], { sessionKey }: GrantRecord): Promise<boolean> {
  return sessionKey === null || sessionHolds(dependencies, { key: sessionKey });
}

/** Whoever calls with a token of a grant; `user` null: the grant is of nobody in the directory. */
export function principalOfGrant(
  { config, mcpActions, publicUrl }: Pick<Verifying, 'config' | 'mcpActions' | 'publicUrl'>,
  grant: GrantRecord,
  { resource, scopes, expiresAtMs }: Pick<AccessTokenClaims, 'resource' | 'scopes' | 'expiresAtMs'>,
  user: KnownUser | null,
  pseudonym: string,
): PrincipalData {
  const held = user?.actions ?? mcpActions;
  const path = resource.slice(publicUrl().length);
  const allowed = within(scopes, held, mcpActions) ?? [];
  return {
    kind: 'user',
    credential: 'oauth',
    credentialId: grant.id,
    issuer: '',
    keyId: pseudonym,
    keyPrefix: `oauth:${grant.id}`,
    organizationId: grant.organizationId,
    userId: grant.userId ?? '',
    teamId: user?.lineage.find(({ kind }) => kind === 'team')?.id ?? '',
    projectId: '',
    agent: '',
    serviceAccountId: '',
    lineage: user?.lineage ?? [],
    owner: grant.userId === null ? null : { kind: 'user', id: grant.userId },
    environment: config.keys.environment,
    servers: null,
    // What a client may with servers opens nothing of the control API, and the other way round: see `isGoodAt`.
    actions: path === controlApiPath ? allowed : allowed.filter((action) => action.endsWith('.*') || mcpActions.includes(action)),
    expiresAtMs,
    deprecatedUntilMs: null,
    rateLimit: defaultRateLimit(config.rateLimits),
    token: { path, scopes, held },
  };
}

function headerOf(text: string): z.infer<typeof headerSchema> | null {
  const [first = '', , signature, ...more] = text.length > tokenCharsMax ? [] : text.split('.');
  if (signature === undefined || more.length > 0) return null;
  const header = headerSchema.safeParse(parsed(first));
  return header.success ? header.data : null;
}

function parsed(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch {
    return null;
  }
}
