import { timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import type { ProviderData, SamlProviderData } from '../../identity/provider-data.ts';
import type { VerifiedIdentity } from '../../identity/verified-identity.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import type { ControlContext } from '../context.ts';
import { openUserSession } from '../sessions/open-user-session.ts';
import { digest, pendingKey, pendingSchema } from './begin-sign-in.ts';
import { enforcedFor, placesOf, redirectUriOf } from './provider-desk.ts';
import { refuseSignIn, type RefusedSignIn } from './refuse-sign-in.ts';
import { settleIdentity } from './settle-identity.ts';
import { noteTried, noteTryFailed } from './try-sign-in.ts';

type Caller = Omit<ControlContext, 'actor' | 'organizationId'>;

export interface FinishedSignIn {
  readonly ok: true;
  readonly isTried: false;
  /** Of the session. */
  readonly token: string;
  /** Null: nothing of ours was asked for. */
  readonly returnTo: string | null;
}

/** Who it is was found out, for whoever asked for the try; nobody is signed in. */
export interface TriedSignIn {
  readonly ok: true;
  readonly isTried: true;
}

export interface FinishInput {
  /** At which of our two doors it came. */
  readonly type: ProviderData['type'];
  /** Of which provider the address is that it came to; null: of none, as the shared one and that of SAML are. */
  readonly addressOf: string | null;
  /** What the provider sent back with the browser, by query or form. */
  readonly answer: URLSearchParams;
  /** What the browser shows that it began the sign-in by; null: nothing. */
  readonly browser: string | null;
  readonly userAgent: string;
}

/** A sign-in that may be finished; of SAML also one that began at the provider, where that is allowed. */
interface Begun {
  readonly ok: true;
  readonly provider: ProviderData;
  readonly state: string;
  readonly secrets: z.infer<typeof pendingSchema>['secrets'] | null;
  readonly returnTo: string | null;
  readonly tryId: string | null;
}

/** Why a sign-in goes no further. */
interface Stopped {
  readonly ok: false;
  readonly provider: ProviderData | null;
  readonly isTried: boolean;
  readonly step: string;
  readonly reason: string;
  readonly fix: string;
}

/**
 * Lets somebody in who comes back from their provider: once, within ten minutes, in the browser that began. Nothing is asked of the provider before that
 * holds. Faults: `rate_limit_exceeded`, `unavailable`.
 */
export async function finishSignIn(context: Caller, input: FinishInput): Promise<FinishedSignIn | TriedSignIn | RefusedSignIn> {
  const begun = await takeBegun(context, input);
  if (!begun.ok) return refuseSignIn(context, begun.provider, begun, begun.isTried);
  const { provider, returnTo, tryId } = begun;
  const refuse = async (trouble: unknown): Promise<RefusedSignIn> => {
    await noteTryFailed(context, tryId, trouble);
    return await refuseSignIn(context, provider, trouble, tryId !== null);
  };
  try {
    const identity = await vouchedFor(context, begun, input.answer);
    if (identity === null)
      return await refuse({
        step: 'assertion',
        reason: 'somebody came in by this assertion before',
        fix: 'Let them begin anew; if they did not come in themselves, their browser or the provider was listened to.',
      });
    if (tryId !== null) {
      await noteTried(context, tryId, provider, identity);
      return { ok: true, isTried: true };
    }
    const { organizationId, email } = identity;
    const enforced = (address: string | null | undefined): Stopped | null => enforcedElsewhere(context, provider, organizationId, address ?? null);
    const other = enforced(email);
    if (other !== null) return await refuse(other);
    const settled = await settleIdentity(context, identity, provider.rules);
    if (!settled.ok) return await refuse(settled);
    // Whom another provider calls by an address of elsewhere by now is still the user with the address that is enforced.
    const still = enforced(settled.user.entry.attributes['email']);
    if (still !== null) return await refuse(still);
    const token = await openUserSession(context, { organizationId, user: settled.user.entry, provider: provider.name, userAgent: input.userAgent });
    context.audit.signIns.person(provider.name, 'succeeded');
    return { ok: true, isTried: false, token, returnTo };
  } catch (error) {
    return await refuse(error);
  }
}

/** Why nobody with that address may come by this provider; null: they may. */
function enforcedElsewhere({ providers }: Caller, provider: ProviderData, organizationId: OrganizationId, email: string | null): Stopped | null {
  const enforced = email === null ? null : enforcedFor(providers.list(), organizationId, email);
  if (enforced === null || enforced.name === provider.name) return null;
  return {
    ok: false,
    provider,
    isTried: false,
    step: 'email',
    reason: `their address belongs to ${enforced.name}, which is enforced`,
    fix: `Let them sign in by ${enforced.name}.`,
  };
}

async function takeBegun(context: Caller, { type, addressOf, answer, browser }: FinishInput): Promise<Begun | Stopped> {
  const state = answer.get(type === 'saml' ? 'RelayState' : 'state') ?? '';
  const stored = state === '' || state.length > 200 ? null : await context.state.take(pendingKey(state));
  if (stored === null) {
    const unasked = type === 'saml' ? await unaskedProvider(context, answer) : null;
    // What the provider's pages say of where to go is a stranger's word.
    if (unasked !== null) return { ok: true, provider: unasked, state: '', secrets: null, returnTo: null, tryId: null };
    return stopped(
      null,
      false,
      'nothing was begun with this state, it was used already, or it is older than ten minutes',
      'Let them begin anew from the page of the gateway, not from a bookmark of the provider.',
    );
  }
  const { returnTo, tryId, ...pending } = pendingSchema.parse(JSON.parse(stored.toString()));
  const provider = context.providers.list().find(({ name }) => name === pending.provider) ?? null;
  if (browser === null || !isSame(digest(browser), pending.browser))
    return stopped(
      provider,
      tryId !== null,
      'another browser began this sign-in, or it sends no cookies',
      'Somebody may have been sent a link to sign in as another; else let the browser keep cookies of the gateway.',
    );
  if (provider === null || provider.type !== type || type !== ('requestId' in pending.secrets ? 'saml' : 'oidc'))
    return stopped(provider, tryId !== null, 'the provider is not configured any more as it was when they began', 'Let them begin anew.');
  // Mix-up (RFC 9700, section 4.4): an issuer that names itself in its answer (RFC 9207) is compared where the code is shown; of any other the address tells.
  if (provider.type === 'oidc' && addressOf !== (provider.callback === 'shared' ? null : provider.name))
    return stopped(
      provider,
      tryId !== null,
      `the answer came to the address of ${addressOf === null ? 'the provider with callback: shared' : addressOf.slice(0, 63)}, and they had begun by ${provider.name}`,
      `Whoever runs ${provider.name} may have led them to another provider, to come by its code; no code was shown to anybody. See what ${provider.name} is before anybody signs in by it. Where callback has just been changed, let them begin anew.`,
    );
  return { ok: true, provider, state, secrets: pending.secrets, returnTo, tryId };
}

/** By whom an answer that nobody asked for says that it is, if people may come from its pages. */
async function unaskedProvider({ providers }: Caller, answer: URLSearchParams): Promise<SamlProviderData | null> {
  const open = providers.list().filter((one): one is SamlProviderData => one.type === 'saml' && one.isUnaskedTaken);
  if (open.length === 0) return null;
  const issuer = (await providers.saml()).issuerOf(answer.get('SAMLResponse') ?? '');
  return open.find((one) => one.issuer === issuer) ?? null;
}

/** Who it is; null: the assertion was used before. */
async function vouchedFor(context: Caller, { provider, state, secrets }: Begun, answer: URLSearchParams): Promise<VerifiedIdentity | null> {
  const { providers, publicUrl, registry } = context;
  if (provider.type === 'oidc') {
    if (secrets === null || !('nonce' in secrets)) throw new Error('a sign-in by OpenID Connect has its secrets');
    return await (await providers.clients()).finish(provider, redirectUriOf(provider, publicUrl()), answer, { ...secrets, state });
  }
  const requestId = secrets !== null && 'requestId' in secrets ? secrets.requestId : null;
  const places = placesOf(provider, publicUrl());
  const { identity, assertionId, untilMs } = await (await providers.saml()).finish(provider, places, answer.get('SAMLResponse') ?? '', requestId);
  const used = digest(JSON.stringify([identity.issuer, assertionId]));
  return (await registry.transaction(({ assertions }) => assertions.use(identity.organizationId, used, untilMs))) ? identity : null;
}

function stopped(provider: ProviderData | null, isTried: boolean, reason: string, fix: string): Stopped {
  return { ok: false, provider, isTried, step: 'answer', reason, fix };
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
