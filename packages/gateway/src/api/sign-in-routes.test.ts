import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { controlUrl, type TestControl } from '../../../../test/support/control.ts';
import { cookieOf, sessionOf, startSignInControl, type BegunSignIn, type SignInControl } from '../../../../test/support/sign-in-control.ts';
import type { IncidentDetail } from '../../../../test/support/sign-in-gateway.ts';
import { signInAt, startOidcProvider, testClient, type TestProvider } from '../../../../test/support/sign-in-provider.ts';
import { inviteUser } from '../control/invitations/invite-user.ts';
import type { OidcProviderData, ProviderData } from '../identity/provider-data.ts';
import { createEntry } from '../control/directory/create-entry.ts';
import { createNodeMetrics } from '../control/metrics/read-node-metrics.ts';
import { callbackPath } from '../control/sign-in/provider-desk.ts';
import { bounds } from '../kernel/bounds.ts';
import { defaultOrganizationId } from '../kernel/id.ts';

let control: TestControl;
let door: SignInControl;
let idp: TestProvider;
let providers: readonly ProviderData[];
let mixer: Mixer;

beforeAll(async () => {
  const callbacks = ['acme', 'form', 'silent'].map((name) => `${controlUrl}${callbackPath}/${name}`);
  idp = await startOidcProvider([...callbacks, `${controlUrl}${callbackPath}`]);
  mixer = await startMixer();
  idp.people.set('ana', { email: 'ana@acme.example', email_verified: true, name: 'Ana Ardent', groups: ['Payments'] });
  idp.people.set('bo', { email: 'bo@acme.example', email_verified: true, name: 'Bo', groups: [] });
  const first: OidcProviderData = {
    name: 'acme',
    title: 'Acme',
    organizationId: defaultOrganizationId,
    type: 'oidc',
    preset: 'custom',
    issuer: idp.issuer,
    clientId: testClient.id,
    clientSecret: testClient.secret,
    scopes: ['openid', 'profile', 'email', 'groups'],
    responseMode: 'query',
    callback: 'own',
    domains: ['acme.example'],
    enforce: false,
    claims: { subject: 'sub', email: 'email', name: 'name', groups: ['groups'] },
    isEmailTrusted: false,
    rules: {
      provision: 'just_in_time',
      linkByEmail: true,
      domains: ['acme.example'],
      allowedGroups: null,
      firstRoleIds: ['viewer'],
      mapping: [{ group: 'Payments', teamIds: ['payments'], roleIds: ['auditor'] }],
    },
    allowedNetworks: ['127.0.0.1'],
    ca: null,
  };
  providers = [
    first,
    { ...first, name: 'form', title: 'By form', domains: [], responseMode: 'form_post' },
    { ...first, name: 'shared', domains: [], callback: 'shared' },
    { ...first, name: 'mixer', title: 'By a stranger', domains: [], issuer: mixer.issuer },
    { ...first, name: 'wrong-secret', domains: [], clientSecret: 'not-the-secret-of-the-client' },
    { ...first, name: 'away', domains: [], issuer: 'http://127.0.0.1:9' },
    { ...first, name: 'inner', domains: [], issuer: 'http://169.254.169.254', allowedNetworks: [] },
    { ...first, name: 'other-issuer', domains: [], issuer: `${idp.issuer}/` },
  ];
  door = await startSignInControl('/v1/auth/sso/oidc/authorize', () => providers);
  ({ control } = door);
  await createEntry(control.context(), { kind: 'team', id: 'payments', change: { name: 'payments', texts: {}, names: {}, links: {} }, dryRun: false });
}, 240_000);
afterAll(async () => {
  await door.end();
  await idp.stop();
  await mixer.stop();
});

const begin = (provider: string, returnTo?: string): Promise<BegunSignIn> => door.begin(provider, returnTo);
const incidentOf = (answer: Response): Promise<IncidentDetail> => door.incidentOf(answer);

const comeBack = (url: string, cookie: string): Promise<Response> => {
  const { pathname, search } = new URL(url);
  return door.get(`${pathname}${search}`, { cookie });
};

/** The session that somebody gets who signs in. */
async function signIn(login: string, provider = 'acme'): Promise<string> {
  const begun = await begin(provider);
  const back = await signInAt(begun.url, login);
  const token = sessionOf(await comeBack(back.url, begun.cookie));
  if (token === null) throw new Error(`${login} is not signed in`);
  return token;
}

