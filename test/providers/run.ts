/**
 * `npm run providers [-- --only TEXT] [-o json]`: people sign in with a real browser at a gateway by Keycloak (OpenID Connect and SAML) and Debian's SimpleSAMLphp (SAML), and
 * callers come with Keycloak's tokens, also after it has changed its keys. install.sh brings the providers where they are missing. `--only`: of what is
 * tried, what has the text in its name. Ends with 1 where one of it fails.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { fetch } from 'undici';
import { acsPath, callbackPath, samlMetadataPath } from '../../packages/gateway/src/control/sign-in/provider-desk.ts';
import { ensureDashboard } from '../../tools/build-dashboard.mjs';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { modernServer } from '../support/modern-server.ts';
import { modernRequest } from '../support/post.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { requires } from '../support/requires.ts';
import { incidentOf, startSignInGateway, type SignInGateway } from '../support/sign-in-gateway.ts';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { keycloakClient, keycloakVersion, startKeycloak, type Keycloak } from './keycloak.ts';
import { startSimpleSamlPhp, type SimpleSamlPhp } from './simplesamlphp.ts';

const secret = 'KEYCLOAK_SECRET';
const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, output: { type: 'string', short: 'o', default: 'text' } } });
const isJson = values.output === 'json';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly problem: string | null;
}

const checks: Check[] = [];
const ends: (() => Promise<unknown>)[] = [];

const installed = spawnSync(join(import.meta.dirname, 'install.sh'), [keycloakVersion], { stdio: ['ignore', 'ignore', 'inherit'] });
if (installed.status !== 0) {
  console.error(
    'error: the identity providers are not there\nfix: see what test/providers/install.sh says above; it needs Maven Central and Debian’s packages',
  );
  process.exit(1);
}
// Whoever has signed in comes to it.
if (!ensureDashboard(process.execPath)) process.exit(1);
try {
  await tryAll();
} finally {
  for (const end of ends.toReversed()) await end();
  removeGatewayFolders();
}
const failed = checks.filter(({ ok }) => !ok).length;
const versions = { keycloak: keycloakVersion, simplesamlphp: versionOf('simplesamlphp'), chromium: versionOf('chromium') };
if (isJson) console.log(JSON.stringify({ versions, checks }));
else
  console.log(
    `${checks.length - failed} passed, ${failed} failed: Keycloak ${versions.keycloak}, SimpleSAMLphp ${versions.simplesamlphp}, Chromium ${versions.chromium}.`,
  );
process.exitCode = failed === 0 ? 0 : 1;

async function tryAll(): Promise<void> {
  const { path, missing } = requires('chromium');
  if (path === null) throw new Error(missing);
  const upstream = await startRecordingUpstream(modernServer());
  ends.push(() => upstream.stop());
  const servers = { servers: [{ name: 'search', url: upstream.url }] };
  const gateway = await startSignInGateway({ config: servers, env: { [secret]: keycloakClient.secret } });
  ends.push(() => gateway.stop());
  const acsUrl = `${gateway.url}${acsPath}`;
  const entityIdFor = (provider: string): string => `${gateway.url}${samlMetadataPath}?provider=${provider}`;
  const audience = `${gateway.url}/mcp/search`;
  say('starting Keycloak and SimpleSAMLphp …');
  const [keycloak, simple, browser] = await Promise.all([
    startKeycloak({ callbackUrl: `${gateway.url}${callbackPath}/keycloak`, acsUrl, entityId: entityIdFor('keycloak-saml'), audience }),
    startSimpleSamlPhp({ acsUrl, entityId: entityIdFor('simplesamlphp') }),
    startBrowser(path),
  ]);
  ends.push(
    () => browser.stop(),
    () => keycloak.stop(),
    () => simple.stop(),
  );
  await gateway.asAdministrator('POST', '/v1/service-accounts', { id: 'sva_indexer', name: 'Indexer', role_ids: ['developer'] });
  await gateway.asAdministrator('POST', '/v1/teams', { id: 'payments', name: 'Payments' });
  const routes = [{ server: 'search', auth: { type: ['apiKey', 'jwt'] } }];
  await gateway.configure({ routes, identity: identityOf(keycloak, simple, audience) });
  await trySignIns(gateway, browser);
  await tryTokens(gateway, keycloak);
}

function identityOf(keycloak: Keycloak, simple: SimpleSamlPhp, audience: string): Readonly<Record<string, unknown>> {
  const any = { provision: 'just_in_time', first_roles: ['viewer'], allow_addresses: ['127.0.0.1'] };
  const mapping = [{ group: 'Payments', teams: ['payments'], roles: ['developer'] }];
  const saml = { ...any, type: 'saml', email_verified: 'assumed', mapping };
  return {
    providers: [
      {
        ...any,
        name: 'keycloak',
        preset: 'keycloak',
        issuer: keycloak.issuer,
        client_id: keycloakClient.id,
        client_secret: { env: secret },
        domains: ['acme.example'],
        allowed_groups: ['Staff'],
        mapping,
      },
      // Without domains: nobody's address counts, so that they are others than those of OpenID Connect.
      {
        ...saml,
        name: 'keycloak-saml',
        title: 'Keycloak by SAML',
        preset: 'keycloak',
        issuer: keycloak.issuer,
        saml: { metadata: keycloak.metadataUrl },
        email_verified: 'required',
      },
      { ...saml, name: 'simplesamlphp', title: 'SimpleSAMLphp', issuer: simple.entityId, saml: { metadata: simple.metadataUrl }, domains: ['saml.example'] },
    ],
    issuers: [
      {
        ...any,
        name: 'keycloak',
        issuer: keycloak.issuer,
        audience,
        mapping,
        callers: [{ claims: { azp: 'indexer', preferred_username: 'service-account-indexer' }, service_account: 'sva_indexer' }],
      },
    ],
  };
}

async function trySignIns(gateway: SignInGateway, browser: TestBrowser): Promise<void> {
  for (const name of ['keycloak', 'keycloak-saml', 'simplesamlphp'])
    await check(`${name}: the test of the provider passes each step`, async () => {
      const { ok, steps } = await gateway.asAdministrator<{ ok: boolean; steps: unknown }>('POST', `/v1/identity/providers/${name}/test`, {});
      requireThat(ok, JSON.stringify(steps));
    });
  await check('keycloak: OpenID Connect; who is in a group comes in with what it gives', () =>
    asPerson(gateway, browser, async (page) => {
      await begin(gateway, page, 'Keycloak');
      await logInAtKeycloak(page, 'ana');
      await requireUser(gateway, page, { name: 'Ana Ardent', email: 'ana@acme.example', team_ids: ['payments'], role_ids: ['developer', 'viewer'] });
    }),
  );
  await check('keycloak: OpenID Connect; who is in no group that may come is not let in', () =>
    asPerson(gateway, browser, async (page) => {
      await begin(gateway, page, 'Keycloak');
      await logInAtKeycloak(page, 'eve');
      await page.getByRole('heading', { name: 'You are not signed in' }).waitFor();
      const { step } = await incidentOf(gateway, await page.locator('main').innerText());
      requireThat(step === 'group', `it stopped at ${step}`);
    }),
  );
  await check('keycloak: SAML; its groups are read', () =>
    asPerson(gateway, browser, async (page) => {
      await begin(gateway, page, 'Keycloak by SAML');
      await logInAtKeycloak(page, 'ana');
      await requireUser(gateway, page, { email: null, team_ids: ['payments'], role_ids: ['developer', 'viewer'] });
    }),
  );
  await check('simplesamlphp: SAML; its attributes are read', () =>
    asPerson(gateway, browser, async (page) => {
      await begin(gateway, page, 'SimpleSAMLphp');
      await page.locator('#username').fill('pat');
      await page.locator('#password').fill('x');
      await page.locator('#password').press('Enter');
      await requireUser(gateway, page, { name: 'Pat Perlman', email: 'pat@saml.example', team_ids: ['payments'], role_ids: ['developer', 'viewer'] });
    }),
  );
}

async function tryTokens(gateway: SignInGateway, keycloak: Keycloak): Promise<void> {
  await check('keycloak: tokens of a program and of a person call, altered ones do not', async () => {
    const program = await keycloak.token();
    await requireCall(gateway, program, 200);
    await requireCall(gateway, await keycloak.token('ana'), 200);
    const [header, payload, signature = ''] = program.split('.');
    await requireCall(gateway, [header, payload, signature.split('').reverse().join('')].join('.'), 401);
  });
  await check('keycloak: the first token of a new key calls, one of the key before goes on', async () => {
    const before = await keycloak.token();
    await keycloak.rotateKeys();
    const after = await keycloak.token();
    const keyOf = (token: string): unknown => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;
    requireThat(keyOf(before) !== keyOf(after), 'Keycloak signs by the same key');
    await requireCall(gateway, after, 200);
    await requireCall(gateway, before, 200);
  });
}

async function begin(gateway: SignInGateway, page: Page, title: string): Promise<void> {
  await page.goto(`${gateway.url}/sign-in`);
  await page.getByRole('link', { name: `Continue with ${title}`, exact: true }).click();
}

async function logInAtKeycloak(page: Page, login: string): Promise<void> {
  await page.locator('#username').fill(login);
  await page.locator('#password').fill('x');
  await page.locator('#password').press('Enter');
}

/** That the page is the gateway's, of a user with these members. */
async function requireUser(gateway: SignInGateway, page: Page, wanted: Readonly<Record<string, unknown>>): Promise<void> {
  await page.getByRole('button', { name: /account and appearance/ }).waitFor();
  const { owner } = await page.evaluate<{ owner: string }>(`fetch('/v1/me').then((answer) => answer.json())`);
  const { user } = await gateway.asAdministrator<{ user: Record<string, unknown> }>('GET', `/v1/users/${owner.slice('user:'.length)}`);
  for (const [member, value] of Object.entries(wanted))
    requireThat(JSON.stringify(user[member]) === JSON.stringify(value), `${member} is ${JSON.stringify(user[member])}, not ${JSON.stringify(value)}`);
}

