/** Signing in by OpenID Connect (Core 1.0, authorization code with PKCE, RFC 9700): the wrapper around `openid-client` that says which step failed. */
import * as client from 'openid-client';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { createGuardedFetch } from './guarded-fetch.ts';
import type { OidcProviderData } from './provider-data.ts';
import { createProviderDocuments, type ProviderTrouble } from './provider-documents.ts';
import { presets } from '../kernel/provider-presets.ts';
import { readClaims } from './read-claims.ts';
import { SignInTrouble, type SignInStep } from './sign-in-trouble.ts';
import type { VerifiedIdentity } from './verified-identity.ts';

/** What must come back with the browser, and what only we know. */
export interface OidcSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface StepReport {
  readonly step: SignInStep;
  readonly ok: boolean;
  readonly detail: string;
  /** Null: there is nothing to mend. */
  readonly fix: string | null;
}

export interface OidcClients {
  /** Where the browser is sent. Throws `SignInTrouble`. */
  begin(provider: OidcProviderData, redirectUri: string): Promise<{ readonly url: string; readonly secrets: OidcSecrets }>;
  /** Who came back with these parameters. Throws `SignInTrouble`. */
  finish(provider: OidcProviderData, redirectUri: string, answer: URLSearchParams, secrets: OidcSecrets): Promise<VerifiedIdentity>;
  /** What claims say of a person, by nobody's word but who wrote them: for a preview. Faults: `invalid_params`. */
  read(provider: OidcProviderData, claims: Readonly<Record<string, unknown>>): VerifiedIdentity;
  /** Each step that can be tried without a person, up to the first that fails. Never rejects. */
  test(provider: OidcProviderData, redirectUri: string): Promise<readonly StepReport[]>;
  /** As `ProviderDocuments` has it, of its discovery document. */
  trouble(provider: OidcProviderData): ProviderTrouble | null;
}

/** `nowMs`: by a clock that never goes back. */
export function createOidcClients(nowMs: () => number): OidcClients {
  // Of a provider that is away nobody could get a token anyhow.
  const documents = createProviderDocuments({ read: discover, staleMs: 0, nowMs });

  return {
    async begin(provider, redirectUri) {
      const configuration = await documents.of(provider);
      const secrets = { state: client.randomState(), nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier() };
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: provider.scopes.join(' '),
        state: secrets.state,
        nonce: secrets.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(secrets.verifier),
        code_challenge_method: 'S256',
        ...(provider.responseMode === 'form_post' ? { response_mode: 'form_post' } : {}),
      });
      return { url: url.href, secrets };
    },
    async finish(provider, redirectUri, answer, { state, nonce, verifier }) {
      const configuration = await documents.of(provider);
      const returned = new URL(redirectUri);
      returned.search = answer.toString();
      try {
        const tokens = await client.authorizationCodeGrant(configuration, returned, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const idToken = tokens.claims();
        if (idToken === undefined) throw new SignInTrouble('token', 'the provider sent no ID token', 'Let scopes have openid.');
        return readClaims(provider, { ...(await moreClaims(configuration, provider, tokens.access_token, idToken)), ...idToken });
      } catch (error) {
        throw troubleOf(error);
      }
    },
    read(provider, claims) {
      try {
        return readClaims(provider, claims);
      } catch (error) {
        throw error instanceof SignInTrouble ? new Fault('invalid_params', { reason: error.message }, { cause: error }) : error;
      }
    },
    async test(provider, redirectUri) {
      const reports: StepReport[] = [];
      try {
        const configuration = await documents.ask(provider);
        const { issuer, jwks_uri: keys = '', token_endpoint: token = '' } = configuration.serverMetadata();
        reports.push({ step: 'discovery', ok: true, detail: `${issuer} describes itself`, fix: null });
        await requireKeys(provider, keys);
        reports.push({ step: 'keys', ok: true, detail: `its keys are at ${keys}`, fix: null });
        await tryClient(configuration, redirectUri);
        reports.push({ step: 'client', ok: true, detail: `${token} knows the client`, fix: null });
      } catch (error) {
        const trouble = troubleOf(error);
        reports.push({ step: trouble.step, ok: false, detail: trouble.message, fix: trouble.fix });
      }
      return reports;
    },
    trouble: documents.trouble,
  };
}

