import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlWithAccess } from '../../../../../test/support/access.ts';
import type { TestControl } from '../../../../../test/support/control.ts';
import { startTokenIssuer, type TokenIssuer } from '../../../../../test/support/token-issuer.ts';
import { assembleIdentity } from '../../assemble-identity.ts';
import type { IssuerData } from '../../identity/issuer-data.ts';
import { silentLog } from '../../kernel/log.ts';
import { defaultOrganizationId } from '../../kernel/id.ts';
import type { SignIn } from '../audit/sign-in-log.ts';
import type { TokenPlace } from '../context.ts';
import { tokenHolds } from './token-actor.ts';

let control: TestControl;
let end: () => Promise<void>;
let issuer: TokenIssuer;
/** What was noted of who came and who was refused. */
const noted: SignIn[] = [];

beforeAll(async () => {
  issuer = await startTokenIssuer();
  ({ control, end } = await startControlWithAccess());
  await made('/v1/service-accounts', { id: 'sva_deploy', name: 'Deploy', role_ids: ['admin'] });
  await made('/v1/service-accounts', { id: 'sva_reader', name: 'Reader', role_ids: ['viewer'] });
}, 60_000);
afterAll(async () => {
  await Promise.all([end?.(), issuer?.stop()]);
});

async function made(path: string, body: unknown): Promise<void> {
  expect([path, (await control.request('POST', path, { front: 'admin', body })).status]).toEqual([path, 201]);
}

/** A node with that issuer. */
function serve(more: Partial<IssuerData>): TestControl {
  const callers: IssuerData['mapping']['callers'] = ['deploy', 'reader'].map((sub) => ({ claims: { sub }, kind: 'service_account', id: `sva_${sub}` }));
  const { people: usual } = issuer.data().mapping;
  const people = usual === null ? null : { ...usual, provision: 'just_in_time' as const, firstRoleIds: ['viewer'] };
  const data = issuer.data({ controlApi: true, actions: ['people.*', 'traces.read'], mapping: { callers, people }, ...more });
  const { ca: _ca, ...entry } = data;
  const { config, audit, access } = control.dependencies;
  return control.variant({
    access,
    issuers: assembleIdentity([data], { nowMs: Date.now, monotonicMs: () => performance.now() }, silentLog),
    audit: { ...audit, noteSignIn: (signIn) => void noted.push(signIn) },
    config: { ...config, identity: { ...config.identity, issuers: [{ ...entry, caFile: null }] } },
  });
}

const statusOf = async (node: TestControl, method: string, path: string, bearer: string, body?: unknown): Promise<number> =>
  (await node.request(method, path, { bearer, ...(body === undefined ? {} : { body }) })).status;

test('a job with a token acts as its service account, within its roles and what the issuer allows, and the audit says so', async () => {
  const node = serve({});
  const [deploy, reader] = [await issuer.token({ sub: 'deploy' }), await issuer.token({ sub: 'reader' })];
  expect(await (await node.request('GET', '/v1/me', { bearer: deploy })).json()).toMatchObject({
    kind: 'service_account',
    id: 'sva_deploy',
    owner: 'service_account:sva_deploy',
    permissions: expect.arrayContaining(['people.read', 'people.write', 'traces.read']) as string[],
  });
  expect(await statusOf(node, 'POST', '/v1/teams', deploy, { id: 'made', name: 'Made' })).toBe(201);
  // Its role allows everything, the issuer does not; the issuer allows it, its role does not.
  expect(await statusOf(node, 'POST', '/v1/auth/keys', deploy, { name: 'x' })).toBe(403);
  expect(await statusOf(node, 'POST', '/v1/teams', reader, { name: 'None' })).toBe(403);
  const { events } = (await (await control.request('GET', '/v1/logs/audit?action=team.created', { front: 'admin' })).json()) as { events: unknown[] };
  expect(events).toMatchObject([{ actor: { kind: 'service_account', id: 'sva_deploy' }, object: { id: 'made' } }]);
  const capabilities = (await (await node.request('GET', '/v1/me/capabilities', { bearer: reader })).json()) as { capabilities: { reason: string }[] };
  expect(capabilities.capabilities.map(({ reason }) => reason)).toContain(
    'no role of its owner allows it, or `actions` of the issuer of its token does not include it',
  );
});

test('a program is given no link for a browser, however much it holds', async () => {
  const node = serve({ actions: ['*'] });
  const token = await issuer.token({ sub: 'deploy' });
  expect(await statusOf(node, 'POST', '/v1/auth/admin-links', token)).toBe(403);
});

test('a person with a token is the user of the directory, made just in time where the issuer may', async () => {
  const node = serve({});
  const bearer = await issuer.token({ sub: 'new', email: 'new@acme.example', email_verified: true });
  expect(await (await node.request('GET', '/v1/me', { bearer })).json()).toMatchObject({
    kind: 'user',
    id: expect.stringMatching(/^psn_/) as string,
    owner: expect.stringMatching(/^user:usr_/) as string,
  });
  expect(await statusOf(node, 'GET', '/v1/users', bearer)).toBe(200);
  expect(await statusOf(node, 'POST', '/v1/teams', bearer, { name: 'None' })).toBe(403);
});

