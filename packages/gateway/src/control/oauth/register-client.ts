import { z } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import { randomBase62 } from '../../kernel/id.ts';
import type { RegisteredClient } from '../../store/registry/oauth-store.ts';
import { plainClientName } from './find-client.ts';
import type { TokenContext } from './issue-tokens.ts';
import { OauthRefusal } from './oauth-refusal.ts';
import { refusedRedirectUri } from '../../kernel/redirect-uri.ts';

const metadataSchema = z.looseObject({
  redirect_uris: z.array(z.string()).min(1).max(20),
  client_name: z.string().max(200).optional(),
  token_endpoint_auth_method: z.string().optional(),
  grant_types: z.array(z.string()).max(10).optional(),
  response_types: z.array(z.string()).max(10).optional(),
});

const perMinute = { limit: bounds.registrationsPerMinute, windowMs: 60_000, burst: 0 };

/**
 * A client registers itself (RFC 7591): public, for the code flow. Anybody can, so it proves nothing and is bounded: in all, by the minute on all nodes together, and
 * one that nobody uses is forgotten. Refusals: `invalid_client_metadata`, `invalid_redirect_uri`, `temporarily_unavailable`. Faults: `unavailable`.
 */
export async function registerClient(
  { registry, state, clock, log }: Pick<TokenContext, 'registry' | 'state' | 'clock' | 'log'>,
  metadata: unknown,
): Promise<RegisteredClient> {
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) throw new OauthRefusal('invalid_client_metadata', `${parsed.error.issues[0]?.path.join('.') || 'it'} is not as RFC 7591 has it`);
  const {
    redirect_uris: redirectUris,
    client_name: name,
    token_endpoint_auth_method: method = 'none',
    grant_types: grants,
    response_types: responses,
  } = parsed.data;
  const bad = redirectUris.map((uri) => refusedRedirectUri(uri)).find((reason) => reason !== null);
  if (bad !== undefined) throw new OauthRefusal('invalid_redirect_uri', `of a redirect URI: ${bad}`);
  // Clients that ask for a secret by habit take part without one: the answer says so (RFC 7591 section 3.2.1).
  if (!['none', 'client_secret_basic', 'client_secret_post'].includes(method))
    throw new OauthRefusal('invalid_client_metadata', 'token_endpoint_auth_method must be none');
  if ((grants !== undefined && !grants.includes('authorization_code')) || (responses !== undefined && !responses.includes('code')))
    throw new OauthRefusal('invalid_client_metadata', 'only the authorization code flow is served');
  const nowMs = clock.nowMs();
  const { granted } = await state.takeTokens('oauth-registrations', perMinute, 1, nowMs);
  if (granted === 0) throw new OauthRefusal('temporarily_unavailable', 'too many clients register: try again in a minute');
  const client: RegisteredClient = {
    id: `client_${randomBase62(20)}`,
    name: plainClientName(name) ?? 'a client without a name',
    redirectUris,
    createdAtMs: nowMs,
  };
  const isFull = await registry.transaction(async ({ oauthClients }) => {
    await oauthClients.deleteUnused(nowMs - bounds.registeredClientMs);
    if ((await oauthClients.count()) >= bounds.registeredClientsMax) return true;
    await oauthClients.insert(client);
    return false;
  });
  if (isFull) throw new OauthRefusal('temporarily_unavailable', 'no further client can register');
  log.info('oauth_client.registered', { client: client.id });
  return client;
}
