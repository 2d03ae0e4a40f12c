import type { ProviderData } from './provider-data.ts';
import { verifiedClaimOf } from './verified-claim-of.ts';
import { SignInTrouble } from './sign-in-trouble.ts';
import type { VerifiedIdentity } from './verified-identity.ts';

type Claims = Readonly<Record<string, unknown>>;

/** More than any provider sends in a token; of more the rest is left out. */
const groupsMax = 2_000;

/** What verified claims say of a person. Throws `SignInTrouble` where they say nothing that tells one person from another, or not all groups. */
export function readClaims(provider: Pick<ProviderData, 'name' | 'organizationId' | 'issuer' | 'claims' | 'isEmailTrusted'>, claims: Claims): VerifiedIdentity {
  const { subject: subjectClaim, email: emailClaim, name: nameClaim, groups: groupClaims } = provider.claims;
  const subject = claimAt(claims, subjectClaim);
  if (typeof subject !== 'string' || subject === '' || subject.length > 1_000)
    throw new SignInTrouble('identity', `the claim ${subjectClaim} is not there, or is no text`, 'Name a claim in claims.subject that every token has.');
  const left = claims['_claim_names'];
  if (typeof left === 'object' && left !== null && groupClaims.some((name) => name in left))
    throw new SignInTrouble(
      'groups',
      'the provider left the groups out, for they are too many for a token',
      'Let the provider send only groups that are assigned to the application, or application roles.',
    );
  const email = claimAt(claims, emailClaim);
  return {
    providerId: provider.name,
    organizationId: provider.organizationId,
    issuer: provider.issuer,
    subject,
    email: typeof email === 'string' && email !== '' ? email : null,
    emailVerified: provider.isEmailTrusted || isVerified(emailClaim, claims),
    name: textOf(claimAt(claims, nameClaim)),
    groups: [...new Set(groupClaims.flatMap((name) => textsOf(claimAt(claims, name))))].slice(0, groupsMax),
    claims,
  };
}

/** Whether the claims say so of the address that was read: what they say of `email` is nothing about a `upn` or a user name, which people may choose. */
function isVerified(emailClaim: string, claims: Claims): boolean {
  const verifiedClaim = verifiedClaimOf(emailClaim);
  const verified = verifiedClaim === null ? false : claimAt(claims, verifiedClaim);
  return verified === true || verified === 'true' || (emailClaim === 'email' && (claims['xms_edov'] === true || claims['xms_edov'] === '1'));
}

/** By name, or by a path with dots where no claim has that name. */
function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Claims)[part];
  }
  return value;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A list of texts, or one. Keycloak writes groups as paths: `/engineering`. */
function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string' && one !== '');
}