test('the issuer that is not for the control API opens nothing there, and makes nobody a user by it', async () => {
  const token = await issuer.token({ sub: 'other', email: 'other@acme.example', email_verified: true });
  expect(await statusOf(serve({ controlApi: false }), 'GET', '/v1/me', token)).toBe(401);
  const node = serve({ name: 'for-the-api', audiences: ['https://gateway.example/v1'] });
  expect(await statusOf(node, 'GET', '/v1/me', token)).toBe(401);
  expect(noted.at(-1)).toMatchObject({ kind: 'token', outcome: 'failed', reason: 'audience', subject: 'for-the-api' });
  expect(await statusOf(node, 'GET', '/v1/me', await issuer.token({ sub: 'deploy', aud: 'https://gateway.example/v1' }))).toBe(200);
  expect(await (await control.request('GET', '/v1/users?q=other', { front: 'admin' })).json()).toMatchObject({ users: [] });
});

test('of several issuers the flag is that of the one whose token it is: the audit says that it is not for the control API', async () => {
  const second = await startTokenIssuer();
  try {
    const node = serve({});
    const untaken = second.data({ name: 'untaken', controlApi: false, mapping: issuer.data().mapping });
    const { ca: _ca, ...entry } = untaken;
    const { config } = node.dependencies;
    const both = control.variant({
      access: control.dependencies.access,
      audit: node.dependencies.audit,
      issuers: assembleIdentity(
        [...config.identity.issuers.map((one) => ({ ...one, ca: null })), untaken],
        { nowMs: Date.now, monotonicMs: () => performance.now() },
        silentLog,
      ),
      config: { ...config, identity: { ...config.identity, issuers: [...config.identity.issuers, { ...entry, caFile: null }] } },
    });
    expect(await statusOf(both, 'GET', '/v1/me', await second.token({ email: 'second@acme.example', email_verified: true }))).toBe(401);
    expect(noted.at(-1)).toMatchObject({ kind: 'token', outcome: 'failed', reason: 'issuer', subject: 'untaken' });
    expect(await statusOf(both, 'GET', '/v1/me', await issuer.token({ sub: 'deploy' }))).toBe(200);
    expect(await (await control.request('GET', '/v1/users?q=second', { front: 'admin' })).json()).toMatchObject({ users: [] });
  } finally {
    await second.stop();
  }
});

test('an issuer that does not answer is 503: nobody is told that a good token is bad', async () => {
  const away = await startTokenIssuer();
  away.answer((_request, response) => void response.writeHead(500).end());
  const node = serve({ issuer: away.url });
  expect(await statusOf(node, 'GET', '/v1/me', await away.token({ sub: 'deploy' }))).toBe(503);
  await away.stop();
});

test('whoever is switched off or deleted acts no more, and what they watch ends; so it does with the token and with the flag', async () => {
  const node = serve({});
  await made('/v1/service-accounts', { id: 'sva_gone', name: 'Gone', role_ids: ['admin'] });
  const { config } = node.dependencies;
  const [entry] = config.identity.issuers;
  if (entry === undefined) throw new Error('there is one');
  const callers: IssuerData['mapping']['callers'] = [{ claims: { sub: 'gone' }, kind: 'service_account', id: 'sva_gone' }];
  const served = serve({ mapping: { ...entry.mapping, callers } });
  const token = await issuer.token({ sub: 'gone' });
  const place: TokenPlace = { issuer: 'test', entry: { kind: 'service_account', id: 'sva_gone' }, untilMs: served.clock.nowMs() + 60_000 };
  const holds = (at: TestControl, one = place) => tokenHolds(at.dependencies, { organizationId: defaultOrganizationId }, one);
  expect([await statusOf(served, 'GET', '/v1/me', token), await holds(served)]).toEqual([200, true]);
  expect(await holds(serve({ controlApi: false }))).toBe(false);
  expect(await holds(served, { ...place, untilMs: served.clock.nowMs() })).toBe(false);

  const off = await control.request('PUT', '/v1/switches/service_account/sva_gone', { front: 'admin', body: { reason: 'INC-1' } });
  expect(off.status).toBe(200);
  await control.dependencies.access.refresh();
  expect([await statusOf(served, 'GET', '/v1/me', token), await holds(served)]).toEqual([401, false]);
  expect((await control.request('DELETE', '/v1/service-accounts/sva_gone', { front: 'admin', headers: { 'if-match': '"1"' } })).status).toBeLessThan(300);
  expect([await statusOf(served, 'GET', '/v1/me', token), await holds(served)]).toEqual([401, false]);
});