async function discover(provider: OidcProviderData): Promise<client.Configuration> {
  const { issuer, clientId, clientSecret } = provider;
  const metadata = { [client.clockTolerance]: bounds.clockToleranceSeconds };
  const shown = clientSecret === null ? client.None() : client.ClientSecretPost(clientSecret);
  const fetch = createGuardedFetch(provider);
  try {
    const configuration = await client.discovery(new URL(issuer), clientId, metadata, shown, {
      [client.customFetch]: fetch,
      // Who may be asked without TLS is for the fetch to say.
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
      timeout: bounds.providerAnswerMs / 1_000,
    });
    const found = configuration.serverMetadata();
    if (found.issuer !== issuer)
      throw new SignInTrouble('discovery', `it calls itself ${found.issuer.slice(0, 200)}`, `Write issuer letter for letter: ${found.issuer.slice(0, 200)}`);
    if (!found.supportsPKCE() && clientSecret === null)
      throw new SignInTrouble(
        'discovery',
        'it knows no PKCE, which alone protects a client without a secret',
        'Give the client a secret, and name it in client_secret.',
      );
    return configuration;
  } catch (error) {
    if (error instanceof SignInTrouble && error.step !== 'address') throw error;
    const inner = innerTrouble(error);
    if (inner !== null) throw inner;
    throw new SignInTrouble(
      'discovery',
      `its discovery document cannot be used: ${causeText(error)}`,
      `Correct issuer: of ${provider.preset} it is ${presets[provider.preset].issuerForm}.`,
      { cause: error },
    );
  }
}

/** What the ID token does not say may stand at the user info endpoint. */
async function moreClaims(
  configuration: client.Configuration,
  provider: OidcProviderData,
  accessToken: string,
  idToken: client.IDToken,
): Promise<Readonly<Record<string, unknown>>> {
  const { email, groups } = provider.claims;
  const isWhole = email in idToken && (provider.rules.mapping.length === 0 || groups.some((name) => (name.split('.')[0] ?? '') in idToken));
  if (isWhole || configuration.serverMetadata().userinfo_endpoint === undefined) return {};
  return await client.fetchUserInfo(configuration, accessToken, idToken.sub);
}

async function requireKeys(provider: OidcProviderData, address: string): Promise<void> {
  const answer = address === '' ? null : await createGuardedFetch(provider)(address, {});
  const keys = answer?.ok === true ? ((await answer.json().catch(() => null)) as { keys?: unknown } | null)?.keys : null;
  if (!Array.isArray(keys) || keys.length === 0)
    throw new SignInTrouble(
      'keys',
      `there are no keys at ${address === '' ? 'jwks_uri, which it does not name' : address}`,
      'Ask whoever runs the provider: it must publish the keys that it signs with.',
    );
}

/** A code that cannot be good: whoever knows the client says so of the code, whoever does not says so of the client. */
async function tryClient(configuration: client.Configuration, redirectUri: string): Promise<void> {
  const returned = new URL(redirectUri);
  const state = client.randomState();
  returned.search = new URLSearchParams({ code: 'gatewayops-test', state, iss: configuration.serverMetadata().issuer }).toString();
  try {
    await client.authorizationCodeGrant(configuration, returned, { expectedState: state, pkceCodeVerifier: client.randomPKCECodeVerifier() });
  } catch (error) {
    if (error instanceof client.ResponseBodyError && error.error === 'invalid_grant') return;
    throw troubleOf(error);
  }
}

function troubleOf(error: unknown): SignInTrouble {
  if (error instanceof SignInTrouble) return error;
  const inner = innerTrouble(error);
  if (inner !== null) return inner;
  if (error instanceof client.AuthorizationResponseError) {
    const { error: code } = error;
    return new SignInTrouble(
      'answer',
      `the provider answered ${code.slice(0, 100)}`,
      code === 'access_denied' ? 'Assign them to the application at the provider.' : 'Look for the sign-in in the log of the provider.',
      { cause: error },
    );
  }
  if (error instanceof client.ResponseBodyError) {
    const code = error.error.slice(0, 100);
    const isClient = code === 'invalid_client' || code === 'unauthorized_client';
    return new SignInTrouble(
      isClient ? 'client' : 'token',
      `its token endpoint answered ${code}`,
      isClient
        ? 'Correct client_id and client_secret; the provider may have given the secret an end.'
        : 'Let the redirect URI at the provider be the callback of this gateway, letter for letter.',
      { cause: error },
    );
  }
  const { code = '' } = error as { readonly code?: string };
  const text = causeText(error);
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED')
    return new SignInTrouble('identity', `the times of the ID token do not fit: ${text}`, 'Set the clocks of this machine and the provider (NTP).', {
      cause: error,
    });
  if (code === 'OAUTH_JWT_CLAIM_COMPARISON_FAILED' || code === 'OAUTH_KEY_SELECTION_FAILED')
    return new SignInTrouble('identity', `the ID token is not for this sign-in: ${text}`, 'Correct issuer and client_id.', { cause: error });
  return new SignInTrouble(
    'answer',
    `the answer is not one to this sign-in: ${text}`,
    'Let them begin anew; where it stays so, look into the log of the provider.',
    { cause: error },
  );
}

/** What the fetch said lies below what the library makes of it. */
function innerTrouble(error: unknown): SignInTrouble | null {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) if (at instanceof SignInTrouble) return at;
  return null;
}

function causeText(error: unknown): string {
  if (!(error instanceof Error)) return 'it is not what was expected';
  const { cause } = error;
  return (cause instanceof Error ? cause.message : error.message).slice(0, 300);
}
