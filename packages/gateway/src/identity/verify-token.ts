import { errors, jwtVerify, type JWTPayload } from 'jose';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { TokenStep, TokenType } from '../kernel/token-terms.ts';
import type { fetchDocument } from './fetch-document.ts';
import type { IssuerData } from './issuer-data.ts';
import { createIssuerKeys, type IssuerKeys, type KeysReport } from './issuer-keys.ts';
import type { IssuerKey } from './parse-keys.ts';
import { claimAt, readToken, type Claims, type UnverifiedToken } from './read-token.ts';

/** Which test a token has not passed, and how to mend it: for administrators, never for whoever sent it. */
export interface TokenRefusal {
  readonly step: TokenStep;
  readonly reason: string;
  readonly fix: string;
  /** The issuer whose token it says to be, where one is configured so. */
  readonly issuer: IssuerData | null;
}

export interface VerifiedToken {
  readonly issuer: IssuerData;
  readonly claims: Claims & { readonly iss: string; readonly sub?: string; readonly jti?: string };
  /** Its own end, with what clocks may be apart. */
  readonly expiresAtMs: number;
}

export type TokenVerdict =
  | { readonly ok: true; readonly token: VerifiedToken }
  | { readonly ok: false; readonly refusal: TokenRefusal }
  | { readonly ok: 'away'; readonly issuer: IssuerData; readonly reason: string }
  | { readonly ok: 'busy' };

export interface TokenVerifier {
  verify(text: string): Promise<TokenVerdict>;
  /** Issuers that are as they were keep what is known of their keys. */
  configure(issuers: readonly IssuerData[]): void;
  reports(): readonly { readonly issuer: IssuerData; readonly keys: KeysReport }[];
}

/** Verifies tokens of the configured issuers (RFC 7519, RFC 9068) by keys that the configuration leads to and no others. Nothing but the issuer's answer is waited for. */
export function createTokenVerifier(options: { readonly clock: Clock; readonly log: Log; readonly fetchJson?: typeof fetchDocument }): TokenVerifier {
  const { clock, log, fetchJson } = options;
  let known: readonly { readonly issuer: IssuerData; readonly keys: IssuerKeys; readonly place: string }[] = [];
  /** By issuer: of one that does not answer not all room is taken. */
  const verifying = new Map<string, number>();

  async function verify(text: string): Promise<TokenVerdict> {
    const token = readToken(text);
    if ('trouble' in token) return refused(null, 'form', token.trouble, 'Send the access token as the issuer gave it, whole.');
    const named = known.filter(({ issuer }) => issuer.issuer === token.issuer);
    const [first] = named;
    if (first === undefined)
      return refused(
        null,
        'issuer',
        `no issuer ${token.issuer.slice(0, 200)} is configured`,
        'Write it under identity.issuers, letter for letter as the token has it in iss.',
      );
    // One issuer may vouch for several organizations, each by an audience of its own: nothing of this is believed before the signature is.
    const meant = named.filter(({ issuer }) => audienceTrouble(issuer, token.claims) === null);
    const [{ issuer } = first] = meant;
    const early = earlyTrouble(issuer, token);
    if (early !== null) return { ok: false, refusal: { ...early, issuer } };
    const count = verifying.get(token.issuer) ?? 0;
    if (count >= bounds.tokensVerifyingMax) return { ok: 'busy' };
    verifying.set(token.issuer, count + 1);
    try {
      let verdict: TokenVerdict | null = null;
      for (const one of meant) {
        verdict = await verifyBy(one, text, token);
        // Of two with one audience what a token must say may tell them apart.
        if (verdict.ok !== false || (verdict.refusal.step !== 'claims' && verdict.refusal.step !== 'party')) return verdict;
      }
      return verdict ?? refused(issuer, 'audience', 'it is for nobody', '');
    } finally {
      const left = (verifying.get(token.issuer) ?? 1) - 1;
      if (left > 0) verifying.set(token.issuer, left);
      else verifying.delete(token.issuer);
    }
  }

  async function verifyBy({ issuer, keys }: (typeof known)[number], text: string, token: UnverifiedToken): Promise<TokenVerdict> {
    const found = await keys.find(token.keyId, token.algorithm);
    if (found === 'away') return { ok: 'away', issuer, reason: keys.report().trouble ?? 'its keys have not been read' };
    if (found.length === 0)
      return refused(
        issuer,
        'key',
        token.keyId === null ? `the issuer has no key for ${token.algorithm}` : `the issuer has no key for ${token.algorithm} with the id that the token names`,
        'Get a new token; where that is refused too, compare kid of its header with the key set of the issuer.',
      );
    let trouble: TokenVerdict | null = null;
    for (const key of found) {
      trouble = await verifyWith(issuer, key, text, token);
      if (trouble.ok !== false || trouble.refusal.step !== 'signature') break;
    }
    return trouble ?? refused(issuer, 'key', 'the issuer has no key for it', '');
  }

  async function verifyWith(issuer: IssuerData, { key }: IssuerKey, text: string, token: UnverifiedToken): Promise<TokenVerdict> {
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(text, key, {
        algorithms: [token.algorithm],
        issuer: issuer.issuer,
        audience: [...issuer.audiences],
        requiredClaims: ['exp', 'iat', 'aud', 'iss'],
        maxTokenAge: issuer.maxAgeMs / 1_000,
        clockTolerance: bounds.tokenSkewMs / 1_000,
        currentDate: new Date(clock.nowMs()),
      }));
    } catch (error) {
      return { ok: false, refusal: { ...troubleOf(error), issuer } };
    }
    const late = lateTrouble(issuer, payload);
    if (late !== null) return { ok: false, refusal: { ...late, issuer } };
    return { ok: true, token: { issuer, claims: { ...payload, iss: issuer.issuer }, expiresAtMs: (payload.exp ?? 0) * 1_000 + bounds.tokenSkewMs } };
  }

  return {
    verify,
    configure(issuers) {
      known = issuers.map((issuer) => {
        const place = JSON.stringify([issuer.issuer, issuer.jwksUrl, issuer.allowedNetworks, issuer.ca]);
        const before = known.find((one) => one.place === place);
        return { issuer, place, keys: before?.keys ?? createIssuerKeys(issuer, clock, log, fetchJson) };
      });
    },
    reports: () => known.map(({ issuer, keys }) => ({ issuer, keys: keys.report() })),
  };
}

