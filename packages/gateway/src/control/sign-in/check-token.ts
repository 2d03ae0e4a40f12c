import { mapClaims } from '../../identity/map-claims.ts';
import type { VerifiedIdentity } from '../../identity/verified-identity.ts';
import { tokenSteps, type TokenStep } from '../../kernel/token-terms.ts';
import type { ControlContext } from '../context.ts';
import { identityDigest } from './settle-identity.ts';
import { readUser } from './read-user.ts';

/** What becomes of a token, test by test. */
export interface TokenCheck {
  /** `unavailable`: nobody can tell, for the issuer does not answer. */
  readonly outcome: 'taken' | 'refused' | 'unavailable';
  readonly steps: readonly { readonly step: TokenStep; readonly outcome: 'pass' | 'fail' | 'not_reached' }[];
  /** The test that it fails, why, and how to mend it; null where it is taken. */
  readonly failed: { readonly step: TokenStep; readonly reason: string; readonly fix: string } | null;
  /** Name of the issuer in the configuration. */
  readonly issuer: string | null;
  readonly caller: CheckedCaller | null;
}

export interface CheckedCaller {
  readonly kind: 'user' | 'service_account' | 'agent';
  /** Null: a person who would be made a user, or tied to the user with their address. */
  readonly id: string | null;
  readonly email: string | null;
  readonly emailVerified: boolean;
  /** Values of the claims that the mapping is about. */
  readonly groups: readonly string[];
}

/**
 * Tries a token as a caller's would be, for whoever sets an issuer up: nobody is let in by it, made a user or given anything. Of an issuer of another
 * organization it is told what is told of one that is not configured. Faults: `unavailable`.
 */
export async function checkToken(context: ControlContext, text: string): Promise<TokenCheck> {
  const { issuers, organizationId, config } = context;
  const none = { step: 'issuer', reason: 'no issuer of this organization is configured for it', fix: 'Write its issuer under identity.issuers.' } as const;
  if (config.identity.issuers.length === 0) return refused(none, null);
  const verdict = await issuers.verify(text);
  if (verdict.ok === 'busy')
    return {
      outcome: 'unavailable',
      steps: stepsTo('key'),
      failed: { step: 'key', reason: 'too many tokens are being verified', fix: 'Try again.' },
      issuer: null,
      caller: null,
    };
  const issuer = verdict.ok === true ? verdict.token.issuer : verdict.ok === 'away' ? verdict.issuer : verdict.refusal.issuer;
  if (issuer !== null && issuer.organizationId !== organizationId) return refused(none, null);
  if (verdict.ok === 'away')
    return {
      outcome: 'unavailable',
      steps: stepsTo('key'),
      failed: {
        step: 'key',
        reason: verdict.reason,
        fix: 'See that the gateway reaches the issuer, and that it answers; where its address is private, allow_addresses must name it.',
      },
      issuer: verdict.issuer.name,
      caller: null,
    };
  if (!verdict.ok) {
    const { step, reason, fix } = verdict.refusal;
    return refused({ step, reason, fix }, issuer?.name ?? null);
  }
  const { token } = verdict;
  const mapped = mapClaims(token.issuer, token.claims);
  if (mapped.kind === 'nobody') return refused({ step: 'mapping', reason: mapped.trouble, fix: mapped.fix }, token.issuer.name);
  return mapped.kind === 'entry'
    ? checkEntry(context, token.issuer.name, mapped.entry)
    : checkPerson(context, token.issuer.name, mapped.identity, mapped.rules.provision === 'required', mapped.rules.allowedGroups);
}

async function checkEntry(
  { registry, organizationId }: ControlContext,
  issuer: string,
  entry: { readonly kind: CheckedCaller['kind']; readonly id: string },
): Promise<TokenCheck> {
  const caller: CheckedCaller = { ...entry, email: null, emailVerified: false, groups: [] };
  if ((await registry.directory.find(organizationId, entry)) !== null) return taken(issuer, caller);
  const reason = `the organization has no ${entry.kind.replace('_', ' ')} ${entry.id}`;
  return refused({ step: 'directory', reason, fix: 'Make it, or correct the entry of callers.' }, issuer, caller);
}

async function checkPerson(
  context: ControlContext,
  issuer: string,
  identity: VerifiedIdentity,
  isRequired: boolean,
  allowedGroups: readonly string[] | null,
): Promise<TokenCheck> {
  const { registry, organizationId } = context;
  const link = await registry.identities.find(organizationId, identityDigest(identity));
  const { email, emailVerified, groups } = identity;
  const caller: CheckedCaller = { kind: 'user', id: link?.userId ?? null, email, emailVerified, groups };
  if (allowedGroups !== null && !allowedGroups.some((group) => groups.includes(group)))
    return refused(
      { step: 'mapping', reason: 'it is in none of allowed_groups', fix: 'Add them to such a group at the issuer, or change allowed_groups.' },
      issuer,
      caller,
    );
  if (link !== null && (await readUser(context, organizationId, link.userId)) === null)
    return refused(
      { step: 'directory', reason: 'the user is gone, or switched off', fix: 'Switch the user on again, or make one with their address.' },
      issuer,
      caller,
    );
  if (link === null && isRequired && (email === null || !emailVerified))
    return refused(
      {
        step: 'directory',
        reason: 'the directory does not know them, and no verified address says which user they are',
        fix: 'Have the issuer add email and email_verified, or write email_verified: assumed; or set provision: just_in_time.',
      },
      issuer,
      caller,
    );
  return taken(issuer, caller);
}

function taken(issuer: string, caller: CheckedCaller): TokenCheck {
  return { outcome: 'taken', steps: tokenSteps.map((step) => ({ step, outcome: 'pass' })), failed: null, issuer, caller };
}

function refused(failed: NonNullable<TokenCheck['failed']>, issuer: string | null, caller: CheckedCaller | null = null): TokenCheck {
  return { outcome: 'refused', steps: stepsTo(failed.step), failed, issuer, caller };
}

function stepsTo(failed: TokenStep): TokenCheck['steps'] {
  const at = tokenSteps.indexOf(failed);
  return tokenSteps.map((step, index) => ({ step, outcome: index < at ? 'pass' : index === at ? 'fail' : 'not_reached' }));
}
