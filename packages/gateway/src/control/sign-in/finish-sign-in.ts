import { timingSafeEqual } from 'node:crypto';
import type { ControlContext } from '../context.ts';
import { openUserSession } from '../sessions/open-user-session.ts';
import { digest, pendingKey, pendingSchema } from './begin-sign-in.ts';
import { callbackPath, enforcedFor } from './provider-desk.ts';
import { refuseSignIn, type RefusedSignIn } from './refuse-sign-in.ts';
import { settleIdentity } from './settle-identity.ts';

export interface FinishedSignIn {
  readonly ok: true;
  /** Of the session. */
  readonly token: string;
  readonly returnTo: string;
}

export interface FinishInput {
  /** What the provider sent back with the browser, by query or form. */
  readonly answer: URLSearchParams;
  /** What the browser shows that it began the sign-in by; null: nothing. */
  readonly browser: string | null;
  readonly userAgent: string;
}

/**
 * Lets somebody in who comes back from their provider: once, within ten minutes, in the browser that began. Nothing is asked of the provider before that
 * holds. Faults: `rate_limit_exceeded`, `unavailable`.
 */
export async function finishSignIn(
  context: Omit<ControlContext, 'actor' | 'organizationId'>,
  { answer, browser, userAgent }: FinishInput,
): Promise<FinishedSignIn | RefusedSignIn> {
  const state = answer.get('state') ?? '';
  const stored = state === '' || state.length > 200 ? null : await context.state.take(pendingKey(state));
  if (stored === null)
    return refuseSignIn(context, null, {
      step: 'answer',
      reason: 'nothing was begun with this state, it was used already, or it is older than ten minutes',
      fix: 'Let them begin anew from the page of the gateway, not from a bookmark of the provider.',
    });
  const { returnTo, ...pending } = pendingSchema.parse(JSON.parse(stored.toString()));
  const provider = context.providers.list().find(({ name }) => name === pending.provider) ?? null;
  if (browser === null || !isSame(digest(browser), pending.browser))
    return refuseSignIn(context, provider, {
      step: 'answer',
      reason: 'another browser began this sign-in, or it sends no cookies',
      fix: 'Somebody may have been sent a link to sign in as another; else let the browser keep cookies of the gateway.',
    });
  if (provider === null) return refuseSignIn(context, null, { step: 'answer', reason: 'the provider is not configured any more', fix: 'Let them begin anew.' });
  try {
    const identity = await (await context.providers.clients()).finish(provider, `${context.publicUrl()}${callbackPath}`, answer, { ...pending, state });
    const { organizationId, email } = identity;
    const enforced = email === null ? null : enforcedFor(context.providers.list(), organizationId, email);
    if (enforced !== null && enforced.name !== provider.name)
      return await refuseSignIn(context, provider, {
        step: 'email',
        reason: `their address belongs to ${enforced.name}, which is enforced`,
        fix: `Let them sign in by ${enforced.name}.`,
      });
    const settled = await settleIdentity(context, identity, provider.rules);
    if (!settled.ok) return await refuseSignIn(context, provider, settled);
    const token = await openUserSession(context, { organizationId, user: settled.user.entry, provider: provider.name, userAgent });
    return { ok: true, token, returnTo };
  } catch (error) {
    return await refuseSignIn(context, provider, error);
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