async function requireCall(gateway: SignInGateway, token: string, status: number): Promise<void> {
  const { body, headers } = modernRequest('tools/list');
  const answer = await fetch(`${gateway.url}/mcp/search`, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify(body),
    dispatcher: gateway.dispatcher,
  });
  requireThat(answer.status === status, `the call is answered with ${answer.status}: ${await answer.text()}`);
}

async function asPerson(gateway: SignInGateway, browser: TestBrowser, work: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.person();
  const page = await context.newPage();
  try {
    await work(page);
  } catch (cause) {
    const text = await page.locator('body').innerText();
    const seen = text.includes('inc_') ? JSON.stringify(await incidentOf(gateway, text)) : text.slice(0, 500);
    throw new Error(`at ${page.url()}: ${seen}`, { cause });
  } finally {
    await context.close();
  }
}

async function check(name: string, work: () => Promise<void>): Promise<void> {
  if (!name.includes(values.only)) return;
  const startedAt = performance.now();
  let problem: string | null = null;
  try {
    await work();
  } catch (error) {
    problem = error instanceof Error ? `${error.message}${error.cause instanceof Error ? `\n  ${error.cause.message}` : ''}` : String(error);
  }
  const ms = Math.round(performance.now() - startedAt);
  checks.push({ name, ok: problem === null, ms, problem });
  say(problem === null ? `✓ ${name} (${ms} ms)` : `✕ ${name}\n  ${problem}`);
}

function requireThat(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}

function versionOf(debianPackage: string): string {
  return execFileSync('dpkg-query', ['--show', '--showformat=${Version}', debianPackage], { encoding: 'utf8' });
}

function say(text: string): void {
  if (isJson) console.error(text);
  else console.log(text);
}