type Trouble = Omit<TokenRefusal, 'issuer'>;

function refused(issuer: IssuerData | null, step: TokenStep, reason: string, fix: string): TokenVerdict {
  return { ok: false, refusal: { step, reason, fix, issuer } };
}

/** What needs no key, and is therefore told before one is looked for. */
function earlyTrouble(issuer: IssuerData, token: UnverifiedToken): Trouble | null {
  const types: readonly string[] = issuer.tokenTypes.map((type: TokenType) => type.toLowerCase());
  if (!types.includes(token.type))
    return {
      step: 'type',
      reason: `its typ is ${token.type.slice(0, 64)}, and ${issuer.tokenTypes.join(', ')} is taken`,
      fix: 'Send an access token, not an ID token; where the issuer writes another typ into access tokens, name it in token_types.',
    };
  if (!issuer.algorithms.some((one) => one === token.algorithm))
    return {
      step: 'algorithm',
      reason: `it is signed with ${token.algorithm}, and ${issuer.algorithms.join(', ')} is taken`,
      fix: 'Have the issuer sign with one of these, or name the algorithm in algorithms.',
    };
  if (isOtherToken(token.claims))
    return { step: 'type', reason: 'it is an ID token, a refresh token or a logout token', fix: 'Send the access token that the issuer gave beside it.' };
  return audienceTrouble(issuer, token.claims);
}

/** What only ID tokens (OpenID Connect Core 3.1.3.6), logout tokens (Back-Channel Logout 2.4) and Keycloak's others have. */
function isOtherToken(claims: Claims): boolean {
  const { typ } = claims;
  return 'at_hash' in claims || 'c_hash' in claims || 'events' in claims || (typeof typ === 'string' && /^(?:id|refresh|offline|logout)$/i.test(typ));
}

function audienceTrouble(issuer: IssuerData, { aud }: Claims): Trouble | null {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (named.some((one) => typeof one === 'string' && issuer.audiences.includes(one))) return null;
  const said = named.filter((one) => typeof one === 'string').map((one) => one.slice(0, 200));
  return {
    step: 'audience',
    reason: said.length === 0 ? 'it says of nobody that it is for them (aud)' : `it is for ${said.slice(0, 5).join(', ')}, and not for this gateway`,
    fix: `Ask the issuer for a token with the audience ${issuer.audiences.join(' or ')}, or add to audience what it writes into aud, letter for letter.`,
  };
}

/** Farther in time than anything that is meant: what was written in milliseconds, or without end. */
const expiryMax = 10_000_000_000;

function lateTrouble(issuer: IssuerData, payload: JWTPayload): Trouble | null {
  if ((payload.exp ?? Infinity) > expiryMax) return { step: 'time', reason: 'its exp is no time', fix: 'Have the issuer write exp in seconds since 1970.' };
  for (const [path, expected] of Object.entries(issuer.requiredClaims)) {
    const value = claimAt(payload, path);
    if (value !== expected && !(Array.isArray(value) && value.includes(expected)))
      return { step: 'claims', reason: `its claim ${path} is not ${JSON.stringify(expected)}`, fix: 'Get a token of that kind, or change required_claims.' };
  }
  const { authorizedParties } = issuer;
  if (authorizedParties !== null) {
    // OpenID Connect and RFC 9068; Okta; Microsoft Entra ID, version 1.
    const party = payload['azp'] ?? payload['client_id'] ?? payload['cid'] ?? payload['appid'];
    if (typeof party !== 'string' || !authorizedParties.includes(party))
      return {
        step: 'party',
        reason: typeof party === 'string' ? `it was made for the client ${party.slice(0, 200)}` : 'it names no client that it was made for (azp, client_id)',
        fix: 'Add the client to authorized_parties, if it may call.',
      };
  }
  return null;
}

function troubleOf(error: unknown): Trouble {
  if (error instanceof errors.JWTExpired)
    return error.claim === 'iat'
      ? { step: 'time', reason: 'it was issued longer ago than max_age allows', fix: 'Get a new token, or raise max_age.' }
      : { step: 'time', reason: 'it has expired', fix: 'Get a new token.' };
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (claim === 'aud' || claim === 'iss')
      return { step: claim === 'aud' ? 'audience' : 'issuer', reason: `its ${claim} is not as configured`, fix: 'Get a token for this gateway.' };
    const words =
      reason === 'missing'
        ? 'is missing'
        : reason === 'invalid'
          ? 'is no time'
          : claim === 'nbf' || claim === 'iat'
            ? 'lies in the future'
            : 'is not as it must be';
    return {
      step: 'time',
      reason: `its ${claim} ${words}`,
      fix: 'Compare the clocks of the issuer and of this machine; a token must say exp and iat in seconds.',
    };
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return {
      step: 'signature',
      reason: 'its signature is not of the key of the issuer that it names',
      fix: 'Send the token as it was given; it was changed, or made by another.',
    };
  return { step: 'form', reason: 'it is no signed token of the kind that is taken', fix: 'Send the access token as the issuer gave it, whole.' };
}
