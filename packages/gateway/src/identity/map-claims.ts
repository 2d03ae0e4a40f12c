import { fitsGlob, parseGlob } from '../kernel/glob.ts';
import type { CallerRule, IssuerData, PeopleClaims } from './issuer-data.ts';
import { claimAt, type Claims } from './read-token.ts';
import { verifiedClaimOf } from './verified-claim-of.ts';
import type { VerifiedIdentity } from './verified-identity.ts';

/** Who a verified token is of, as far as its claims say: nothing of it has been looked up. */
export type MappedCaller =
  | { readonly kind: 'entry'; readonly entry: Pick<CallerRule, 'kind' | 'id'> }
  | { readonly kind: 'person'; readonly identity: VerifiedIdentity; readonly rules: PeopleClaims }
  | { readonly kind: 'nobody'; readonly trouble: string; readonly fix: string };

const valuesMax = 1_000;
const textMax = 255;

/** Pure. What the mapping is not about gives nothing, whatever a token says. */
export function mapClaims({ name: providerId, organizationId, issuer, mapping }: IssuerData, claims: Claims): MappedCaller {
  const rule = mapping.callers.find((one) => Object.entries(one.claims).every(([path, pattern]) => fits(claimAt(claims, path), pattern)));
  if (rule !== undefined) return { kind: 'entry', entry: { kind: rule.kind, id: rule.id } };
  const { people } = mapping;
  if (people === null)
    return { kind: 'nobody', trouble: 'no entry of callers fits its claims', fix: 'Add an entry to callers with claims that the token has, or set provision.' };
  const subject = textOf(claimAt(claims, people.subject));
  if (subject === null)
    return {
      kind: 'nobody',
      trouble: `it has no claim ${people.subject} that is text of at most ${textMax} characters`,
      fix: 'Have the issuer add it to the token, or name another claim in claims.subject.',
    };
  const email = textOf(claimAt(claims, people.email));
  const verifiedClaim = verifiedClaimOf(people.email);
  const identity: VerifiedIdentity = {
    providerId,
    organizationId,
    issuer,
    subject,
    email,
    emailVerified: email !== null && (people.isEmailTrusted || (verifiedClaim !== null && claimAt(claims, verifiedClaim) === true)),
    name: textOf(claimAt(claims, people.name)),
    groups: [...new Set(people.groups.flatMap((path) => valuesOf(claimAt(claims, path))))],
    claims,
  };
  return { kind: 'person', identity, rules: people };
}

/** Texts, numbers and truth values by their text; of a list one of it. */
function fits(value: unknown, pattern: string): boolean {
  if (Array.isArray(value)) return value.slice(0, valuesMax).some((one) => !Array.isArray(one) && fits(one, pattern));
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
  return fitsGlob(parseGlob(pattern), String(value));
}

function textOf(value: unknown): string | null {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && text !== '' && text.length <= textMax && text.isWellFormed() ? text : null;
}

/** A list, or one text; RFC 8693 and RFC 9068 write lists with spaces between, so each word of it counts too. */
function valuesOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value)
    ? value.slice(0, valuesMax)
    : typeof value === 'string'
      ? [value, ...value.split(' ', valuesMax)]
      : [];
  return values.flatMap((one) => (typeof one === 'string' && one !== '' && one.length <= textMax ? [one] : []));
}
