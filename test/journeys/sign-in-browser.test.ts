/** People sign in with a real browser, by real identity providers of other sites, at a gateway that serves TLS: what they see, and what an administrator learns. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';
import { fetch } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acsPath, callbackPath } from '../../packages/gateway/src/control/sign-in/provider-desk.ts';
import { ensureDashboard } from '../../tools/build-dashboard.mjs';
import { startBrowser, tabTo, type TestBrowser } from '../support/browser.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { modernRequest } from '../support/post.ts';
import { expectPageReadable } from '../support/readable.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { describeWith } from '../support/requires.ts';
import { startSamlProvider, type TestSamlProvider } from '../support/saml-provider.ts';
import { startOidcProvider, testClient, type TestProvider } from '../support/sign-in-provider.ts';
import { type IncidentDetail, incidentOf, type SignInGateway, startSignInGateway } from '../support/sign-in-gateway.ts';
import { removeGatewayFolders } from '../support/start-gateway.ts';

describeWith('chromium', 'signing in with a browser', (chromium) => {
  let upstream: RecordingUpstream;
  let gateway: SignInGateway;
  let oidc: TestProvider;
  let saml: TestSamlProvider;
  let elsewhere: Elsewhere;
  let browser: TestBrowser;

  beforeAll(async () => {
    expect(ensureDashboard(process.execPath)).toBe(true);
    upstream = await startRecordingUpstream(modernServer());
    elsewhere = await startElsewhere();
    const server = { authorization_server: { clients: [{ client_id: 'cli', name: 'Acme CLI', redirect_uris: [`${elsewhere.origin}/cb`] }] } };
    const config = { servers: [{ name: 'search', url: upstream.url }], routes: [{ server: 'search', auth: { type: ['apiKey', 'oauth'] } }], identity: server };
    [gateway, browser] = await Promise.all([startSignInGateway({ config, env: { OIDC_SECRET: testClient.secret } }), startBrowser(chromium)]);
    // Providers know the address of the gateway, and the gateway theirs: as in life, one is there first.
    [oidc, saml] = await Promise.all([
      startOidcProvider(['acme', 'forms'].map((name) => `${gateway.url}${callbackPath}/${name}`)),
      startSamlProvider(`${gateway.url}${acsPath}`, () => null),
    ]);
    const people = { provision: 'just_in_time', first_roles: ['viewer'], allow_addresses: ['127.0.0.1'] };
    const openid = { ...people, issuer: oidc.issuer, client_id: testClient.id, client_secret: { env: 'OIDC_SECRET' }, scopes: ['profile', 'email', 'groups'] };
    const providers = [
      { ...openid, name: 'acme', title: 'Acme', domains: ['acme.example'], allowed_groups: ['Staff'], mapping: [{ group: 'Staff', roles: ['auditor'] }] },
      { ...openid, name: 'forms', title: 'Acme by form', domains: ['forms.example'], response_mode: 'form_post' },
      {
        ...people,
        name: 'saml',
        title: 'Acme by SAML',
        type: 'saml',
        issuer: saml.entityId,
        saml: { metadata: saml.metadataUrl },
        domains: ['saml.example'],
        email_verified: 'assumed',
      },
      { ...openid, name: 'away', title: 'Who is away', issuer: 'http://127.0.0.1:9' },
    ];
    await gateway.configure({ identity: { ...server, providers } });
    for (const [login, groups] of [
      ['ana', ['Staff']],
      ['mia', ['Staff']],
      ['eve', ['Guests']],
    ] as const)
      oidc.people.set(login, { email: `${login}@acme.example`, email_verified: true, name: `${login} of Acme`, groups });
    oidc.people.set('bo', { email: 'bo@forms.example', email_verified: true, name: 'Bo' });
    saml.people.set('sam', { nameId: 'p-sam', attributes: { email: 'sam@saml.example', displayName: 'Sam' } });
    saml.people.set('late', { nameId: 'p-late', attributes: { email: 'late@saml.example' }, lifetimeSeconds: -600 });
  });

  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
    await Promise.all([oidc?.stop(), saml?.stop(), upstream?.stop(), elsewhere?.stop()]);
    removeGatewayFolders();
  });

  /** A page of somebody who has been nowhere yet; closed with their browser when the work is done. */
  async function asPerson<Result>(work: (page: Page, context: BrowserContext) => Promise<Result>): Promise<Result> {
    const context = await browser.person();
    try {
      return await work(await context.newPage(), context);
    } finally {
      await context.close();
    }
  }

  const account = (page: Page) => page.getByRole('button', { name: /account and appearance/ });
  const signInHeading = (page: Page) => page.getByRole('heading', { name: 'Sign in', exact: true });
  const sessionCookieOf = async (context: BrowserContext) => (await context.cookies(gateway.url)).find(({ name }) => name.endsWith('gatewayops_session'));

  /** By the pages of the provider: who they are, and that they allow it. */
  async function logInAt(page: Page, login: string): Promise<void> {
    await page.waitForURL((url) => url.origin === new URL(oidc.issuer).origin);
    await page.getByPlaceholder('Enter any login').fill(login);
    await page.getByPlaceholder('and password').fill('x');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
  }

  async function signIn(page: Page, login: string): Promise<void> {
    await page.goto(gateway.url);
    await page.getByRole('link', { name: 'Continue with Acme', exact: true }).click();
    await logInAt(page, login);
    await account(page).waitFor();
  }

  async function incidentOn(page: Page): Promise<IncidentDetail> {
    await page.getByRole('heading', { name: 'You are not signed in' }).waitFor();
    return incidentOf(gateway, await page.locator('main').innerText());
  }

  test('OpenID Connect, by the keyboard alone: an address leads to the provider, the session is a host cookie that no script reads, signing out ends it', () =>
    asPerson(async (page, context) => {
      await page.goto(`${gateway.url}/`);
      await signInHeading(page).waitFor();
      await expectPageReadable(page, 'before-sign-in');
      await tabTo(page, 'work e-mail');
      await page.keyboard.type('ana@acme.example');
      await page.keyboard.press('Enter');
      await logInAt(page, 'ana');
      await account(page).waitFor();
      expect(page.url()).toBe(`${gateway.url}/ui/`);
      const cookie = await sessionCookieOf(context);
      expect(cookie).toMatchObject({ name: '__Host-gatewayops_session', httpOnly: true, secure: true, sameSite: 'Strict', path: '/', domain: '127.0.0.1' });
      expect(await page.evaluate<string>('document.cookie')).not.toContain('gatewayops');
      await tabTo(page, 'account and appearance');
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name: 'Sign out' }).waitFor();
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await signInHeading(page).waitFor();
      await page.getByText('You are signed out.').waitFor();
      const again = await fetch(`${gateway.url}/v1/me`, { headers: { authorization: `Bearer ${cookie?.value ?? ''}` }, dispatcher: gateway.dispatcher });
      expect([again.status, await sessionCookieOf(context)]).toEqual([401, undefined]);
    }));

  test('OpenID Connect by a form of the other site; who was to be led away stays here', () =>
    asPerson(async (page, context) => {
      await page.goto(`${gateway.url}/sign-in?return_to=${encodeURIComponent(`${elsewhere.origin}/trap`)}`);
      await page.getByRole('link', { name: 'Continue with Acme by form' }).click();
      await logInAt(page, 'bo');
      await account(page).waitFor();
      expect([page.url(), (await sessionCookieOf(context))?.name]).toEqual([`${gateway.url}/ui/`, '__Host-gatewayops_session']);
      for (const hostile of ['//127.0.0.1:9/', '/\\127.0.0.1:9', 'javascript:alert(1)', '/%09/127.0.0.1:9']) {
        await page.goto(`${gateway.url}/sign-in?return_to=${encodeURIComponent(hostile)}`, { waitUntil: 'commit' });
        expect([hostile, new URL(page.url()).origin]).toEqual([hostile, gateway.url]);
      }
    }));

  test('SAML: the provider lets the browser post its answer from another site', () =>
    asPerson(async (page, context) => {
      await page.goto(`${gateway.url}/sign-in?return_to=%2Fui%2Ftraces%3Fq%3Dstatus%253Aerror`);
      await page.getByLabel('work e-mail').fill('sam@saml.example');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByLabel('Login').fill('sam');
      await page.getByRole('button', { name: 'Sign-in' }).click();
      await account(page).waitFor();
      expect([page.url(), (await sessionCookieOf(context))?.name]).toEqual([`${gateway.url}/ui/traces?q=status%3Aerror`, '__Host-gatewayops_session']);
    }));

  test('an MCP client: its person signs in, reads who asks for what, and allows it, or does not; the tokens list tools', () =>
    asPerson(async (page) => {
      const verifier = 'v'.repeat(43);
      const asked = new URLSearchParams({
        response_type: 'code',
        client_id: 'cli',
        redirect_uri: `${elsewhere.origin}/cb`,
        scope: 'tools.list',
        state: 's1',
        resource: `${gateway.url}/mcp/search`,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      });
      // As a client opens it: from nowhere.
      await page.goto(`${gateway.url}/oauth/authorize?${asked.toString()}`);
      await page.getByRole('link', { name: 'Continue with Acme', exact: true }).click();
      await logInAt(page, 'ana');
      await page.getByRole('heading', { name: 'Allow Acme CLI to act for you?' }).waitFor();
      const text = await page.locator('main').innerText();
      await expectPageReadable(page, 'before-consent');
      for (const part of ['ana of Acme (ana@acme.example)', `${gateway.url}/mcp/search`, 'a program on your computer']) expect(text).toContain(part);
      await tabTo(page, 'Allow');
      await page.keyboard.press('Enter');
      await page.waitForURL(`${elsewhere.origin}/cb**`);
      const back = new URL(page.url()).searchParams;
      expect([back.get('state'), back.get('iss')]).toEqual(['s1', gateway.url]);
      const form = { grant_type: 'authorization_code', client_id: 'cli', code: back.get('code') ?? '', code_verifier: verifier };
      const answer = await fetch(`${gateway.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form), dispatcher: gateway.dispatcher });
      const { access_token: token } = (await answer.json()) as { access_token: string };
      const { body, headers } = modernRequest('tools/list');
      const listed = await fetch(`${gateway.url}/mcp/search`, {
        method: 'POST',
        headers: { ...headers, authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify(body),
        dispatcher: gateway.dispatcher,
      });
      expect([listed.status, await listed.text()]).toEqual([200, expect.stringContaining('"echo"')]);

      // From a page of another site, which the strict cookie does not come along from.
      await page.goto(`${elsewhere.origin}/link?to=${encodeURIComponent(`${gateway.url}/oauth/authorize?${asked.toString()}`)}`);
      await page.getByRole('link', { name: 'Connect' }).click();
      await page.getByRole('button', { name: 'Deny' }).click();
      await page.waitForURL(`${elsewhere.origin}/cb**`);
      expect([...new URL(page.url()).searchParams.keys()].sort()).toEqual(['error', 'error_description', 'iss', 'state']);
      expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied');
    }));

  test('the link of an administrator on the machine lets one browser in, once; who comes second, and whose address nobody knows, reads what to do', async () => {
    const { stdout } = await gateway.gateway.cli('admin', 'link', '-o', 'json');
    const { url } = JSON.parse(stdout) as { url: string };
    await asPerson(async (page, context) => {
      await page.goto(url);
      await account(page).waitFor();
      expect([page.url(), (await sessionCookieOf(context))?.httpOnly]).toEqual([`${gateway.url}/ui/`, true]);
    });
    await asPerson(async (page, context) => {
      const answer = await page.goto(url);
      expect([answer?.status(), await sessionCookieOf(context)]).toEqual([401, undefined]);
      await page.getByRole('heading', { name: 'This link has been used, or its hour is over' }).waitFor();
      await expectPageReadable(page, 'before-link-used');
      await page.goto(`${gateway.url}/sign-in?email=nobody@nowhere.example&after=ended`);
      await page.getByRole('alert').getByText('No identity provider is set up for this address').waitFor();
      await expectPageReadable(page, 'before-no-provider');
    });
  });

  test('who is not let in reads a number and nothing else; with it an administrator finds the step and what mends it', async () => {
    await asPerson(async (page, context) => {
      await page.goto(`${gateway.url}/sign-in`);
      await page.getByRole('link', { name: 'Continue with Who is away' }).click();
      expect(await incidentOn(page)).toMatchObject({ step: 'address', fix: expect.stringContaining('allow_addresses') });
      await page.getByText(/It is asked again in \d+ s\./).waitFor();
      await expectPageReadable(page, 'before-refused');
      expect(await sessionCookieOf(context)).toBeUndefined();
      const { dependencies } = await gateway.asAdministrator<{ dependencies: Record<string, unknown> }>('GET', '/v1/health');
      const reason = expect.stringMatching(/^nobody can sign in by away: 127\.0\.0\.1:9 cannot be reached .*; it is asked again /) as string;
      expect(dependencies['identity_providers']).toEqual({ state: 'down', reason, required: false });
    });
    await asPerson(async (page, context) => {
      await page.goto(`${gateway.url}/sign-in`);
      await page.getByRole('link', { name: 'Continue with Acme', exact: true }).click();
      await logInAt(page, 'eve');
      expect(await incidentOn(page)).toMatchObject({ step: 'group' });
      expect(await sessionCookieOf(context)).toBeUndefined();
      // Back at the provider, which still knows them, nobody is let in by pressing a key again and again.
      await page.reload();
      expect(await incidentOn(page)).toMatchObject({ step: 'answer' });
    });
    await asPerson(async (page, context) => {
      await page.goto(`${gateway.url}/sign-in`);
      await page.getByRole('link', { name: 'Continue with Acme by SAML' }).click();
      await page.getByLabel('Login').fill('late');
      await page.getByRole('button', { name: 'Sign-in' }).click();
      expect(await incidentOn(page)).toMatchObject({ step: 'assertion', fix: expect.stringContaining('clock') });
      expect(await sessionCookieOf(context)).toBeUndefined();
    });
  });

  test('no page of sign-in is shown inside a page of another site', () =>
    asPerson(async (page) => {
      for (const path of ['/sign-in', '/ui/', '/oauth/authorize?client_id=cli']) {
        await page.goto(`${elsewhere.origin}/frame?of=${encodeURIComponent(`${gateway.url}${path}`)}`);
        // What Chromium shows in the place of what may not be framed.
        await until(() => page.frames().some((frame) => frame.url() === 'chrome-error://chromewebdata/'), { what: `the frame of ${path} to be refused` });
      }
    }));

  test('whose session an administrator ends reads so, keeps what is on screen, and after signing in is where they were', () =>
    asPerson(async (page) => {
      await signIn(page, 'mia');
      const where = `${gateway.url}/ui/traces?q=server%3Asearch`;
      await page.goto(where);
      await page.getByRole('heading', { name: 'Traces' }).waitFor();
      // Resolves with a promise of the end, once the stream is open.
      await page.evaluate(`new Promise((resolve) => {
        const live = new EventSource('/v1/stream?events=metrics');
        live.onopen = resolve;
        window.ended = new Promise((tell) => (live.onerror = () => tell(live.close())));
      })`);
      const ended = page.evaluate<number>(`window.ended.then(() => fetch('/v1/me')).then(({ status }) => status)`);
      const { users } = await gateway.asAdministrator<{ users: { id: string; email: string | null }[] }>('GET', '/v1/users');
      const mia = users.find(({ email }) => email === 'mia@acme.example');
      expect(await gateway.asAdministrator('DELETE', `/v1/users/${mia?.id ?? ''}/sessions`)).toEqual({
        ended: [expect.stringMatching(/^ses_/)],
        revoked_grants: [],
      });
      expect(await ended).toBe(401);
      // The next thing that is asked says it.
      await page.getByRole('button', { name: 'Live', exact: true }).click();
      await page.getByRole('alert').getByText('Your session has ended.').waitFor();
      await page.getByRole('heading', { name: 'Traces' }).waitFor();
      await page.getByRole('button', { name: 'LIVE' }).click();
      await page.getByRole('link', { name: 'Sign in again' }).click();
      await page.getByText('After signing in you are back where you were.').waitFor();
      // Their provider knows them still.
      await page.getByRole('link', { name: 'Continue with Acme', exact: true }).click();
      await account(page).waitFor();
      expect(page.url()).toBe(where);
    }));
});

/** A site of somebody else: where a client is answered, links and frames that lead to the gateway. */
interface Elsewhere {
  readonly origin: string;
  stop(): Promise<void>;
}

async function startElsewhere(): Promise<Elsewhere> {
  const server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const [to, of] = ['to', 'of'].map((name) => (searchParams.get(name) ?? '').replaceAll('&', '&amp;'));
    const pages: Readonly<Record<string, string>> = { '/link': `<a href="${to}">Connect</a>`, '/frame': `<iframe src="${of}"></iframe>` };
    response.setHeader('content-type', 'text/html').end(`<!doctype html><title>Elsewhere</title>${pages[pathname] ?? 'Elsewhere'}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
