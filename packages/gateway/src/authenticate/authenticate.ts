/**
 * authenticate: who is calling? Imports `kernel/`; types from other rooms. Promises: no credential is ever taken for
 * anonymous, the secret is never kept, and a revoked key or token is refused from the moment `drop` returns.
 */
import { hash, randomBytes } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { PrincipalData } from '../snapshot/snapshot.ts';

/** A verified caller as the rail carries it. */
export interface Principal {
  readonly data: PrincipalData;
  /** As `callerIdOf`. */
  readonly id: string;
  /** The record's columns of this principal, encoded once. */
  readonly block: Uint8Array;
  /** The same for agents that callers name where the key names none, as far as they are known. */
  readonly agentBlocks: Map<string, Uint8Array>;
  readonly servers: ReadonlySet<string> | null;
  /** `keys.write`-like names and `prefix.*` patterns; null: every MCP operation. */
  readonly actions: readonly string[] | null;
}

/** The supervisor's answer on a credential. `busy` and `away`: it cannot be verified now, which is no verdict. */
export type CredentialVerdict =
  | { readonly ok: true; readonly principal: PrincipalData }
  /** `slowedMs`: whoever shows it tries keys, and is to wait that long. */
  | { readonly ok: false; readonly reason: 'unknown'; readonly slowedMs?: number }
  | { readonly ok: false; readonly reason: 'expired' | 'revoked' | 'refused'; readonly organizationId: string }
  /** Too many are being verified. */
  | { readonly ok: 'busy' }
  /** The issuer of a token has not said its keys for too long. */
  | { readonly ok: 'away' };

/** What a caller shows: what stands behind `Bearer`, or a client certificate. */
export type ShownCredential = 'bearer' | 'certificate';

export type CredentialRefusal = Extract<CredentialVerdict, { ok: false }>;

export interface Authenticator {
  /**
   * The caller behind an Authorization header or, where there is none, behind the certificate of its client; `peer` is for the audit. Synchronous for a known one. Faults: `unauthorized`, its cause the `CredentialRefusal` where
   * one was refused, which callers do not hear; `too_many_wrong_keys`; `unavailable`.
   */
  authenticate(authorization: string | undefined, peer?: string, certificate?: string): Principal | Promise<Principal>;
  /** The caller of a route with `auth: { type: none }`. */
  readonly anonymous: Principal;
  /** Forgets a credential by its `credentialId`: its next call is verified anew. */
  drop(credentialId: string): void;
  /** Forgets whoever signed in without a key, of an organization. */
  dropTokens(organizationId: string): void;
  /** Forgets everyone. */
  dropAll(): void;
}

export interface AuthenticatorOptions {
  readonly verify: (secret: string, peer: string, kind: ShownCredential) => Promise<CredentialVerdict>;
  /** Whether anybody signs in with tokens, which are longer than keys. */
  readonly takesTokens: () => boolean;
  readonly encode: (principal: PrincipalData) => Uint8Array;
  readonly organizationId: string;
  readonly clock: Clock;
}

/** Of an Authorization header with a key in it. */
const keyHeaderCharsMax = 300;
/** How often a key that changes while it is being verified is asked for. */
const asksMax = 5;

