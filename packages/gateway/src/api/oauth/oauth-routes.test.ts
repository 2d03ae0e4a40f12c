import { createHash, randomBytes } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify, type JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startControl, type ControlOverrides, type TestControl } from '../../../../../test/support/control.ts';
import type { AuthorizationServerConfig } from '../../config/config.ts';
import { systemContext } from '../../control/actor.ts';
import type { SignIn } from '../../control/audit/sign-in-log.ts';
import { createEntry } from '../../control/directory/create-entry.ts';
import { answerConsent, askConsent } from '../../control/oauth/consent.ts';
import { readAuthorization } from '../../control/oauth/authorize.ts';
import { looksLikeOwnToken, verifyAccessToken } from '../../control/oauth/verify-access-token.ts';
import { createActor } from '../../control/actor.ts';
import { createAdminLink } from '../../control/sessions/create-admin-link.ts';
import { openSession } from '../../control/sessions/open-session.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { defaultOrganizationId } from '../../kernel/id.ts';

const issuer = 'http://127.0.0.1:8080';
const resource = `${issuer}/mcp/search`;
const callback = 'http://127.0.0.1:7777/callback';
const server: AuthorizationServerConfig = {
  clients: [
    { id: 'app', name: 'App <b>', redirectUris: ['http://127.0.0.1/callback', 'https://app.example/cb?x=1', 'app.example:/cb'], secretDigest: null },
    { id: 'secretive', name: 'Web', redirectUris: [callback], secretDigest: createHash('sha256').update('s3cret').digest('hex') },
  ],
  clientDocuments: null,
  dynamicRegistration: true,
  controlApi: true,
  accessTokenMs: 600_000,
  refreshTokenMs: 30 * 86_400_000,
};

let base: TestControl;
let control: TestControl;
let served: NonNullable<ControlOverrides['served']>;
let session: string;
let enabled: AuthorizationServerConfig | null = server;

beforeAll(async () => {
  base = await startControl();
  const { config } = base.dependencies;
  const [http] = config.servers;
  if (http === undefined) throw new Error('no server');
  served = () => ({
    ...config,
    identity: { issuers: [], certificates: { authorities: [], proxies: [] }, providers: [], authorizationServer: enabled },
    servers: ['closed', 'search'].map((name) => ({ ...http, name })),
    routes: [
      { server: 'closed', path: '/mcp/closed', auth: { type: 'apiKey' as const }, timeoutMs: 1000 },
      { server: 'search', path: '/mcp/search', auth: { type: ['apiKey', 'oauth'] as const }, timeoutMs: 1000 },
    ],
    aggregate: { ...config.aggregate, enabled: true, auth: { type: 'oauth' as const } },
    virtualServers: [{ ...config.aggregate, name: 'desk', auth: { type: 'oauth' as const }, servers: ['search'], tools: null, resources: null, prompts: null }],
  });
  control = base.variant({ served });
  session = await signIn();
}, 120_000);
afterAll(async () => {
  await control.end();
  await base.end();
});
beforeEach(() => (enabled = server));

async function signIn(): Promise<string> {
  const { url } = await createAdminLink(systemContext(control.dependencies));
  const token = await openSession({ ...control.dependencies, requestId: 'req_1', peer: '' }, url.slice(url.lastIndexOf('/') + 1));
  return `gatewayops_session=${token}`;
}

const verifier = randomBytes(32).toString('base64url');
const challenge = createHash('sha256').update(verifier).digest('base64url');

const authorizeParams = (more: Record<string, string | undefined> = {}): string => {
  const all: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: 'app',
    redirect_uri: callback,
    state: 'st&te',
    scope: 'tools.* resources.read',
    resource,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  };
  return new URLSearchParams(Object.entries(all).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))).toString();
};

const form = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  control.request('POST', path, { body: new URLSearchParams(fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } });

async function consentPage(
  params = authorizeParams(),
  cookie = session,
): Promise<{ readonly text: string; readonly token: string; readonly answer: Response }> {
  const answer = await control.request('GET', `/oauth/authorize?${params}`, { headers: { cookie } });
  const text = await answer.text();
  return { text, answer, token: /name="request" value="([0-9A-Za-z]{43})"/.exec(text)?.[1] ?? '' };
}

