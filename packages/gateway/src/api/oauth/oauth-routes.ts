/**
 * The endpoints of OAuth, in its own words: forms and redirects, errors as RFC 6749 has them. Metadata and tokens are for everyone who asks; the page of
 * consent is for who is signed in here. Where the configuration has no authorization server none of them is there.
 */
import type { Context } from 'hono';
import type { AuthorizationServerConfig } from '../../config/config.ts';
import type { Actor, ControlDependencies } from '../../control/context.ts';
import { readAuthorization, type AuthorizationRequest, type RefusedRequest } from '../../control/oauth/authorize.ts';
import { answerConsent, askConsent } from '../../control/oauth/consent.ts';
import { isVouchedFor, requireClientSecret, requireStillKnown } from '../../control/oauth/find-client.ts';
import { exchangeCode, refreshGrant, type IssuedTokens, type TokenContext } from '../../control/oauth/issue-tokens.ts';
import { OauthRefusal } from '../../control/oauth/oauth-refusal.ts';
import { controlApiPath } from '../../control/oauth/resources.ts';
import { registerClient } from '../../control/oauth/register-client.ts';
import { revokeToken } from '../../control/oauth/revoke-token.ts';
import { pathPrefix } from '../../control/sign-in/return-path.ts';
import { countFailed } from '../../control/sign-in/sign-in-attempts.ts';
import { Fault } from '../../kernel/fault.ts';
import { redirectPlace } from '../../kernel/redirect-uri.ts';
import { cookieActor, peerOf } from '../authenticate-caller.ts';
import type { ApiApp, ApiEnvironment } from '../route.ts';
import { authorizationServer, protectedResource } from './metadata.ts';
import { readClient, readForm, readText, required } from './read-form.ts';
import { renderConsent, renderRefusedRequest } from './render-consent.ts';
import { renderReload } from '../pages/render-sign-in.ts';

type Ask = Context<ApiEnvironment>;

const dayMs = 86_400_000;

export function oauthRoutes(app: ApiApp): void {
  metadataRoutes(app);
  app.get('/oauth/authorize', async (c) => {
    const server = requireServer(c);
    const actor = await cookieActor(c, c.var.dependencies);
    if (actor !== null) return await ask(c, server, actor);
    const here = `/oauth/authorize${new URL(c.req.url).search}`;
    const publicUrl = c.var.dependencies.publicUrl();
    if (c.req.header('sec-fetch-site') === 'cross-site') return page(c, renderReload(`${publicUrl}${here}`, publicUrl), 200, null);
    return c.redirect(`${publicUrl}/sign-in?${new URLSearchParams({ return_to: `${pathPrefix(publicUrl)}${here}` }).toString()}`, 303);
  });
  app.post('/oauth/consent', async (c) => {
    requireServer(c);
    const { dependencies, requestId } = c.var;
    requireOwnForm(c, dependencies);
    const actor = await cookieActor(c, dependencies);
    if (actor === null) throw new Fault('unauthorized');
    const form = await answerInPage(c, () => readForm(c));
    if (form instanceof Response) return form;
    const context = { ...dependencies, actor, organizationId: actor.organizationId, requestId, peer: peerOf(c) };
    const answer = await answerConsent(context, form.get('request') ?? '', form.get('decision') === 'allow');
    if (answer === null)
      return page(
        c,
        renderRefusedRequest('this page was answered already, is too old, or was shown to somebody else', dependencies.publicUrl(), {
          requestId,
          answer: null,
        }),
        400,
        null,
      );
    return sendBack(c, answer.redirectUri, answer.state, answer.answer);
  });
  app.post('/oauth/token', async (c) => {
    const server = requireServer(c);
    return await answerJson(c, async () => {
      const form = await readForm(c);
      const client = readClient(c, form);
      requireStillKnown(server, client.id);
      requireClientSecret(server, client.id, client.secret);
      return tokenBody(await issue(tokenContext(c), server, client.id, form));
    });
  });
  app.post('/oauth/revoke', async (c) => {
    const server = requireServer(c);
    return await answerJson(c, async () => {
      const form = await readForm(c);
      const client = readClient(c, form);
      requireClientSecret(server, client.id, client.secret);
      await revokeToken(tokenContext(c), client.id, required(form, 'token'));
      return {};
    });
  });
  app.post('/oauth/register', async (c) => {
    if (!requireServer(c).dynamicRegistration) throw new Fault('not_found');
    return await answerJson(
      c,
      async () => {
        const client = await registerClient(tokenContext(c), jsonOf(await readText(c, /^application\/json(?:\s*;|$)/i, 'application/json')));
        return {
          client_id: client.id,
          client_id_issued_at: Math.floor(client.createdAtMs / 1000),
          client_name: client.name,
          redirect_uris: client.redirectUris,
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
        };
      },
      201,
    );
  });
}