const bearer = /^Bearer +([\x21-\x7e]{1,256})$/i;
const longBearer = /^Bearer +([\x21-\x7e]{1,16384})$/i;

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { verify, encode, clock, takesTokens } = options;
  // Digests are keyed by a secret of this process: a heap dump holds neither keys nor anything to test guesses against.
  const pepper = randomBytes(32).toString('latin1');
  // A certificate is known to everybody: who sends its text as a header must not be taken for whoever has its key.
  const certificatePepper = randomBytes(32).toString('latin1');
  const verified = new Map<string, Principal>();
  const digestsByCredential = new Map<string, Set<string>>();
  const refused = new Map<string, { readonly atMs: number; readonly refusal: CredentialRefusal }>();
  const asking = new Map<string, Promise<Principal>>();
  /** Credentials dropped while questions were under way, and the number of drops at that time. */
  const droppedAt = new Map<string, number>();
  let drops = 0;
  let allDroppedAt = 0;

  function authenticate(authorization: string | undefined, peer = '', certificate?: string): Principal | Promise<Principal> {
    const shown = authorization ?? certificate;
    if (shown === undefined) throw new Fault('unauthorized');
    const kind = authorization === undefined ? 'certificate' : 'bearer';
    const digest = hash('sha256', (kind === 'bearer' ? pepper : certificatePepper) + shown, 'base64');
    const known = verified.get(digest);
    if (known !== undefined) {
      const { expiresAtMs, deprecatedUntilMs } = known.data;
      const nowMs = expiresAtMs === null && deprecatedUntilMs === null ? 0 : clock.nowMs();
      if ((expiresAtMs === null || nowMs < expiresAtMs) && (deprecatedUntilMs === null || nowMs < deprecatedUntilMs)) return known;
      forget(digest, known.data.credentialId);
    }
    const secret = kind === 'bearer' ? (shown.length > keyHeaderCharsMax && takesTokens() ? longBearer : bearer).exec(shown)?.[1] : shown;
    if (secret === undefined) throw new Fault('unauthorized');
    const before = refused.get(digest);
    if (before !== undefined) {
      const sinceMs = clock.monotonicMs() - before.atMs;
      if (sinceMs < bounds.refusedKeyMs) throw refusalFault(before.refusal, sinceMs);
      refused.delete(digest);
    }
    let pending = asking.get(digest);
    if (!pending) {
      pending = ask(secret, digest, peer, kind).finally(() => {
        asking.delete(digest);
        if (asking.size === 0) droppedAt.clear();
      });
      asking.set(digest, pending);
    }
    return pending;
  }

  async function ask(secret: string, digest: string, peer: string, kind: ShownCredential): Promise<Principal> {
    let verdict: CredentialVerdict;
    let before: number;
    let attempts = 0;
    try {
      do {
        before = drops;
        verdict = await verify(secret, peer, kind);
        // A revocation that came while the answer was under way may be newer than the answer: ask again.
      } while (verdict.ok === true && Math.max(allDroppedAt, droppedAt.get(verdict.principal.credentialId) ?? 0) > before && ++attempts < asksMax);
    } catch (error) {
      throw new Fault('unavailable', { reason: 'keys cannot be verified' }, { cause: error });
    }
    if (attempts === asksMax) throw new Fault('unavailable', { reason: 'the key keeps changing' });
    if (verdict.ok === 'busy') throw new Fault('unavailable', { reason: 'too many keys are being verified' });
    if (verdict.ok === 'away') throw new Fault('unavailable', { reason: 'the issuer of the token does not answer' });
    if (!verdict.ok) {
      bounded(refused, bounds.refusedKeysMax);
      refused.set(digest, { atMs: clock.monotonicMs(), refusal: verdict });
      throw refusalFault(verdict, 0);
    }
    const { principal } = verdict;
    const known = compile(principal, encode);
    const oldest = bounded(verified, bounds.verifiedKeysMax);
    if (oldest) forget(oldest[0], oldest[1].data.credentialId);
    verified.set(digest, known);
    const digests = digestsByCredential.get(principal.credentialId);
    if (digests) digests.add(digest);
    else digestsByCredential.set(principal.credentialId, new Set([digest]));
    return known;
  }

  function forget(digest: string, credentialId: string): void {
    verified.delete(digest);
    const digests = digestsByCredential.get(credentialId);
    digests?.delete(digest);
    if (digests?.size === 0) digestsByCredential.delete(credentialId);
  }

  return {
    authenticate,
    anonymous: compile(anonymousData(options.organizationId), encode),
    drop(credentialId) {
      if (asking.size > 0) droppedAt.set(credentialId, ++drops);
      for (const digest of digestsByCredential.get(credentialId) ?? []) verified.delete(digest);
      digestsByCredential.delete(credentialId);
    },
    dropTokens(organizationId) {
      // Of questions under way nobody knows yet whom they are about, and of those who were refused whether they would be now.
      allDroppedAt = ++drops;
      refused.clear();
      for (const [digest, { data }] of verified) if (data.kind !== 'key' && data.organizationId === organizationId) forget(digest, data.credentialId);
    },
    dropAll() {
      allDroppedAt = ++drops;
      verified.clear();
      digestsByCredential.clear();
    },
  };
}

/** What is told of a refusal that is so old. */
function refusalFault(refusal: CredentialRefusal, sinceMs: number): Fault {
  const slowedMs = refusal.reason === 'unknown' ? (refusal.slowedMs ?? 0) - sinceMs : 0;
  if (slowedMs <= 0) return new Fault('unauthorized', {}, { cause: refusal });
  return new Fault('too_many_wrong_keys', { retryAfter: Math.ceil(slowedMs / 1_000) }, { cause: refusal });
}

/**
 * Names a caller among all of the gateway: what limits count, sessions belong to and kept answers are for. Tokens of one caller are one; what each
 * allows is decided with each call.
 */
export function callerIdOf({ kind, keyId, organizationId }: Pick<PrincipalData, 'kind' | 'keyId' | 'organizationId'>): string {
  if (kind === 'anonymous' || kind === 'key') return kind === 'key' ? keyId : kind;
  return `${kind} ${organizationId} ${keyId}`;
}

function compile(data: PrincipalData, encode: (principal: PrincipalData) => Uint8Array): Principal {
  return {
    data,
    id: callerIdOf(data),
    block: encode(data),
    agentBlocks: new Map(),
    servers: data.servers === null ? null : new Set(data.servers),
    actions: data.actions,
  };
}

/** Whoever has no credential. */
export function anonymousData(organizationId: string): PrincipalData {
  return {
    kind: 'anonymous',
    credential: 'none',
    credentialId: '',
    issuer: '',
    keyId: '',
    keyPrefix: '',
    organizationId,
    userId: '',
    teamId: '',
    projectId: '',
    agent: '',
    serviceAccountId: '',
    lineage: [],
    owner: null,
    environment: '',
    servers: null,
    actions: null,
    expiresAtMs: null,
    deprecatedUntilMs: null,
    rateLimit: null,
  };
}

/** Makes room for one more entry: takes out and returns the oldest where the map is full. */
function bounded<Value>(map: Map<string, Value>, sizeMax: number): [string, Value] | undefined {
  if (map.size < sizeMax) return undefined;
  const oldest = map.entries().next().value;
  if (oldest) map.delete(oldest[0]);
  return oldest;
}