const decide = (token: string, decision = 'allow', headers: Record<string, string> = {}) =>
  form('/oauth/consent', { request: token, decision }, { cookie: session, origin: issuer, ...headers });

async function codeFor(more: Record<string, string | undefined> = {}): Promise<string> {
  const { token, text } = await consentPage(authorizeParams(more));
  expect(text).toContain('act for you?');
  const answer = await decide(token);
  const location = new URL(answer.headers.get('location') ?? '');
  expect([answer.status, location.searchParams.get('iss')]).toEqual([303, issuer]);
  return location.searchParams.get('code') ?? '';
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const exchange = (code: string, more: Record<string, string> = {}) =>
  form('/oauth/token', { grant_type: 'authorization_code', code, client_id: 'app', redirect_uri: callback, code_verifier: verifier, resource, ...more });
const refresh = (token: string, more: Record<string, string> = {}) =>
  form('/oauth/token', { grant_type: 'refresh_token', refresh_token: token, client_id: 'app', ...more });
const tokensOf = async (answer: Response): Promise<Tokens> => {
  const body = (await answer.json()) as Tokens;
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
  return body;
};
const errorOf = async (answer: Response): Promise<unknown> => [answer.status, ((await answer.json()) as { error: string }).error];
const verdictOf = async (token: string): Promise<unknown> => {
  const verdict = await verifyAccessToken(control.dependencies, token, '');
  return verdict.ok === true ? 'good' : verdict.ok === false ? verdict.reason : verdict.ok;
};
const grantIdOf = (token: string): string => String(decodeJwt(token)['grant_id']);

describe('what clients read first', () => {
  test('RFC 9728: each address that takes tokens has its document, whose resource is that address exactly; others have none', async () => {
    const read = async (path: string) => {
      const answer = await control.request('GET', `/.well-known/oauth-protected-resource${path}`);
      return answer.status === 200 ? ((await answer.json()) as Record<string, unknown>) : answer.status;
    };
    expect(await read('/mcp/search')).toMatchObject({ resource, authorization_servers: [issuer], bearer_methods_supported: ['header'] });
    expect(await read('/mcp')).toMatchObject({ resource: `${issuer}/mcp` });
    expect(await read('')).toMatchObject({ resource: `${issuer}/mcp` });
    expect(await read('/mcp/v/desk')).toMatchObject({ resource: `${issuer}/mcp/v/desk`, authorization_servers: [issuer] });
    expect([await read('/mcp/closed'), await read('/mcp/search/'), await read('/mcp/none')]).toEqual([404, 404, 404]);
    enabled = null;
    expect([await read('/mcp/search'), await read('')]).toEqual([404, 404]);
  });

  test('RFC 8414: the metadata says S256, iss and where; the same under the name of OpenID Connect', async () => {
    const bodies = await Promise.all(
      ['oauth-authorization-server', 'openid-configuration'].map(async (name) => (await control.request('GET', `/.well-known/${name}`)).json()),
    );
    expect(bodies[0]).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/oauth/authorize`,
      token_endpoint: `${issuer}/oauth/token`,
      registration_endpoint: `${issuer}/oauth/register`,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: false,
    });
    expect(bodies[1]).toEqual(bodies[0]);
    expect((await control.request('GET', '/.well-known/oauth-authorization-server/mcp/search')).status).toBe(404);
  });

  test('without the section in the configuration none of it is there', async () => {
    enabled = null;
    for (const path of ['/.well-known/oauth-authorization-server', '/oauth/jwks', `/oauth/authorize?${authorizeParams()}`])
      expect([path, (await control.request('GET', path, { headers: { cookie: session } })).status]).toEqual([path, 404]);
    for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/register']) expect((await form(path, {})).status).toBe(404);
  });
});

describe('consent', () => {
  test('A28: the page names the client, where its answer goes, what it may do and where; it cannot be framed, and its words are escaped', async () => {
    const { text, answer } = await consentPage();
    expect(text).toContain('App &lt;b&gt;');
    for (const part of ['127.0.0.1:7777', resource, 'See the tools and call them in your name', 'Read the resources']) expect(text).toContain(part);
    expect(text).not.toContain('<script');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'self' http://127.0.0.1:7777");
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
  });

  test('who is not signed in is sent to sign in, and comes back to the same question', async () => {
    const answer = await control.request('GET', `/oauth/authorize?${authorizeParams()}`);
    const location = new URL(answer.headers.get('location') ?? '');
    expect([answer.status, location.pathname, location.searchParams.get('return_to')]).toEqual([303, '/sign-in', `/oauth/authorize?${authorizeParams()}`]);
    const crossSite = await control.request('GET', `/oauth/authorize?${authorizeParams()}`, { headers: { 'sec-fetch-site': 'cross-site' } });
    expect([crossSite.status, await crossSite.text()]).toEqual([200, expect.stringContaining('http-equiv="refresh"')]);
  });

  test('a client that is not known, and an address that it has not registered, are told to the person and never sent on', async () => {
    const wrong = [
      { client_id: 'nobody' },
      { redirect_uri: 'http://127.0.0.1:7777/other' },
      { redirect_uri: 'http://localhost:7777/callback' },
      { redirect_uri: 'http://127.0.0.1.evil.example:7777/callback' },
      { redirect_uri: 'https://app.example/cb' },
      { redirect_uri: 'https://app.example/cb?x=1&y=2' },
      { redirect_uri: 'javascript:alert(1)' },
      { redirect_uri: undefined },
    ];
    for (const more of wrong) {
      const { answer, text } = await consentPage(authorizeParams(more));
      expect([more, answer.status, answer.headers.get('location')]).toEqual([more, 400, null]);
      expect(text).toContain('cannot sign in so');
    }
    expect((await consentPage(`${authorizeParams()}&state=twice`)).answer.status).toBe(400);
  });

  test.each([
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ resource: undefined }, 'invalid_target'],
    [{ resource: `${resource}/` }, 'invalid_target'],
    [{ resource: 'https://elsewhere.example/mcp/search' }, 'invalid_target'],
    [{ scope: 'keys.write' }, 'invalid_scope'],
    [{ scope: 'openid' }, 'invalid_scope'],
    [{ prompt: 'none' }, 'consent_required'],
    [{ request_uri: 'https://x.example' }, 'request_not_supported'],
  ])('what else is wrong with a request goes to the client, with state and iss: %j', async (more, error) => {
    const { answer } = await consentPage(authorizeParams(more));
    const location = new URL(answer.headers.get('location') ?? '');
    expect([answer.status, `${location.origin}${location.pathname}`]).toEqual([303, callback]);
    expect(Object.fromEntries(location.searchParams)).toMatchObject({ error, state: 'st&te', iss: issuer });
  });

  test('a denial goes to the registered address with state and iss, and is good for no second answer', async () => {
    const { token } = await consentPage(authorizeParams({ redirect_uri: 'https://app.example/cb?x=1' }));
    const denied = await decide(token, 'deny');
    const location = denied.headers.get('location') ?? '';
    expect(location.startsWith('https://app.example/cb?x=1&error=access_denied')).toBe(true);
    expect(new URL(location).searchParams.get('iss')).toBe(issuer);
    expect((await decide(token)).status).toBe(400);
  });

  test('the form of another site, of nobody, or of another person grants nothing, and the page stays whose it is', async () => {
    const { token } = await consentPage();
    expect((await decide(token, 'allow', { origin: 'https://evil.example' })).status).toBe(403);
    expect((await form('/oauth/consent', { request: token, decision: 'allow' }, { cookie: session })).status).toBe(403);
    expect((await form('/oauth/consent', { request: token, decision: 'allow' }, { origin: issuer })).status).toBe(401);
    expect((await decide(token, 'allow', { cookie: await signIn() })).status).toBe(400);
    expect((await decide(token)).status).toBe(303);
  });
});

describe('tokens', () => {
  test('RFC 9068: an access token is a signed JWT of the issuer for one resource, by a key that is published, and short', async () => {
    const tokens = await tokensOf(await exchange(await codeFor()));
    const header = decodeProtectedHeader(tokens.access_token);
    expect(header).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    const { keys } = (await (await control.request('GET', '/oauth/jwks')).json()) as { keys: JWK[] };
    expect(keys.every((key) => key['d'] === undefined)).toBe(true);
    const key = keys.find(({ kid }) => kid === header.kid);
    const { payload } = await jwtVerify(tokens.access_token, await importJWK(key ?? {}, 'ES256'), {
      issuer,
      audience: resource,
      typ: 'at+jwt',
      currentDate: new Date(control.clock.nowMs()),
    });
    expect(payload).toMatchObject({ client_id: 'app', scope: 'resources.read tools.*' });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600);
    expect(looksLikeOwnToken(control.dependencies, tokens.access_token)).toBe(true);
    const verdict = await verifyAccessToken(control.dependencies, tokens.access_token, '');
    expect(verdict).toMatchObject({
      ok: true,
      principal: { kind: 'user', credential: 'oauth', userId: '', token: { path: '/mcp/search' }, actions: ['resources.read', 'tools.*'] },
    });
  });

  test('a code is good once, for its client, address and verifier; one that comes again ends the grant', async () => {
    const mistakes = [{ code_verifier: 'x'.repeat(43) }, { client_id: 'secretive' }, { redirect_uri: 'http://127.0.0.1:7778/callback' }];
    for (const more of mistakes) {
      const status = (await exchange(await codeFor(), more)).status;
      expect([more, status >= 400]).toEqual([more, true]);
    }
    expect(await errorOf(await exchange(await codeFor(), { resource: `${issuer}/mcp` }))).toEqual([400, 'invalid_target']);
    const late = await codeFor();
    control.clock.advance(60_001);
    expect(await errorOf(await exchange(late))).toEqual([400, 'invalid_grant']);

    const code = await codeFor();
    const { access_token: token } = await tokensOf(await exchange(code));
    expect(await verdictOf(token)).toBe('good');
    expect(await errorOf(await exchange(code))).toEqual([400, 'invalid_grant']);
    expect(await verdictOf(token)).toBe('revoked');
    expect(control.changedKeys).toContain(grantIdOf(token));
  });

  test('of many that show one code at once, one gets tokens at most', async () => {
    const code = await codeFor();
    const answers = await Promise.all(Array.from({ length: 5 }, () => exchange(code)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });

  test('refresh tokens rotate; an earlier one ends the grant with all its tokens, a made-up one ends nothing', async () => {
    const first = await tokensOf(await exchange(await codeFor()));
    const second = await tokensOf(await refresh(first.refresh_token, { resource }));
    expect(second.refresh_token).not.toBe(first.refresh_token);
    const madeUp = `${second.refresh_token.slice(0, 24)}${'x'.repeat(65)}`;
    expect(await errorOf(await refresh(madeUp))).toEqual([400, 'invalid_grant']);
    expect(await errorOf(await refresh(second.refresh_token, { client_id: 'secretive', client_secret: 's3cret' }))).toEqual([400, 'invalid_grant']);
    expect(await errorOf(await refresh(second.refresh_token, { resource: `${issuer}/mcp` }))).toEqual([400, 'invalid_target']);
    expect(await errorOf(await refresh(second.refresh_token, { scope: 'prompts.get' }))).toEqual([400, 'invalid_scope']);
    expect(await verdictOf(second.access_token)).toBe('good');
    // Less than was granted, for one token; the grant stays what it is.
    const narrow = await tokensOf(await refresh(second.refresh_token, { scope: 'tools.list' }));
    const third = await tokensOf(await refresh(narrow.refresh_token));
    expect([decodeJwt(narrow.access_token)['scope'], decodeJwt(third.access_token)['scope']]).toEqual(['tools.list', 'resources.read tools.*']);
    expect(await errorOf(await refresh(first.refresh_token))).toEqual([400, 'invalid_grant']);
    expect(await errorOf(await refresh(third.refresh_token))).toEqual([400, 'invalid_grant']);
    expect(await verdictOf(second.access_token)).toBe('revoked');
  });

  test('A8, A10: a changed, expired or foreign token is none', async () => {
    const { access_token: token } = await tokensOf(await exchange(await codeFor()));
    const [head = '', body = '', signature = ''] = token.split('.');
    const other = Buffer.from(JSON.stringify({ ...decodeJwt(token), aud: `${issuer}/mcp` })).toString('base64url');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid: decodeProtectedHeader(token).kid })).toString('base64url');
    for (const bad of [`${head}.${other}.${signature}`, `${none}.${body}.`, `${head}.${body}.`, `${head}.${body}.${signature}x`, 'a.b.c', ''])
      expect([bad.slice(0, 9), await verdictOf(bad)]).toEqual([bad.slice(0, 9), 'unknown']);
    control.clock.advance(600_001);
    expect(await verdictOf(token)).toBe('unknown');
  });

  test('RFC 7009: a client revokes its own grant by either token, another client none', async () => {
    for (const which of ['access_token', 'refresh_token'] as const) {
      const tokens = await tokensOf(await exchange(await codeFor()));
      expect((await form('/oauth/revoke', { token: tokens[which], client_id: 'other' })).status).toBe(200);
      expect(await verdictOf(tokens.access_token)).toBe('good');
      expect((await form('/oauth/revoke', { token: tokens[which], client_id: 'app' })).status).toBe(200);
      expect(await verdictOf(tokens.access_token)).toBe('revoked');
    }
    expect((await form('/oauth/revoke', { token: 'nonsense', client_id: 'app' })).status).toBe(200);
  });

  test('a client that has a secret shows it, in the header or in the form', async () => {
    const code = () => codeFor({ client_id: 'secretive' });
    const basic = (secret: string) => ({ authorization: `Basic ${Buffer.from(`secretive:${secret}`).toString('base64')}` });
    const asked = async (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      (
        await form(
          '/oauth/token',
          { grant_type: 'authorization_code', code: await code(), redirect_uri: callback, code_verifier: verifier, ...fields },
          headers,
        )
      ).status;
    expect(await asked({ client_id: 'secretive' })).toBe(401);
    expect(await asked({ client_id: 'secretive', client_secret: 'wrong' })).toBe(401);
    expect(await asked({}, basic('wrong'))).toBe(401);
    expect(await asked({ client_id: 'secretive', client_secret: 's3cret' })).toBe(200);
    expect(await asked({}, basic('s3cret'))).toBe(200);
  });

  test('a client that is no longer configured gets no more tokens, least of all without the secret that it had', async () => {
    const fields = { client_id: 'secretive', client_secret: 's3cret' };
    const { refresh_token: token } = await tokensOf(await exchange(await codeFor({ client_id: 'secretive' }), fields));
    enabled = { ...server, clients: server.clients.filter(({ id }) => id !== 'secretive') };
    expect(await errorOf(await refresh(token, { client_id: 'secretive' }))).toEqual([401, 'invalid_client']);
    expect(await errorOf(await refresh(token, fields))).toEqual([401, 'invalid_client']);
    enabled = server;
    expect((await refresh(token, fields)).status).toBe(200);
  });

  test('a grant of a user acts as that user, within their roles, and ends with them', async () => {
    const context = systemContext(control.dependencies);
    const change = { name: 'Ana', texts: { email: 'ana@example.com' }, names: {}, links: { role_ids: [{ kind: 'role' as const, id: 'viewer' }] } };
    await createEntry(context, { kind: 'user', id: 'usr_ana', change, dryRun: false });
    const user = { kind: 'user', id: 'usr_ana' } as const;
    const actor = createActor('user', 'psn_ana', { actions: [], servers: [] }, defaultOrganizationId, user);
    const own = { ...context, actor };
    const asked = await readAuthorization(control.dependencies, server, new URLSearchParams(authorizeParams({ scope: undefined })));
    if ('refusal' in asked) throw asked.refusal;
    const answer = await answerConsent(own, await askConsent(control.dependencies, actor, asked), true);
    const { access_token: token } = await tokensOf(await exchange(answer !== null && 'code' in answer.answer ? answer.answer.code : ''));
    const verdict = await verifyAccessToken(control.dependencies, token, '');
    expect(verdict).toMatchObject({ ok: true, principal: { userId: user.id, owner: user, lineage: [user] } });
    expect(verdict.ok === true && verdict.principal.actions).toEqual(expect.arrayContaining(['tools.list']));
    expect(verdict.ok === true && verdict.principal.actions).not.toEqual(expect.arrayContaining(['tools.call']));

    const listed = (await (await control.request('GET', '/v1/grants?user_id=usr_ana', { front: 'admin' })).json()) as {
      grants: { id: string; status: string }[];
    };
    expect(listed.grants.map(({ id, status }) => [id, status])).toEqual([[grantIdOf(token), 'active']]);
    expect((await control.request('DELETE', `/v1/grants/${grantIdOf(token)}`, { front: 'admin' })).status).toBe(204);
    expect(await verdictOf(token)).toBe('revoked');
    const audit = (await (await control.request('GET', '/v1/logs/audit?limit=20', { front: 'admin' })).json()) as {
      events: { action: string; object_id?: string }[];
    };
    expect(audit.events.map(({ action }) => action)).toEqual(expect.arrayContaining(['grant.created', 'grant.exchanged', 'grant.revoked']));
  });
});

test('whoever shows what is not good waits after the twentieth time in a minute, from their address and no other; the audit has few events, which say which step failed', async () => {
  const from = (peer: string) => ({ 'x-gatewayops-peer': peer });
  const wrong = { grant_type: 'authorization_code', client_id: 'app', redirect_uri: callback, code_verifier: 'x'.repeat(43) };
  const statuses: number[] = [];
  for (let count = 0; count < 22; count++) statuses.push((await form('/oauth/token', { ...wrong, code: 'x'.repeat(43) }, from('203.0.113.9'))).status);
  expect([statuses.slice(0, 20), statuses.slice(20)]).toEqual([Array.from({ length: 20 }, () => 400), [429, 429]]);
  const late = await form('/oauth/token', { ...wrong, code: 'x'.repeat(43) }, from('203.0.113.9'));
  expect([late.status, Number(late.headers.get('retry-after')) > 0]).toEqual([429, true]);
  // The victim, be it behind the same address, comes in; so does everybody else.
  const good = { grant_type: 'authorization_code', client_id: 'app', redirect_uri: callback, code_verifier: verifier };
  expect((await form('/oauth/token', { ...good, code: await codeFor() }, from('203.0.113.9'))).status).toBe(200);
  expect((await form('/oauth/token', { ...wrong, code: await codeFor() }, from('203.0.113.10'))).status).toBe(400);
  for (let count = 0; count < 21; count++) statuses.push((await control.request('GET', `/admin/${'x'.repeat(43)}`, { headers: from('203.0.113.11') })).status);
  expect(statuses.slice(-2)).toEqual([401, 429]);
  const noted: SignIn[] = [];
  const audit = { ...control.dependencies.audit, noteSignIn: (one: SignIn) => void noted.push(one) };
  const watched = base.variant({ ...control.dependencies, audit, served: () => control.dependencies.config });
  await watched.request('POST', '/oauth/token', {
    body: new URLSearchParams({ ...wrong, code: await codeFor() }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...from('203.0.113.12') },
  });
  await watched.end();
  expect(noted).toEqual([expect.objectContaining({ kind: 'oauth_client', reason: 'code_verifier does not fit code_challenge', peer: '203.0.113.12' })]);
});

describe('tokens for the control API', () => {
  const api = `${issuer}/v1`;
  const cli = { client_id: 'gateway-cli', redirect_uri: 'http://127.0.0.1:5555/callback', resource: api, scope: undefined };
  const me = (token: string) => control.request('GET', '/v1/me', { headers: { authorization: `Bearer ${token}` } });

  /** What a client gets that this user has allowed it. */
  async function allowed(userId: string, asked: Record<string, string | undefined>): Promise<Tokens> {
    const actor = createActor('user', `psn_${userId}`, { actions: [], servers: [] }, defaultOrganizationId, { kind: 'user', id: userId });
    const read = await readAuthorization(control.dependencies, server, new URLSearchParams(authorizeParams(asked)));
    if ('refusal' in read) throw read.refusal;
    const answer = await answerConsent({ ...systemContext(control.dependencies), actor }, await askConsent(control.dependencies, actor, read), true);
    const code = answer !== null && 'code' in answer.answer ? answer.answer.code : '';
    const { client_id: clientId = 'app', redirect_uri: redirectUri = callback } = asked;
    return tokensOf(await exchange(code, { client_id: clientId, redirect_uri: redirectUri, resource: asked['resource'] ?? resource }));
  }

  beforeAll(async () => {
    const change = { name: 'Bo', texts: { email: 'bo@example.com' }, names: {}, links: { role_ids: [{ kind: 'role' as const, id: 'viewer' }] } };
    await createEntry(systemContext(control.dependencies), { kind: 'user', id: 'usr_bo', change, dryRun: false });
  });

  test('who has none is told where to sign in; the command line and what the operator vouches for get some, others do not', async () => {
    const unknown = await control.request('GET', '/v1/me');
    expect([unknown.status, unknown.headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer realm="gatewayops", resource_metadata="${issuer}/.well-known/oauth-protected-resource/v1"`,
    ]);
    const document = (await (await control.request('GET', '/.well-known/oauth-protected-resource/v1')).json()) as Record<string, unknown>;
    expect(document).toMatchObject({ resource: api, authorization_servers: [issuer], scopes_supported: expect.arrayContaining(['*', 'keys.*', 'keys.read']) });
    const registered = await control.request('POST', '/oauth/register', { body: { client_name: 'X', redirect_uris: [callback] } });
    const { client_id: clientId } = (await registered.json()) as { client_id: string };
    for (const more of [
      { client_id: clientId, resource: api, scope: undefined },
      { ...cli, resource },
    ]) {
      const location = new URL((await consentPage(authorizeParams(more))).answer.headers.get('location') ?? '');
      expect([more, location.searchParams.get('error')]).toEqual([more, 'unauthorized_client']);
    }
    // Nobody of the directory is behind the session of a one-time link.
    const byLink = new URL((await consentPage(authorizeParams(cli))).answer.headers.get('location') ?? '');
    expect(byLink.searchParams.get('error')).toBe('access_denied');
  });

  test('a token acts as its user, within their roles and its scopes, at the control API and nowhere else, until it is taken back', async () => {
    const { access_token: token } = await allowed('usr_bo', cli);
    const body = (await (await me(token)).json()) as { kind: string; owner: string; permissions: string[] };
    expect(body).toMatchObject({ kind: 'user', owner: 'user:usr_bo' });
    expect(body.permissions).toEqual(expect.arrayContaining(['traces.read', 'people.read']));
    expect(body.permissions).not.toContain('keys.write');
    const headers = { authorization: `Bearer ${token}` };
    expect((await control.request('POST', '/v1/auth/keys', { headers, body: { name: 'x' } })).status).toBe(403);
    const narrow = await allowed('usr_bo', { resource: api, scope: 'traces.read keys.write' });
    expect(((await (await me(narrow.access_token)).json()) as { permissions: string[] }).permissions).toEqual(['traces.read']);
    const ofMcp = await allowed('usr_bo', { scope: undefined });
    expect((await me(ofMcp.access_token)).status).toBe(401);

    enabled = { ...server, controlApi: false };
    expect((await me(token)).status).toBe(401);
    enabled = server;
    expect((await control.request('DELETE', `/v1/grants/${grantIdOf(token)}`, { front: 'admin' })).status).toBe(204);
    expect((await me(token)).status).toBe(401);
  });
});