function metadataRoutes(app: ApiApp): void {
  const resource = (c: Ask): Response => {
    const { dependencies } = c.var;
    const asked = withoutBase(c.req.path.slice('/.well-known/oauth-protected-resource'.length), dependencies);
    // Clients that know no path of it mean everything that is here.
    return document(c, protectedResource(dependencies, asked === '' ? '/mcp' : asked));
  };
  app.get('/.well-known/oauth-protected-resource', resource);
  app.get('/.well-known/oauth-protected-resource/*', resource);
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    const place = `/.well-known/${name}`;
    const server = (c: Ask): Response => {
      const { dependencies } = c.var;
      return document(c, withoutBase(c.req.path.slice(place.length), dependencies) === '' ? authorizationServer(dependencies) : null);
    };
    app.get(place, server);
    app.get(`${place}/*`, server);
  }
  app.get('/oauth/jwks', async (c) => {
    requireServer(c);
    const { keys } = c.var.dependencies.oauth;
    // One that has signed nothing yet has a key all the same: whoever reads the set before the first token finds it.
    await keys.signing();
    return document(c, { keys: await keys.published() });
  });
}

/** A proxy that serves the gateway under a path passes what is well-known on as it is. */
function withoutBase(path: string, { publicUrl }: Pick<ControlDependencies, 'publicUrl'>): string {
  const { pathname } = new URL(publicUrl());
  if (pathname === '/' || (path !== pathname && !path.startsWith(`${pathname}/`))) return path === '/' ? '' : path;
  return path.slice(pathname.length);
}

function document(c: Ask, body: Record<string, unknown> | null): Response {
  if (body === null) throw new Fault('not_found');
  c.header('Cache-Control', 'public, max-age=60');
  return c.json(body, 200);
}

/** Faults: `not_found` where the gateway gives out no tokens. */
function requireServer(c: Ask): AuthorizationServerConfig {
  const server = c.var.dependencies.config.identity.authorizationServer;
  if (server === null) throw new Fault('not_found');
  return server;
}

function tokenContext(c: Ask): TokenContext {
  const { dependencies, requestId } = c.var;
  return { ...dependencies, requestId, peer: peerOf(c) };
}

async function ask(c: Ask, server: AuthorizationServerConfig, actor: Actor): Promise<Response> {
  const { dependencies } = c.var;
  const read = await answerInPage(c, () => readAuthorization(dependencies, server, new URL(c.req.url).searchParams));
  if (read instanceof Response) return read;
  if ('refusal' in read) {
    const { redirectUri, state, refusal } = read;
    if (mayBeSentUnasked(read)) return sendBack(c, redirectUri, state, { refusal });
    return page(
      c,
      renderRefusedRequest(refusal.description, dependencies.publicUrl(), { requestId: c.var.requestId, answer: answerAt(c, redirectUri, state, { refusal }) }),
      400,
      null,
    );
  }
  if (read.resource.path === controlApiPath && actor.owner?.kind !== 'user')
    return sendBack(c, read.redirectUri, read.state, {
      refusal: new OauthRefusal('access_denied', 'only a user of the directory can allow it: whoever came by a one-time link uses a key'),
    });
  const publicUrl = dependencies.publicUrl();
  const token = await askConsent(dependencies, actor, read);
  const person = await nameOf(dependencies, actor);
  return page(c, renderConsent({ request: read, person, publicUrl, token, unusedDays: Math.max(1, Math.round(server.refreshTokenMs / dayMs)) }), 200, read);
}

async function nameOf({ registry }: Pick<ControlDependencies, 'registry'>, { owner, organizationId }: Actor): Promise<string> {
  if (owner === null) return 'an administrator, who is nobody in the directory: for eight hours at most';
  const entry = await registry.directory.find(organizationId, owner);
  const email = entry?.attributes['email'];
  return entry === null ? owner.id : email === undefined || email === entry.name ? entry.name : `${entry.name} (${email})`;
}

async function issue(context: TokenContext, server: AuthorizationServerConfig, clientId: string, form: ReadonlyMap<string, string>): Promise<IssuedTokens> {
  const resource = form.get('resource') ?? null;
  const grantType = required(form, 'grant_type');
  if (grantType === 'authorization_code')
    return exchangeCode(context, server, {
      clientId,
      code: required(form, 'code'),
      redirectUri: form.get('redirect_uri') ?? null,
      verifier: required(form, 'code_verifier'),
      resource,
    });
  if (grantType === 'refresh_token')
    return refreshGrant(context, server, { clientId, refreshToken: required(form, 'refresh_token'), scope: form.get('scope') ?? null, resource });
  throw new OauthRefusal('unsupported_grant_type', 'grant_type must be authorization_code or refresh_token');
}