describe('signing in by OpenID Connect', () => {
  test('somebody comes in as the user that they are made, with what their groups give, and goes on to where they were going', async () => {
    const begun = await begin('acme', '/oauth/authorize?client_id=x');
    expect(new URL(begun.url).searchParams.get('code_challenge_method')).toBe('S256');
    const back = await signInAt(begun.url, 'ana');
    const answer = await comeBack(back.url, begun.cookie);
    expect(answer.status).toBe(200);
    expect(await answer.clone().text()).toContain('content="0;url=/oauth/authorize?client_id=x"');
    expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict$/);
    const token = sessionOf(answer) ?? '';
    const me = (await (await control.request('GET', '/v1/me', { bearer: token })).json()) as { owner: string; permissions: string[] };
    expect(me.permissions).toContain('audit.read');
    const user = (await (await control.request('GET', `/v1/users/${me.owner.slice('user:'.length)}`, { front: 'admin' })).json()) as { user: unknown };
    expect(user.user).toMatchObject({ name: 'Ana Ardent', email: 'ana@acme.example', team_ids: ['payments'], role_ids: ['auditor', 'viewer'] });
    // Again: the same user. In no group any more: without what it gave.
    idp.people.set('ana', { ...idp.people.get('ana'), groups: [] });
    const again = (await (await control.request('GET', '/v1/me', { bearer: await signIn('ana') })).json()) as { owner: string; permissions: string[] };
    expect([again.owner, again.permissions.includes('audit.read')]).toEqual([me.owner, false]);
    expect((await control.request('GET', '/v1/me/sessions', { bearer: token })).status).toBe(200);
  });

  test('by a form that the provider lets the browser post', async () => {
    const begun = await begin('form');
    const back = await signInAt(begun.url, 'bo');
    expect(back.form?.has('code')).toBe(true);
    const answer = await door.post(`${callbackPath}/form`, back.form ?? new URLSearchParams(), begun.cookie);
    expect(sessionOf(answer)).not.toBeNull();
    const { events } = (await (await control.request('GET', '/v1/logs/audit?limit=1', { front: 'admin' })).json()) as { events: unknown[] };
    expect(events[0]).toMatchObject({ action: 'session.opened', actor: { kind: 'user' }, detail: { provider: 'form' } });
    const json = await control.request('POST', `${callbackPath}/form`, { headers: { cookie: begun.cookie, 'x-gatewayops-peer': '198.51.100.1' }, body: {} });
    expect(json.status).toBe(400);
  });

  test('an identity that is unlinked is the user no more: their sessions end, and whoever comes by it comes as for the first time', async () => {
    idp.people.set('cy', { email: 'cy@acme.example', email_verified: true, name: 'Cy' });
    const token = await signIn('cy');
    const { owner } = (await (await control.request('GET', '/v1/me', { bearer: token })).json()) as { owner: string };
    const path = `/v1/users/${owner.slice('user:'.length)}/identities`;
    const list = async () =>
      (await (await control.request('GET', path, { front: 'admin' })).json()) as { identities: { id: string; provider: string; issuer: string }[] };
    const [link, ...others] = (await list()).identities;
    expect([link, others]).toMatchObject([{ provider: 'acme', issuer: idp.issuer }, []]);
    const unlinked = await control.request('DELETE', `${path}/${link?.id}`, { front: 'admin' });
    expect([unlinked.status, await unlinked.json()]).toMatchObject([200, { ended: [expect.stringMatching(/^ses_/)], revoked_grants: [] }]);
    expect([(await control.request('GET', '/v1/me', { bearer: token })).status, (await list()).identities]).toEqual([401, []]);
    expect((await control.request('DELETE', `${path}/${link?.id}`, { front: 'admin' })).status).toBe(404);
    const { events } = (await (await control.request('GET', '/v1/logs/audit?action=user.unlinked', { front: 'admin' })).json()) as { events: unknown[] };
    expect(events).toMatchObject([{ result: 'success', detail: { issuer: idp.issuer, user: { id: owner.slice('user:'.length) } } }]);
    // By their address, which the provider has verified, they are the same again.
    const again = (await (await control.request('GET', '/v1/me', { bearer: await signIn('cy') })).json()) as { owner: string };
    expect([again.owner, (await list()).identities.map(({ id }) => id)]).toEqual([owner, [link?.id]]);
  });

  test('a sign-in that is only tried says what it would give, or which step fails, to who asked; nobody is signed in or made a user', async () => {
    idp.people.set('try', { email: 'try@acme.example', email_verified: true, name: 'Try', groups: ['Payments'] });
    const ask = async (name: string) =>
      (await (await control.request('POST', `/v1/identity/providers/${name}/tries`, { front: 'admin', body: {} })).json()) as { id: string; url: string };
    const read = async (id: string): Promise<unknown> => (await control.request('GET', `/v1/identity/tries/${id}`, { front: 'admin' })).json();
    const go = async (id: string) => door.get(`/v1/auth/sso/oidc/authorize?try=${id}`);
    const { id, url } = await ask('acme');
    const shown = await control.request('GET', url.slice(controlUrl.length));
    expect([shown.status, await shown.text()]).toEqual([200, expect.stringContaining(`try=${id}`)]);
    expect(await read(id)).toEqual({ state: 'waiting', preview: null, claims: null, failure: null });
    const audit = await control.request('GET', '/v1/logs/audit?action=provider.tried', { front: 'admin' });
    expect(await audit.json()).toMatchObject({ events: [{ object: { id: 'acme' }, result: 'success' }] });
    // Nobody is led past the page that says what it is.
    const led = await door.get(`/v1/auth/sso/oidc/authorize?try=${id}`, { 'sec-fetch-site': 'cross-site' });
    expect([led.status, led.headers.get('location')]).toEqual([303, url.slice(controlUrl.length)]);
    const begun = await go(id);
    const cookie = cookieOf(begun);
    const answer = await comeBack((await signInAt(begun.headers.get('location') ?? '', 'try')).url, cookie);
    expect([answer.status, sessionOf(answer)]).toEqual([200, null]);
    expect(await read(id)).toMatchObject({
      state: 'done',
      preview: { subject: 'try', email: 'try@acme.example', user_id: null, team_ids: ['payments'], role_ids: ['auditor', 'viewer'], allowed: true },
      claims: { sub: 'try', groups: ['Payments'] },
    });
    // Once.
    expect([(await go(id)).status, (await control.request('GET', url.slice(controlUrl.length))).status]).toEqual([400, 400]);
    const users = await (await control.request('GET', '/v1/users?q=try', { front: 'admin' })).text();
    expect(users).not.toContain('try@acme.example');
    const away = await ask('away');
    expect((await go(away.id)).status).toBe(502);
    expect(await read(away.id)).toMatchObject({ state: 'failed', preview: null, failure: { step: 'address', fix: expect.any(String) } });
    expect((await control.request('GET', `/v1/identity/tries/try_${'x'.repeat(43)}`, { front: 'admin' })).status).toBe(404);
  });

  test('S11 an answer that is used twice, late, forged, of another browser, or lacks what was begun with makes no session', async () => {
    const begun = await begin('acme');
    const back = await signInAt(begun.url, 'ana');
    const forged = new URL(back.url);
    forged.searchParams.set('state', 'x'.repeat(43));
    const before = idp.asked.filter((path) => path === '/token').length;
    expect(await incidentOf(await comeBack(forged.href, begun.cookie))).toMatchObject({ step: 'answer' });
    const stolen = await begin('acme');
    expect(await incidentOf(await comeBack(back.url, stolen.cookie))).toMatchObject({ step: 'answer', reason: expect.stringContaining('another browser') });
    // Whoever had it there had it once.
    expect(await incidentOf(await comeBack(back.url, begun.cookie))).toMatchObject({ step: 'answer' });
    const without = await begin('acme');
    expect(await incidentOf(await comeBack((await signInAt(without.url, 'ana')).url, ''))).toMatchObject({ step: 'answer' });
    const late = await begin('acme');
    const tooLate = await signInAt(late.url, 'ana');
    control.clock.advance(bounds.signInMs + 1);
    expect(await incidentOf(await comeBack(tooLate.url, late.cookie))).toMatchObject({ step: 'answer' });
    expect(idp.asked.filter((path) => path === '/token').length).toBe(before);

    // Somebody stands between: the nonce is of another sign-in, the proof of who began it is gone, or plain.
    for (const [change, step] of [
      [(url: URL) => url.searchParams.set('nonce', 'x'.repeat(43)), 'identity'],
      [(url: URL) => ['code_challenge', 'code_challenge_method'].forEach((name) => url.searchParams.delete(name)), 'answer'],
      [(url: URL) => url.searchParams.set('code_challenge_method', 'plain'), 'answer'],
    ] as const) {
      const changed = await begin('acme');
      const url = new URL(changed.url);
      change(url);
      const answer = await comeBack((await signInAt(url.href, 'ana')).url, changed.cookie);
      expect([sessionOf(answer), await incidentOf(answer)]).toMatchObject([null, { step }]);
    }

    const once = await begin('acme');
    const used = await signInAt(once.url, 'ana');
    const all = await Promise.all([1, 2, 3].map(() => comeBack(used.url, once.cookie)));
    expect(all.filter((answer) => sessionOf(answer) !== null).length).toBe(1);
  });

  test('S12 the answer of another issuer is refused before its code is shown to anybody', async () => {
    const begun = await begin('acme');
    const back = new URL((await signInAt(begun.url, 'ana')).url);
    expect(back.searchParams.get('iss')).toBe(idp.issuer);
    back.searchParams.set('iss', 'https://evil.example');
    const before = idp.asked.length;
    expect(await incidentOf(await comeBack(back.href, begun.cookie))).toMatchObject({ step: 'answer' });
    const without = await begin('acme');
    const lacking = new URL((await signInAt(without.url, 'ana')).url);
    lacking.searchParams.delete('iss');
    expect(await incidentOf(await comeBack(lacking.href, without.cookie))).toMatchObject({ step: 'answer' });
    expect(idp.asked.slice(before).filter((path) => path === '/token')).toEqual([]);
  });

  test('S12 mix-up: whoever is led on to another provider than they chose is refused where that one answers, and no code is shown to who led them', async () => {
    for (const [address, cause] of [
      [`${callbackPath}/silent`, 'the address of silent'],
      [callbackPath, 'callback: shared'],
    ] as const) {
      mixer.leadTo(`${idp.issuer}/auth`, `${controlUrl}${address}`);
      const begun = await begin('mixer');
      const led = await fetch(begun.url, { redirect: 'manual' });
      const back = await signInAt(led.headers.get('location') ?? '', 'ana');
      expect(new URL(back.url).pathname).toBe(address);
      const answer = await comeBack(back.url, begun.cookie);
      expect([sessionOf(answer), await incidentOf(answer)]).toMatchObject([null, { step: 'answer', reason: expect.stringContaining(cause) }]);
    }
    expect(mixer.asked).not.toContain('/token');
    expect((await signIn('ana', 'shared')).slice(0, 8)).toBe('session_');
  });

  test('a test says which step fails and what mends it; nothing inner is asked', async () => {
    const tested = async (name: string) =>
      (await (await control.request('POST', `/v1/identity/providers/${name}/test`, { front: 'admin', body: {} })).json()) as {
        ok: boolean;
        steps: { step: string; ok: boolean; fix: string | null }[];
      };
    expect(await tested('acme')).toMatchObject({ ok: true, steps: [{ step: 'discovery' }, { step: 'keys' }, { step: 'client', fix: null }] });
    const { events } = (await (await control.request('GET', '/v1/logs/audit?limit=1', { front: 'admin' })).json()) as { events: unknown[] };
    expect(events[0]).toMatchObject({ action: 'provider.tested', result: 'success' });
    for (const [name, step] of [
      ['wrong-secret', 'client'],
      ['away', 'address'],
      ['inner', 'address'],
      ['other-issuer', 'discovery'],
    ] as const)
      expect([name, (await tested(name)).steps.at(-1)]).toMatchObject([name, { ok: false, step, fix: expect.any(String) }]);
    expect((await control.request('POST', '/v1/identity/providers/none/test', { front: 'admin', body: {} })).status).toBe(404);
    const away = await door.get('/v1/auth/sso/oidc/authorize?provider=away');
    expect([away.status, await incidentOf(away.clone())]).toMatchObject([502, { step: 'address' }]);
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await away.text()).toContain(`It is asked again in ${away.headers.get('retry-after')} s.`);
    const preview = await control.request('POST', '/v1/identity/mapping/preview', {
      front: 'admin',
      body: { provider: 'acme', claims: { sub: 'x', email: 'new@acme.example', email_verified: true, groups: ['Payments', 'Other'] } },
    });
    expect(await preview.json()).toMatchObject({
      email: 'new@acme.example',
      user_id: null,
      team_ids: ['payments'],
      role_ids: ['auditor', 'viewer'],
      missing: [],
    });
  });

  test('the page offers the providers, leads on by address, sends nobody away from the gateway, and runs no script of others', async () => {
    const text = async (path: string): Promise<string> => (await control.request('GET', path)).text();
    const whole = await control.request('GET', '/sign-in?return_to=%2Ftraces');
    expect(whole.headers.get('content-security-policy')).toMatch(/default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/);
    expect(await whole.text()).toContain('/v1/auth/sso/oidc/authorize?provider=acme&amp;return_to=%2Ftraces');
    expect(await text('/sign-in?email=ana@ACME.example&return_to=//evil.example')).toContain('provider=acme&amp;return_to=%2Fui%2F"');
    expect(await text('/sign-in?email=%3Cscript%3E@x.example')).not.toContain('<script>@');
    const session = await signIn('ana');
    const signedIn = await control.request('GET', '/sign-in?return_to=%2Ftraces', { headers: { cookie: `gatewayops_session=${session}` } });
    expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, '/traces']);
    expect(await text('/sign-in?after=ended')).toContain('Your session has ended');
    expect(await text('/sign-in?after=<b>')).not.toContain('role="status"');
  });

  test('A21 whoever fails again and again is slowed where they are; others are not kept out', async () => {
    const peer = { 'x-gatewayops-peer': '2001:db8:1:2::1' };
    const statuses: number[] = [];
    for (let tries = 0; tries <= bounds.signInsFailedPerMinute; tries++)
      statuses.push(
        (await control.request('GET', `${callbackPath}?state=${tries}`, { headers: { 'x-gatewayops-peer': `2001:db8:1:2::${tries + 1}` } })).status,
      );
    expect([statuses[0], statuses.at(-1)]).toEqual([400, 429]);
    expect((await control.request('GET', `${callbackPath}?state=x`, { headers: peer })).headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await signIn('ana')).toMatch(/^session_/);
  });

  test('each sign-in is counted by its provider, once begun and once let in or refused; one that is only tried is not, and one that nobody tried yet is 0', async () => {
    const readMetrics = createNodeMetrics();
    const read = async (): Promise<Record<string, number>> => {
      const counts = (await readMetrics(control.dependencies)).find(({ name }) => name === 'gatewayops_sign_ins_total')?.points ?? [];
      return Object.fromEntries(counts.map(({ labels, value }) => [labels.join(' '), typeof value === 'number' ? value : NaN]));
    };
    const before = await read();
    const since = async (outcome: string): Promise<number> => ((await read())[outcome] ?? NaN) - (before[outcome] ?? NaN);
    expect(before).toMatchObject({ 'inner begun': 0, 'inner succeeded': 0, 'inner refused': 0 });
    await signIn('ana');
    const begun = await begin('acme');
    expect((await comeBack((await signInAt(begun.url, 'ana')).url, '')).status).toBe(400);
    const { id } = (await (await control.request('POST', '/v1/identity/providers/away/tries', { front: 'admin', body: {} })).json()) as { id: string };
    expect((await door.get(`/v1/auth/sso/oidc/authorize?try=${id}`)).status).toBe(502);
    expect([await since('acme begun'), await since('acme succeeded'), await since('acme refused'), await since('away refused')]).toEqual([2, 1, 1, 0]);
  });

  test('where a provider is enforced nobody of its domains comes by an invitation, or by another provider, whatever that calls them by now', async () => {
    const byForm = async (login: string): Promise<Response> => {
      const begun = await begin('form');
      const back = await signInAt(begun.url, login);
      return await door.post(`${callbackPath}/form`, back.form ?? new URLSearchParams(), begun.cookie);
    };
    idp.people.set('cy', { email: 'cy@acme.example', email_verified: true, name: 'Cy', groups: [] });
    expect(sessionOf(await byForm('cy'))).toMatch(/^session_/);
    const { token } = await inviteUser(control.context(), { email: 'new@acme.example', name: null, teamIds: [], roleIds: null, expiresAtMs: null });
    providers = providers.map((one) => (one.name === 'acme' ? { ...one, enforce: true } : one));
    const accepted = await control.request('POST', '/v1/invitations/accept', { body: { token } });
    expect([accepted.status, await accepted.json()]).toMatchObject([403, { error: 'provider_enforced' }]);
    expect(await signIn('ana')).toMatch(/^session_/);
    expect(await incidentOf(await byForm('bo'))).toMatchObject({ step: 'email' });
    idp.people.set('cy', { email: 'cy@elsewhere.example', email_verified: true, name: 'Cy', groups: [] });
    const moved = await byForm('cy');
    expect([sessionOf(moved), await incidentOf(moved)]).toMatchObject([null, { step: 'email' }]);
  });
});

/** A provider of whoever wants the codes of another one: it says nothing of `iss`, and leads browsers on to the other as the gateway's own client there. */
interface Mixer {
  readonly issuer: string;
  /** Paths that it was asked for. */
  readonly asked: string[];
  leadTo(authorize: string, redirectUri: string): void;
  stop(): Promise<void>;
}

async function startMixer(): Promise<Mixer> {
  const asked: string[] = [];
  let other = { authorize: '', redirectUri: '' };
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    asked.push(url.pathname);
    if (url.pathname === '/authorize') {
      const to = new URL(other.authorize);
      to.search = url.search;
      to.searchParams.set('redirect_uri', other.redirectUri);
      response.writeHead(302, { location: to.href }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        code_challenge_methods_supported: ['S256'],
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    asked,
    leadTo: (authorize, redirectUri) => void (other = { authorize, redirectUri }),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