describe('registration (RFC 7591)', () => {
  const register = (body: unknown, at = control) => at.request('POST', '/oauth/register', { body });

  test('a client that registers itself is asked for like others, and is said to be vouched for by nobody', async () => {
    const answer = await register({ client_name: 'Inspector', redirect_uris: ['http://localhost:6274/oauth/callback'], token_endpoint_auth_method: 'none' });
    const client = (await answer.json()) as { client_id: string; token_endpoint_auth_method: string };
    expect([answer.status, client.token_endpoint_auth_method]).toEqual([201, 'none']);
    const { text } = await consentPage(authorizeParams({ client_id: client.client_id, redirect_uri: 'http://localhost:6274/oauth/callback' }));
    expect(text).toContain('Inspector');
    expect(text).toContain('nobody vouches for it');
  });

  test('a name is shown without what turns the text around it, or what no store takes', async () => {
    const answer = await register({ client_name: ' Edit\u0000or\u202e\ud800 ', redirect_uris: [callback] });
    expect([answer.status, ((await answer.json()) as { client_name: string }).client_name]).toEqual([201, 'Editor\ufffd']);
  });

  test('RFC 9700 4.11.2: nobody is led to another site unasked by a client that nobody vouches for; a program on their machine is told', async () => {
    const answer = await register({ redirect_uris: ['https://evil.example/cb', callback] });
    const { client_id: clientId } = (await answer.json()) as { client_id: string };
    const asked = (uri: string) => consentPage(authorizeParams({ client_id: clientId, redirect_uri: uri, response_type: 'token' }));
    const elsewhere = await asked('https://evil.example/cb');
    expect([elsewhere.answer.status, elsewhere.answer.headers.get('location')]).toEqual([400, null]);
    expect(elsewhere.text).toContain('href="https://evil.example/cb?error=unsupported_response_type');
    expect((await asked(callback)).answer.headers.get('location')).toContain(`${callback}?error=unsupported_response_type`);
  });

  test.each([
    [{ redirect_uris: [] }, 'invalid_client_metadata'],
    [{ redirect_uris: ['http://evil.example/cb'] }, 'invalid_redirect_uri'],
    [{ redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    [{ redirect_uris: [callback], grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
    ['text', 'invalid_client_metadata'],
  ])('%j is refused', async (body, error) => {
    expect(await errorOf(await register(body))).toEqual([400, error]);
  });

  test('it is off unless it is asked for', async () => {
    enabled = { ...server, dynamicRegistration: false };
    expect((await register({ redirect_uris: [callback] })).status).toBe(404);
    const metadata = (await (await control.request('GET', '/.well-known/oauth-authorization-server')).json()) as Record<string, unknown>;
    expect(metadata['registration_endpoint']).toBeUndefined();
  });

  test('a flood of registrations is refused on all nodes together, until the minute is over', async () => {
    control.clock.advance(60_000);
    const other = base.variant({ served, state: control.dependencies.state, clock: control.clock });
    const statuses: number[] = [];
    for (let count = 0; count < bounds.registrationsPerMinute; count++)
      statuses.push((await register({ redirect_uris: [callback] }, count % 2 === 0 ? control : other)).status);
    expect(new Set(statuses)).toEqual(new Set([201]));
    for (const node of [control, other]) {
      const refused = await register({ redirect_uris: [callback] }, node);
      expect([await errorOf(refused), refused.headers.get('retry-after')]).toEqual([[429, 'temporarily_unavailable'], '60']);
    }
    control.clock.advance(60_000);
    expect((await register({ redirect_uris: [callback] }, other)).status).toBe(201);
    await other.end();
  });

  test('where shared state is away nobody registers, since nobody is counted', async () => {
    const takeTokens = (): Promise<never> => Promise.reject(new Fault('unavailable', { reason: 'it is away' }));
    const cut = base.variant({ served, state: { ...control.dependencies.state, takeTokens } });
    const known = () => control.dependencies.registry.transaction(({ oauthClients }) => oauthClients.count());
    const before = await known();
    expect([await errorOf(await register({ redirect_uris: [callback] }, cut)), await known()]).toEqual([[503, 'unavailable'], before]);
    await cut.end();
  });
});

describe('what an administrator of a one-time link has allowed', () => {
  const allowedIn = async (cookie: string): Promise<Tokens> => {
    session = cookie;
    return tokensOf(await exchange(await codeFor()));
  };
  const endedBy = async (token: string): Promise<unknown> => {
    const { organizationId } = control.context();
    return (await control.dependencies.registry.grants.find(organizationId, grantIdOf(token)))?.revoked?.why;
  };

  test('is good no longer than its session, when that ends by itself', async () => {
    const cookie = await signIn();
    for (let hours = 0; hours < 23; hours++) {
      control.clock.advance(3_600_000);
      expect((await control.request('GET', '/v1/me', { headers: { cookie } })).status).toBe(200);
    }
    const tokens = await allowedIn(cookie);
    const verdict = await verifyAccessToken(control.dependencies, tokens.access_token, '');
    // Nobody hears of the end: it is looked at again in two minutes at the latest.
    expect(verdict.ok === true && verdict.principal.expiresAtMs).toBeLessThanOrEqual(control.clock.nowMs() + bounds.tokenVerdictMs);
    control.clock.advance(3_600_000 - 60_000);
    const renewed = await tokensOf(await refresh(tokens.refresh_token));
    expect(await verdictOf(renewed.access_token)).toBe('good');
    control.clock.advance(60_000);
    expect((await control.request('GET', '/v1/me', { headers: { cookie } })).status).toBe(401);
    expect(await verdictOf(renewed.access_token)).toBe('expired');
    expect(await errorOf(await refresh(renewed.refresh_token))).toEqual([400, 'invalid_grant']);
    expect(await endedBy(renewed.access_token)).toBe('the session that gave it is over');
  });

  test('nor when newer sessions took its place', async () => {
    const { access_token: token } = await allowedIn(await signIn());
    for (let count = 0; count < bounds.sessionsPerHolderMax; count++) {
      expect(await verdictOf(token)).toBe('good');
      await signIn();
    }
    expect(await verdictOf(token)).toBe('expired');
  });
});