function tokenBody({ accessToken, expiresInSeconds, refreshToken, scopes }: IssuedTokens): Record<string, unknown> {
  return { access_token: accessToken, token_type: 'Bearer', expires_in: expiresInSeconds, refresh_token: refreshToken, scope: scopes.join(' ') };
}

/** Refusals: `invalid_client_metadata`. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new OauthRefusal('invalid_client_metadata', 'the body is no JSON');
  }
}

async function answerJson(c: Ask, make: () => Promise<Record<string, unknown>>, status: 200 | 201 = 200): Promise<Response> {
  c.header('Pragma', 'no-cache');
  try {
    return c.json(await make(), status);
  } catch (error) {
    if (!(error instanceof OauthRefusal)) throw error;
    const { code, description } = error;
    if (code === 'invalid_grant' || code === 'invalid_client') await noteRefused(c, error);
    c.var.dependencies.log.info('oauth.refused', { code, reason: description, request_id: c.var.requestId });
    if (code === 'temporarily_unavailable') c.header('Retry-After', '60');
    if (code === 'invalid_client' && c.req.header('authorization') !== undefined) c.header('WWW-Authenticate', 'Basic realm="gatewayops"');
    return c.json({ error: code, error_description: description }, code === 'invalid_client' ? 401 : code === 'temporarily_unavailable' ? 429 : 400);
  }
}

/** Whoever shows what is not good, from one address again and again, waits: the audit says which step failed, bounded as all refusals there. Faults: `rate_limit_exceeded`. */
async function noteRefused(c: Ask, { reason }: OauthRefusal): Promise<void> {
  const { dependencies } = c.var;
  const peer = peerOf(c);
  dependencies.audit.noteSignIn({ outcome: 'failed', reason, kind: 'oauth_client', subject: '', organizationId: null, peer });
  await countFailed(dependencies, peer);
}

/** What a person reads where it is not sure that a client may. */
async function answerInPage<Read extends object>(c: Ask, read: () => Promise<Read>): Promise<Read | Response> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof OauthRefusal)) throw error;
    await noteRefused(c, error);
    return page(c, renderRefusedRequest(error.description, c.var.dependencies.publicUrl(), { requestId: c.var.requestId, answer: null }), 400, null);
  }
}

/**
 * Anybody can be a client whom nobody vouches for, and the gateway is no way to lead people somewhere in its name (RFC 9700 section 4.11.2): to another site they go only
 * by a click of theirs.
 */
function mayBeSentUnasked({ clientKind, redirectUri }: RefusedRequest): boolean {
  return isVouchedFor(clientKind) || redirectPlace(redirectUri).isLocal;
}

type Answer = { readonly code: string } | { readonly refusal: OauthRefusal };

function sendBack(c: Ask, redirectUri: string, state: string | null, answer: Answer): Response {
  return c.redirect(answerAt(c, redirectUri, state, answer), 303);
}

/** RFC 6749 section 4.1.2, and RFC 9207: who answers stands in every answer. */
function answerAt(c: Ask, redirectUri: string, state: string | null, answer: Answer): string {
  const query = new URLSearchParams('code' in answer ? { code: answer.code } : { error: answer.refusal.code, error_description: answer.refusal.description });
  if (state !== null) query.set('state', state);
  query.set('iss', c.var.dependencies.publicUrl());
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query.toString()}`;
}

/** Another site can neither frame the page nor send its form. Faults: `origin_not_allowed`. */
function requireOwnForm(c: Ask, { publicUrl }: Pick<ControlDependencies, 'publicUrl'>): void {
  const origin = c.req.header('origin');
  const host = c.req.header('host');
  const isOwn = origin !== undefined && URL.canParse(origin) && (origin === new URL(publicUrl()).origin || new URL(origin).host === host?.toLowerCase());
  if (!isOwn) throw new Fault('origin_not_allowed');
}

/** `asked`: the form's answer leads to where it wants to be answered, and browsers ask whether a form may. */
async function page(c: Ask, text: unknown, status: 200 | 400, asked: AuthorizationRequest | null): Promise<Response> {
  const url = asked === null ? null : new URL(asked.redirectUri);
  const target = url === null ? '' : url.protocol === 'http:' || url.protocol === 'https:' ? ` ${url.origin}` : ` ${url.protocol}`;
  c.header(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; form-action ${asked === null ? "'none'" : `'self'${target}`}; frame-ancestors 'none'`,
  );
  c.header('X-Frame-Options', 'DENY');
  // With `no-referrer` browsers say `Origin: null` of a form too (Fetch, append a request Origin header), and it could not be known as ours.
  c.header('Referrer-Policy', 'same-origin');
  return c.html(String(await text), status);
}
