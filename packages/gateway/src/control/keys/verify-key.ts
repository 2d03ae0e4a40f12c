import type { CredentialVerdict } from '../../authenticate/authenticate.ts';
import type { RateLimitConfig } from '../../config/config.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { organizationIdOf } from '../../kernel/id.ts';
import type { PrincipalData, RateLimitData } from '../../snapshot/snapshot.ts';
import type { KeyRecord } from '../../store/registry/registry-store.ts';
import type { ControlDependencies } from '../context.ts';
import { readCaller, type Caller } from './read-caller.ts';
import { prefixOf } from './key-secret.ts';
import { canBe } from './secret-check.ts';

/**
 * Who a secret belongs to. The registry is read each time, so a revoked key is refused from the moment of its
 * revocation; only bcrypt's answer is remembered. A wrong secret costs a look at the registry, whether its prefix is known or
 * not, and no bcrypt. The verdict is noted for the audit, with where the secret was shown. Faults: `unavailable` where the registry does not answer.
 */
export async function verifyKey(dependencies: Judging & Pick<ControlDependencies, 'audit'>, secret: string, peer: string): Promise<CredentialVerdict> {
  return noted(dependencies, secret, peer, await judgeSecret(dependencies, secret));
}

/**
 * The same by what this node remembers of its keys, for what changes nothing: a read costs no look at the registry. What is remembered is dropped by what
 * makes workers drop theirs, and not asked at all while this node has not just confirmed that nothing has changed. Noted as if it had been looked at.
 */
export async function recogniseKey(dependencies: ControlDependencies, secret: string, peer: string): Promise<CredentialVerdict> {
  if (dependencies.access.ageMs() > bounds.rememberedKeyMs) return verifyKey(dependencies, secret, peer);
  return noted(dependencies, secret, peer, await dependencies.knownKeys.recognise(secret));
}

function noted({ audit }: Pick<ControlDependencies, 'audit'>, secret: string, peer: string, verdict: CredentialVerdict): CredentialVerdict {
  if (verdict.ok === true) {
    const { keyId, organizationId } = verdict.principal;
    audit.noteSignIn({ outcome: 'succeeded', reason: '', kind: 'key', subject: keyId, organizationId: organizationIdOf(organizationId), peer });
  } else if (!verdict.ok) {
    const organizationId = verdict.reason === 'unknown' ? null : organizationIdOf(verdict.organizationId);
    audit.noteSignIn({ outcome: 'failed', reason: verdict.reason, kind: 'key', subject: prefixOf(secret) ?? '', organizationId, peer });
  }
  return verdict;
}

/** What the control API remembers of the keys that it is asked with. */
export interface KnownKeys {
  /** Who a secret belongs to, as it was when it was last looked at. Faults: `unavailable`. */
  recognise(secret: string): Promise<CredentialVerdict>;
}

type Judging = Pick<ControlDependencies, 'registry' | 'secrets' | 'config' | 'mcpActions' | 'expiryClock'>;

/** As `verifyKey`, and noted nowhere. */
export async function judgeSecret(dependencies: Judging, secret: string): Promise<CredentialVerdict> {
  const { registry, secrets } = dependencies;
  const prefix = prefixOf(secret);
  if (prefix === null) return { ok: false, reason: 'unknown' };
  const candidates = await registry.keys.findByPrefix(prefix);
  try {
    for (const key of candidates) {
      const current = key.prefix === prefix && canBe(secret, key) && (await secrets.matches(secret, key.hash));
      if (current) return await judge(dependencies, key, null);
      const previous = key.previous?.prefix === prefix && canBe(secret, key.previous) && (await secrets.matches(secret, key.previous.hash));
      if (previous) return await judge(dependencies, key, key.previous.validUntilMs);
    }
  } catch (error) {
    if (error instanceof Fault && error.code === 'unavailable') return { ok: 'busy' };
    throw error;
  }
  return { ok: false, reason: 'unknown' };
}

async function judge(dependencies: Judging, key: KeyRecord, deprecatedUntilMs: number | null): Promise<CredentialVerdict> {
  const nowMs = dependencies.expiryClock.nowMs();
  const { organizationId } = key;
  if (key.revokedAtMs !== null) return { ok: false, reason: 'revoked', organizationId };
  if (key.expiresAtMs !== null && nowMs >= key.expiresAtMs) return { ok: false, reason: 'expired', organizationId };
  if (deprecatedUntilMs !== null && nowMs >= deprecatedUntilMs) return { ok: false, reason: 'expired', organizationId };
  return { ok: true, principal: principalOf(key, await readCaller(dependencies, key), deprecatedUntilMs, dependencies.config.rateLimits) };
}

/** The caller behind a key. */
export function principalOf(
  key: KeyRecord,
  { lineage, owner, actions }: Caller,
  deprecatedUntilMs: number | null,
  rateLimits: readonly RateLimitConfig[],
): PrincipalData {
  const { metadata } = key;
  return {
    kind: 'key',
    credential: 'apiKey',
    credentialId: key.id,
    issuer: '',
    keyId: key.id,
    keyPrefix: key.prefix,
    organizationId: key.organizationId,
    userId: metadata['user_id'] ?? '',
    teamId: metadata['team_id'] ?? '',
    projectId: metadata['project_id'] ?? metadata['project'] ?? '',
    agent: metadata['agent'] ?? '',
    serviceAccountId: metadata['service_account_id'] ?? '',
    lineage,
    owner,
    environment: metadata['environment'] ?? key.environment,
    servers: key.scopes.servers,
    actions,
    expiresAtMs: key.expiresAtMs,
    deprecatedUntilMs,
    rateLimit: rateLimitOf(key, rateLimits),
  };
}

/** The rule for this key's prefix, or for the one it had before its rotation, else the default for every key, else none. */
function rateLimitOf(key: KeyRecord, rateLimits: readonly RateLimitConfig[]): RateLimitData | null {
  const named = (prefix: string | undefined): RateLimitConfig | undefined => rateLimits.find(({ keyPrefix }) => keyPrefix !== null && keyPrefix === prefix);
  const rule = named(key.prefix) ?? named(key.previous?.prefix);
  return rule === undefined ? defaultRateLimit(rateLimits) : limitOf(rule);
}

/** The rule for callers whom no other names, or none. */
export function defaultRateLimit(rateLimits: readonly RateLimitConfig[]): RateLimitData | null {
  const rule = rateLimits.find(({ keyPrefix }) => keyPrefix === null);
  return rule === undefined ? null : limitOf(rule);
}

function limitOf(rule: RateLimitConfig): RateLimitData {
  return { limit: rule.limit, windowMs: rule.windowMs, burst: rule.burst };
}
