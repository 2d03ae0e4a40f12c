import { createHash } from 'node:crypto';
import { z } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import { randomBase62 } from '../../kernel/id.ts';
import type { ProviderData } from '../../identity/provider-data.ts';
import type { ControlContext } from '../context.ts';
import { placesOf, redirectUriOf } from './provider-desk.ts';
import { refuseSignIn, type RefusedSignIn } from './refuse-sign-in.ts';
import { countBegun } from './sign-in-attempts.ts';
import { noteTryFailed } from './try-sign-in.ts';

type Caller = Omit<ControlContext, 'actor' | 'organizationId'>;

/** A sign-in under way, as shared state has it under the hash of its state: taken once. */
export const pendingSchema = z.object({
  provider: z.string(),
  /** Of OpenID Connect; of SAML the id of our request. */
  secrets: z.union([z.object({ nonce: z.string(), verifier: z.string() }), z.object({ requestId: z.string() })]),
  /** Hash of what the browser shows that began it. */
  browser: z.string(),
  returnTo: z.string(),
  /** Of a sign-in that is only tried: which one. */
  tryId: z.string().nullable().default(null),
});

export interface BegunSignIn {
  readonly ok: true;
  /** Where the browser is sent. */
  readonly url: string;
  /** What it has to show when it comes back. */
  readonly browser: string;
}

const browserForm = /^[0-9A-Za-z]{43}$/;

/** `shown`: what the browser has from a sign-in that it began in another window. Faults: `rate_limit_exceeded`, `unavailable`. */
export async function beginSignIn(
  context: Caller,
  {
    provider,
    returnTo,
    shown,
    tryId,
  }: { readonly provider: ProviderData; readonly returnTo: string; readonly shown: string | null; readonly tryId: string | null },
): Promise<BegunSignIn | RefusedSignIn> {
  await countBegun(context, context.peer);
  const browser = shown !== null && browserForm.test(shown) ? shown : randomBase62(43);
  try {
    const { url, state, secrets } = await askProvider(context, provider);
    const pending: z.infer<typeof pendingSchema> = { provider: provider.name, secrets, browser: digest(browser), returnTo, tryId };
    await context.state.set(pendingKey(state), Buffer.from(JSON.stringify(pending)), bounds.signInMs);
    if (tryId === null) context.audit.signIns.person(provider.name, 'begun');
    return { ok: true, url, browser };
  } catch (error) {
    await noteTryFailed(context, tryId, error);
    return await refuseSignIn(context, provider, error, tryId !== null);
  }
}

interface Asked {
  readonly url: string;
  /** Comes back with the browser. */
  readonly state: string;
  readonly secrets: z.infer<typeof pendingSchema>['secrets'];
}

async function askProvider({ providers, publicUrl }: Caller, provider: ProviderData): Promise<Asked> {
  if (provider.type === 'saml') {
    const state = randomBase62(43);
    const { url, requestId } = await (await providers.saml()).begin(provider, placesOf(provider, publicUrl()), state);
    return { url, state, secrets: { requestId } };
  }
  const { url, secrets } = await (await providers.clients()).begin(provider, redirectUriOf(provider, publicUrl()));
  return { url, state: secrets.state, secrets: { nonce: secrets.nonce, verifier: secrets.verifier } };
}

/** Where shared state holds what was begun with this state. */
export function pendingKey(state: string): string {
  return `sign-in:${digest(state)}`;
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
