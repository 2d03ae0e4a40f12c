import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControlWithAccess } from '../../../../../test/support/access.ts';
import type { TestControl } from '../../../../../test/support/control.ts';
import { createEntry } from '../../control/directory/create-entry.ts';
import { createKey } from '../../control/keys/create-key.ts';
import { createOrganization } from '../../control/organizations/create-organization.ts';
import { openUserSession } from '../../control/sessions/open-user-session.ts';
import { settleIdentity, type Settlement } from '../../control/sign-in/settle-identity.ts';
import { switchOff } from '../../control/switches/switch-off.ts';
import type { ProviderData } from '../../identity/provider-data.ts';
import type { ProvisionRules, VerifiedIdentity } from '../../identity/verified-identity.ts';
import { bounds } from '../../kernel/bounds.ts';
import { defaultOrganizationId, type OrganizationId } from '../../kernel/id.ts';

const rules: ProvisionRules = {
  provision: 'required',
  linkByEmail: true,
  domains: ['acme.example'],
  allowedGroups: null,
  firstRoleIds: ['viewer'],
  mapping: [
    { group: 'Payments', teamIds: ['payments'], roleIds: ['developer'] },
    { group: 'Admins', teamIds: [], roleIds: ['admin'] },
  ],
};

function provider(name: string, organizationId: OrganizationId, more: Partial<ProvisionRules> = {}): ProviderData {
  return {
    type: 'oidc',
    name,
    title: name,
    organizationId,
    preset: 'okta',
    issuer: `https://${name}.example`,
    domains: ['acme.example'],
    enforce: false,
    claims: { subject: 'sub', email: 'email', name: 'name', groups: ['groups'] },
    isEmailTrusted: false,
    rules: { ...rules, ...more },
    allowedNetworks: [],
    ca: null,
    clientId: 'c',
    clientSecret: null,
    scopes: [],
    responseMode: 'query',
    callback: 'own',
  };
}

let control: TestControl;
let end: () => Promise<void>;
let okta: string;
let strict: string;
let foreign: string;
const acme = 'org_acme' as OrganizationId;
const organizationHeader = { 'gatewayops-organization': acme };

beforeAll(async () => {
  const providers = [
    provider('okta', defaultOrganizationId),
    provider('strict', defaultOrganizationId, { linkByEmail: false, domains: null, mapping: [] }),
    provider('theirs', acme),
    provider('open', defaultOrganizationId),
    provider('plain', defaultOrganizationId, { firstRoleIds: [], mapping: [{ group: 'Payments', teamIds: ['payments'], roleIds: [] }] }),
  ];
  ({ control, end } = await startControlWithAccess({
    providers: { list: () => providers, clients: () => Promise.reject(new Error('none')), saml: () => Promise.reject(new Error('none')) },
  }));
  await createOrganization(control.context(), { id: acme, name: 'Acme' });
  await createEntry(control.context(), { kind: 'team', id: 'payments', change: { name: 'Payments', texts: {}, names: {}, links: {} }, dryRun: false });
  okta = await enable('okta');
  strict = await enable('strict');
  foreign = await enable('theirs', organizationHeader);
}, 120_000);
afterAll(() => end());

async function enable(name: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await control.request('POST', '/v1/identity/scim', { front: 'admin', body: { provider: name }, headers });
  expect(answer.status).toBe(201);
  const { token, base_url: baseUrl } = (await answer.json()) as { token: string; base_url: string };
  expect(baseUrl).toBe('http://127.0.0.1:8080/scim/v2');
  return token;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, never> & {
    readonly id: string;
    readonly totalResults: number;
    readonly Resources: readonly { id: string; userName: string }[];
  };
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  { token = okta, headers = {} }: { token?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const answer = await control.request(method, `/scim/v2${path}`, {
    bearer: token,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] };
}

const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const patchOf = (...Operations: unknown[]) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });
const filterOf = (text: string): string => `filter=${encodeURIComponent(text)}`;

let made = 0;
async function newUser(more: Record<string, unknown> = {}, token = okta): Promise<Answer['body'] & { readonly userName: string }> {
  const name = `user${++made}`;
  const answer = await ask('POST', '/Users', { schemas: [userUrn], userName: `${name}@acme.example`, externalId: `ext-${name}`, ...more }, { token });
  expect([answer.status, answer.body]).toEqual([201, answer.body]);
  return answer.body as never;
}

const entryOf = (id: string) => control.dependencies.registry.directory.find(defaultOrganizationId, { kind: 'user', id });
const rolesOf = async (id: string): Promise<readonly string[]> => ((await entryOf(id))?.links['role_ids'] ?? []).map((one) => one.id);
const teamsOf = async (id: string): Promise<readonly string[]> => ((await entryOf(id))?.links['team_ids'] ?? []).map((one) => one.id);

function signIn(more: Partial<VerifiedIdentity>, from = 'okta', own: Partial<ProvisionRules> = {}): Promise<Settlement> {
  const { actor: _actor, organizationId: _organization, ...context } = control.context();
  const identity = { email: null, emailVerified: false, name: null, groups: [], claims: {}, subject: 'nobody', ...more };
  return settleIdentity(
    context,
    { providerId: from, organizationId: defaultOrganizationId, issuer: `https://${from}.example`, ...identity },
    { ...rules, ...own },
  );
}

async function actionsOf(): Promise<readonly string[]> {
  const answer = await control.request('GET', '/v1/logs/audit?limit=40', { front: 'admin' });
  return ((await answer.json()) as { events: { action: string }[] }).events.map(({ action }) => action);
}

describe('who may', () => {
  test('the token of a provider opens SCIM and nothing else; no other key opens it, not even one that may do everything', async () => {
    expect((await ask('GET', '/ServiceProviderConfig')).status).toBe(200);
    for (const path of ['/v1/users', '/v1/identity/scim', '/v1/auth/keys']) expect((await control.request('GET', path, { bearer: okta })).status).toBe(403);
    const admin = await createKey(control.context(), {
      name: 'all',
      environment: null,
      scopes: { servers: null, actions: ['*'] },
      metadata: {},
      expiresAtMs: null,
    });
    expect((await ask('GET', '/Users', undefined, { token: admin.secret })).status).toBe(403);
    const none = await control.request('GET', '/scim/v2/Users');
    expect([none.status, none.headers.get('content-type'), none.headers.get('www-authenticate'), await none.json()]).toEqual([
      401,
      'application/scim+json; charset=utf-8',
      'Bearer realm="gatewayops"',
      { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401', detail: expect.any(String) },
    ]);
    // The owner-only socket proves nothing here.
    expect((await control.request('GET', '/scim/v2/Users', { front: 'admin' })).status).toBe(401);
  });

  test('nobody gets it who does not hold all that its groups can give', async () => {
    const change = { name: 'Half', texts: {}, names: { permissions: ['identity.*', 'scim.provision', 'people.*'] }, links: {} };
    await createEntry(control.context(), { kind: 'role', id: 'half', change, dryRun: false });
    const { secret } = await createKey(control.context(), {
      name: 'half',
      environment: null,
      scopes: { servers: null, actions: ['role:half'] },
      metadata: {},
      expiresAtMs: null,
    });
    const refused = await control.request('POST', '/v1/identity/scim', { bearer: secret, body: { provider: 'open' } });
    const rotated = await control.request('POST', '/v1/identity/scim/okta/rotate', { bearer: secret });
    expect([refused.status, rotated.status]).toEqual([403, 403]);
    expect(await refused.text()).toContain('more than it holds');
    expect((await control.request('POST', '/v1/identity/scim', { bearer: secret, body: { provider: 'plain' } })).status).toBe(201);
  });

  test('a token is given once, has another beside it for a day, and none when the provider is stopped; each is in the audit', async () => {
    const only = await enableOnce();
    expect((await control.request('POST', '/v1/identity/scim', { front: 'admin', body: { provider: 'theirs' } })).status).toBe(404);
    const rotated = (await (await control.request('POST', '/v1/identity/scim/strict/rotate', { front: 'admin', body: {} })).json()) as { token: string };
    for (const token of [only, rotated.token]) expect((await ask('GET', '/Users', undefined, { token })).status).toBe(200);
    const listed = await (await control.request('GET', '/v1/identity/scim', { front: 'admin' })).text();
    expect(listed).not.toContain(rotated.token);
    const { connections } = JSON.parse(listed) as { connections: { provider: string; revoked: boolean }[] };
    expect(connections.flatMap(({ provider: name, revoked }) => (revoked ? [] : [name]))).toEqual(expect.arrayContaining(['okta', 'strict']));
    expect(listed).not.toContain('theirs');
    expect((await control.request('DELETE', '/v1/identity/scim/strict', { front: 'admin' })).status).toBe(204);
    for (const token of [only, rotated.token]) expect((await ask('GET', '/Users', undefined, { token })).status).toBe(401);
    expect(await actionsOf()).toEqual(expect.arrayContaining(['scim_connection.created', 'key.rotated', 'scim_connection.deleted', 'key.revoked']));
    strict = await enable('strict');
  });

  async function enableOnce(): Promise<string> {
    expect((await control.request('POST', '/v1/identity/scim', { front: 'admin', body: { provider: 'strict' } })).status).toBe(409);
    return strict;
  }

  test('a provider sees and changes its own alone: not those of another one, nor of another organization', async () => {
    const user = await newUser();
    const group = await ask('POST', '/Groups', { displayName: 'Own', members: [{ value: user.id }] });
    for (const token of [strict, foreign]) {
      const other = { token };
      expect((await ask('GET', `/Users?${filterOf(`id eq "${user.id}"`)}`, undefined, other)).body.totalResults).toBe(0);
      for (const path of [`/Users/${user.id}`, `/Groups/${group.body.id}`]) {
        expect((await ask('GET', path, undefined, other)).status).toBe(404);
        expect((await ask('DELETE', path, undefined, other)).status).toBe(404);
        expect((await ask('PATCH', path, patchOf({ op: 'replace', path: 'displayName', value: 'x' }), other)).status).toBe(404);
      }
      expect((await ask('POST', '/Groups', { displayName: `Taken ${token.slice(-4)}`, members: [{ value: user.id }] }, other)).body).toMatchObject({
        status: '400',
        scimType: 'invalidValue',
      });
    }
    expect((await ask('GET', `/Users/${user.id}`)).status).toBe(200);
  });

  test('wrong tokens are slowed by where they come from', async () => {
    const wrong = () => ask('GET', '/Users', undefined, { token: `gwo_test_${'x'.repeat(32)}`, headers: { 'x-gatewayops-peer': '203.0.113.9' } });
    const answers = [];
    for (let tried = 0; tried <= bounds.signInsFailedPerMinute; tried++) answers.push(await wrong());
    expect([answers[0]?.status, answers.at(-1)?.status, answers.at(-1)?.headers.get('retry-after')]).toEqual([401, 429, expect.any(String)]);
    expect((await ask('GET', '/Users?count=0')).status).toBe(200);
  });
});

describe('users', () => {
  test('one is made, found, read, replaced and patched, with what the provider calls it and an ETag', async () => {
    const written = {
      schemas: [userUrn, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
      externalId: '701984',
      userName: 'Bjensen@acme.example',
      name: { formatted: 'Ms. Barbara J Jensen, III', familyName: 'Jensen', givenName: 'Barbara', middleName: 'Jane' },
      displayName: 'Babs Jensen',
      nickName: 'Babs',
      password: 't1meMa$heen',
      emails: [
        { value: 'bjensen@acme.example', type: 'work', primary: true },
        { value: 'babs@jensen.example', type: 'home' },
      ],
      phoneNumbers: [{ value: '555-555-5555', type: 'work' }],
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { employeeNumber: '701984' },
    };
    const created = await ask('POST', '/Users', written);
    const { id } = created.body;
    const location = `http://127.0.0.1:8080/scim/v2/Users/${id}`;
    expect([created.status, created.headers.get('location'), created.headers.get('etag')]).toEqual([201, location, 'W/"1"']);
    expect(created.body).toEqual({
      schemas: [userUrn],
      id,
      externalId: '701984',
      userName: 'Bjensen@acme.example',
      name: { formatted: 'Ms. Barbara J Jensen, III', familyName: 'Jensen', givenName: 'Barbara' },
      displayName: 'Babs Jensen',
      active: true,
      emails: written.emails.map(({ value, ...rest }) => ({ value, ...rest })),
      meta: { resourceType: 'User', created: expect.any(String), lastModified: expect.any(String), version: 'W/"1"', location },
    });
    expect(await entryOf(id)).toMatchObject({ name: 'Babs Jensen', attributes: { email: 'bjensen@acme.example' }, createdBy: 'okta' });
    expect(await rolesOf(id)).toEqual(['viewer']);
    expect((await ask('POST', '/Users', { ...written, externalId: 'other', userName: 'BJENSEN@acme.example' })).body).toMatchObject({
      status: '409',
      scimType: 'uniqueness',
    });

    expect((await ask('GET', `/Users/${id}`, undefined, { headers: { 'if-none-match': 'W/"1"' } })).status).toBe(304);
    const stale = { headers: { 'if-match': 'W/"7"' } };
    expect((await ask('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'displayName', value: 'B' }), stale)).status).toBe(412);
    const replaced = await ask(
      'PUT',
      `/Users/${id}`,
      { schemas: [userUrn], userName: 'bjensen@acme.example', displayName: 'Barbara' },
      { headers: { 'if-match': 'W/"1"' } },
    );
    // What it is called by stays; what was left out is gone.
    expect(replaced.body).toMatchObject({ externalId: '701984', displayName: 'Barbara', active: true, meta: { version: 'W/"2"' } });
    expect(replaced.body).not.toHaveProperty('emails');
    const same = await ask('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'displayName', value: 'Barbara' }));
    expect([same.status, same.headers.get('etag')]).toEqual([200, 'W/"2"']);
    expect((await entryOf(id))?.name).toBe('Barbara');
  });

  test('lists are paged, sorted, filtered and cut to the attributes that are asked for', async () => {
    const users = [];
    for (const name of ['carl', 'dora', 'emil'])
      users.push(await newUser({ userName: `${name}@list.example`, displayName: name, emails: [{ value: `${name}@list.example`, type: 'work' }] }));
    const at = (query: string) => ask('GET', `/Users?${query}`);
    const all = filterOf('userName ew "@LIST.example"');
    const page = (await at(`${all}&sortBy=userName&sortOrder=descending&startIndex=2&count=1`)).body;
    expect(page).toMatchObject({ schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'], totalResults: 3, startIndex: 2, itemsPerPage: 1 });
    expect(page.Resources).toMatchObject([{ userName: 'dora@list.example' }]);
    expect((await at(`${all}&count=0`)).body).toMatchObject({ totalResults: 3, Resources: [] });
    expect((await at(`${all}&sortBy=userName&count=1&attributes=emails.value`)).body.Resources).toEqual([
      { schemas: [userUrn], id: users[0]?.id, emails: [{ value: 'carl@list.example' }] },
    ]);
    expect((await at(`${all}&count=1&excludedAttributes=emails,meta,name`)).body.Resources[0]).not.toHaveProperty('emails');
    for (const [filter, count] of [
      [`userName eq "CARL@list.example"`, 1],
      [`externalId eq "${users[0]?.['externalId']}"`, 1],
      [`emails[type eq "work" and value co "@list.example"] and displayName sw "d"`, 1],
      [`emails[type eq "work"].value eq "emil@list.example"`, 1],
      [`emails co "list.example" and not (displayName eq "carl")`, 2],
      [`userName ew "@list.example" and (displayName gt "carl" and displayName le "emil")`, 2],
      [`meta.created gt "2020-01-01T00:00:00Z" and userName ew "list.example" and active eq true`, 3],
      [`title pr and userName ew "list.example"`, 0],
      [`${userUrn}:userName eq "dora@list.example"`, 1],
    ] as const)
      expect([filter, (await at(filterOf(filter))).body.totalResults]).toEqual([filter, count]);
    for (const filter of ['userName', 'userNam eq "x"', 'userName eq x', 'active gt true', '(userName pr', 'name eq "x"', `userName eq "${'x'.repeat(3000)}"`])
      expect([filter.slice(0, 20), (await at(filterOf(filter))).body]).toEqual([
        filter.slice(0, 20),
        expect.objectContaining({ status: '400', scimType: 'invalidFilter' }),
      ]);
    const searched = await ask('POST', '/Users/.search', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      filter: 'userName ew "@list.example"',
      attributes: ['userName'],
      startIndex: 1,
      count: 2,
    });
    expect(searched.body).toMatchObject({ totalResults: 3, itemsPerPage: 2 });
  });

  test('what others write that is not in the RFC is understood: Entra ID and Okta', async () => {
    const { id } = await newUser();
    const patch = async (...operations: unknown[]) => (await ask('PATCH', `/Users/${id}`, patchOf(...operations))).body;
    expect(await patch({ op: 'Replace', path: 'active', value: 'False' })).toMatchObject({ active: false });
    expect(await patch({ op: 'replace', value: { active: true, id: 'mine' } })).toMatchObject({ active: true, id });
    expect(await patch({ op: 'Add', path: 'emails[type eq "work"].value', value: 'entra@acme.example' })).toMatchObject({
      emails: [{ value: 'entra@acme.example', type: 'work' }],
    });
    expect(
      await patch({ op: 'Add', value: { 'name.givenName': 'En', 'emails[type eq "work"].primary': 'True', [`${userUrn}:displayName`]: 'En Tra', title: 'x' } }),
    ).toMatchObject({ name: { givenName: 'En' }, emails: [{ primary: true }], displayName: 'En Tra' });
    expect(await patch({ op: 'add', path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', value: 'x' })).toMatchObject({ id });
    expect(await patch({ op: 'remove', path: 'emails[type eq "work"]' })).not.toHaveProperty('emails');
    for (const [operation, scimType] of [
      [{ op: 'replace', path: 'emails[type eq "home"].value', value: 'x@acme.example' }, 'noTarget'],
      [{ op: 'remove' }, 'noTarget'],
      [{ op: 'replace', path: 'id', value: 'x' }, 'mutability'],
      [{ op: 'remove', path: 'userName' }, 'mutability'],
      [{ op: 'add', path: 'groups', value: [{ value: 'x' }] }, 'mutability'],
      [{ op: 'replace', path: 'usrName', value: 'x' }, 'invalidPath'],
      [{ op: 'replace', path: 'emails[', value: 'x' }, 'invalidPath'],
      [{ op: 'replace', path: 'active', value: 'perhaps' }, 'invalidValue'],
      [{ op: 'move', path: 'active' }, 'invalidSyntax'],
    ] as const)
      expect([operation, await patch(operation)]).toEqual([operation, expect.objectContaining({ status: '400', scimType })]);
  });
});

describe('who is in', () => {
  test('whoever is not active is out with session and key, comes back with the key alone, and an administrator has the last word', async () => {
    const { id } = await newUser();
    const key = await keyOf(id);
    const session = await sessionOf(id);
    const me = async (bearer: string): Promise<number> => (await control.request('GET', '/v1/me', { bearer })).status;
    expect([await me(key), await me(session)]).toEqual([200, 200]);
    await ask('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: false }));
    expect([await me(key), await me(session)]).toEqual([401, 401]);
    await ask('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: true }));
    expect([await me(key), await me(session)]).toEqual([200, 401]);
    expect(await actionsOf()).toEqual(expect.arrayContaining(['user.switched_off', 'user.switched_on', 'session.ended']));

    await switchOff(control.context(), { kind: 'user', name: id, reason: 'incident', untilMs: null });
    await ask('PATCH', `/Users/${id}`, patchOf({ op: 'replace', value: { active: true } }));
    expect(await me(key)).toBe(401);
  });

  test('whoever is deleted is gone with keys, also where an agent is theirs, and is a new user when they come again', async () => {
    const user = await newUser();
    const { id } = user;
    const key = await keyOf(id);
    const session = await sessionOf(id);
    const links = { owner: [{ kind: 'user' as const, id }] };
    await createEntry(control.context(), { kind: 'agent', id: `agent-${id}`, change: { name: `agent ${id}`, texts: {}, names: {}, links }, dryRun: false });
    expect((await ask('DELETE', `/Users/${id}`)).status).toBe(204);
    for (const bearer of [key, session]) expect((await control.request('GET', '/v1/me', { bearer })).status).toBe(401);
    expect([await entryOf(id), (await ask('GET', `/Users/${id}`)).status, (await ask('DELETE', `/Users/${id}`)).status]).toEqual([null, 404, 404]);
    const again = await newUser({ userName: user.userName, externalId: user['externalId'] });
    expect(again.id).not.toBe(id);
  });

  test('the last administrator can be taken out, and it is said', async () => {
    const group = await ask('POST', '/Groups', { displayName: 'Admins' });
    const { id } = await newUser();
    await ask('PATCH', `/Groups/${group.body.id}`, patchOf({ op: 'add', path: 'members', value: [{ value: id }] }));
    expect(await rolesOf(id)).toContain('admin');
    await ask('DELETE', `/Users/${id}`);
    expect(await actionsOf()).toContain('organization.left_unled');
    const errors = await (await control.request('GET', '/v1/identity/scim/okta/errors?limit=1', { front: 'admin' })).json();
    expect(errors).toMatchObject({ errors: [{ method: '', status: 200, scim_type: 'noAdministrator' }] });
    expect((await ask('DELETE', `/Groups/${group.body.id}`)).status).toBe(204);
  });

  async function keyOf(id: string): Promise<string> {
    const scopes = { servers: null, actions: ['people.read'] };
    return (await createKey(control.context(), { name: 'k', environment: null, scopes, metadata: { user_id: id }, expiresAtMs: null })).secret;
  }

  async function sessionOf(id: string): Promise<string> {
    const { actor: _actor, organizationId, ...context } = control.context();
    const user = await entryOf(id);
    if (user === null) throw new Error(`no user ${id}`);
    return openUserSession(context, { organizationId, user, provider: 'okta', userAgent: '' });
  }
});

describe('signing in', () => {
  test('whom the provider has sent comes in as that user by what it calls them, or by their verified address, and by nothing else', async () => {
    const byId = await newUser({ externalId: '00u-by-id', userName: 'byid' });
    expect(await signIn({ subject: '00u-by-id' })).toMatchObject({ ok: true, outcome: 'linked', user: { entry: { id: byId.id } } });
    expect(await signIn({ subject: '00u-by-id' })).toMatchObject({ ok: true, outcome: 'known' });
    // Another account of the provider with that address is not them any more.
    const byMail = await newUser({ userName: 'bymail@acme.example' });
    expect(await signIn({ subject: 'liar', email: 'bymail@acme.example', emailVerified: false })).toMatchObject({ ok: false, step: 'user' });
    expect(await signIn({ subject: 'right', email: 'bymail@acme.example', emailVerified: true }, 'okta', { linkByEmail: false })).toMatchObject({
      ok: true,
      outcome: 'linked',
      user: { entry: { id: byMail.id } },
    });
    expect(await signIn({ subject: 'second', email: 'bymail@acme.example', emailVerified: true })).toMatchObject({ ok: false, step: 'email' });
    // Ids of one provider say nothing at another.
    expect(await signIn({ subject: '00u-by-id' }, 'strict')).toMatchObject({ ok: false, step: 'user' });
  });

  test('a user who was there before is taken over by an address that the provider speaks for, and nobody comes in as them by an id that was sent for them', async () => {
    const change = (email: string) => ({ name: 'Boss', texts: { email }, names: {}, links: {} });
    await createEntry(control.context(), { kind: 'user', id: 'boss', change: change('boss@acme.example'), dryRun: false });
    await createEntry(control.context(), { kind: 'user', id: 'guest', change: change('guest@else.example'), dryRun: false });
    // One who writes the address of another into their own account at the provider.
    const adopted = await newUser({ userName: 'mallory', externalId: '00u-mallory', emails: [{ value: 'boss@acme.example', primary: true }] });
    expect(adopted.id).toBe('boss');
    expect(await actionsOf()).toContain('user.adopted');
    expect(await signIn({ subject: '00u-mallory', email: 'boss@acme.example', emailVerified: false })).toMatchObject({ ok: false, step: 'user' });
    // Not of its domains, so not their address here.
    const other = await newUser({ userName: 'guest2', emails: [{ value: 'guest@else.example', primary: true }] });
    expect([other.id === 'guest', (await entryOf(other.id))?.attributes['email']]).toEqual([false, undefined]);
    // A provider without domains speaks for nobody's address.
    const none = await newUser({ userName: 'x@acme.example' }, strict);
    expect((await entryOf(none.id))?.attributes['email']).toBeUndefined();
  });
});

describe('groups', () => {
  test('what the mapping gives a group its members have at once, and lose at once: by PATCH, by a new name, with the group', async () => {
    const [ana, bo] = [await newUser(), await newUser()];
    const created = await ask('POST', '/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Payments',
      externalId: 'g1',
      members: [{ value: ana.id, type: 'User' }],
    });
    const path = `/Groups/${created.body.id}`;
    expect([created.status, created.body]).toMatchObject([201, { displayName: 'Payments', externalId: 'g1', members: [{ value: ana.id, type: 'User' }] }]);
    expect([await teamsOf(ana.id), await rolesOf(ana.id)]).toEqual([['payments'], ['developer', 'viewer']]);
    expect((await ask('GET', `/Users/${ana.id}`)).body).toMatchObject({ groups: [{ value: created.body.id, display: 'Payments', type: 'direct' }] });

    expect((await ask('PATCH', path, patchOf({ op: 'Add', path: 'members', value: [{ value: bo.id }, { value: bo.id }] }))).status).toBe(204);
    expect(await teamsOf(bo.id)).toEqual(['payments']);
    expect((await ask('GET', `/Groups?${filterOf(`id eq "${created.body.id}" and members eq "${bo.id}"`)}&excludedAttributes=members`)).body).toMatchObject({
      totalResults: 1,
      Resources: [expect.not.objectContaining({ members: expect.anything() })],
    });
    // As Entra ID takes a member out, and as the RFC does.
    await ask('PATCH', path, patchOf({ op: 'Remove', path: 'members', value: [{ value: ana.id }] }));
    expect([await teamsOf(ana.id), await rolesOf(ana.id)]).toEqual([[], ['viewer']]);
    await ask('PATCH', path, patchOf({ op: 'remove', path: `members[value eq "${bo.id}"]` }));
    expect(await teamsOf(bo.id)).toEqual([]);
    await ask('PUT', path, { displayName: 'Payments', members: [{ value: ana.id }, { value: bo.id }] });
    expect([await teamsOf(ana.id), await teamsOf(bo.id)]).toEqual([['payments'], ['payments']]);
    // As Okta writes it.
    await ask('PATCH', path, patchOf({ op: 'replace', value: { id: created.body.id, displayName: 'Renamed' } }));
    expect(await teamsOf(ana.id)).toEqual([]);
    await ask('PATCH', path, patchOf({ op: 'replace', path: 'displayName', value: 'Payments' }));
    expect(await teamsOf(ana.id)).toEqual(['payments']);
    expect((await ask('POST', '/Groups', { displayName: 'PAYMENTS' })).body).toMatchObject({ status: '409', scimType: 'uniqueness' });

    // What a token says of groups counts no more for whom the provider has sent.
    expect(await signIn({ subject: String(bo['externalId']), groups: ['Admins'] })).toMatchObject({ ok: true });
    expect(await rolesOf(bo.id)).toEqual(['developer', 'viewer']);
    expect((await ask('DELETE', path)).status).toBe(204);
    expect([await teamsOf(bo.id), await rolesOf(bo.id), (await ask('GET', path)).status]).toEqual([[], ['viewer'], 404]);
    expect(await actionsOf()).toEqual(expect.arrayContaining(['scim_group.created', 'scim_group.changed', 'scim_group.deleted', 'user.changed']));
  });

  test('a group of many is filled whole, some at a time', { timeout: 120_000 }, async () => {
    const ids = Array.from({ length: bounds.scimMembersAtOnce + 2 }, (_, at) => `many-${at}`);
    const times = { createdAtMs: 0, changedAtMs: 0, createdBy: 'test', changedBy: 'test', version: 1 };
    await control.dependencies.registry.transaction(async ({ directory, scim }) => {
      for (const id of ids) {
        await directory.insert(defaultOrganizationId, { kind: 'user', id, name: id, handle: null, attributes: {}, names: {}, links: {}, ...times });
        await scim.insertUser(defaultOrganizationId, {
          provider: 'okta',
          id,
          userKey: id,
          externalId: null,
          isMade: true,
          resource: { userName: id },
          ...times,
        });
      }
    });
    const group = await ask('POST', '/Groups', { displayName: 'Payments', members: ids.map((value) => ({ value })) });
    expect(group.body).toMatchObject({ members: expect.toSatisfy((members: readonly unknown[]) => members.length === ids.length) });
    expect([await teamsOf(ids[0] ?? ''), await teamsOf(ids.at(-1) ?? '')]).toEqual([['payments'], ['payments']]);
  });
});

describe('what is said', () => {
  test('discovery says what is served, and what is not is refused in the words of the RFC', async () => {
    expect((await ask('GET', '/ServiceProviderConfig')).body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false },
      filter: { supported: true, maxResults: bounds.scimPageMax },
      etag: { supported: true },
      authenticationSchemes: [{ type: 'oauthbearertoken' }],
    });
    expect((await ask('GET', '/ResourceTypes/User')).body).toMatchObject({ endpoint: '/Users', schema: userUrn });
    expect((await ask('GET', `/Schemas/${userUrn}`)).body).toMatchObject({
      id: userUrn,
      attributes: expect.arrayContaining([expect.objectContaining({ name: 'userName', required: true })]),
    });
    expect((await ask('GET', '/Schemas')).body).toMatchObject({ totalResults: 2 });
    expect((await ask('POST', '/Bulk', {})).status).toBe(501);
    expect((await ask('GET', '/Nothing')).body).toMatchObject({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '404' });
    const put = await ask('PUT', '/Users');
    expect([put.body, put.headers.get('allow')]).toMatchObject([{ status: '405' }, 'GET, POST']);
    const html = await control.request('POST', '/scim/v2/Users', { bearer: okta, body: '{}', headers: { 'content-type': 'text/plain' } });
    expect(html.status).toBe(415);
    expect((await ask('POST', '/Users', 'not json')).body).toMatchObject({ status: '400', scimType: 'invalidSyntax' });
    expect((await ask('POST', '/Users', { userName: 'x'.repeat(bounds.scimTextCharsMax + 1) })).body).toMatchObject({
      status: '400',
      scimType: 'invalidValue',
    });
    expect((await ask('POST', '/Users', { userName: 'x', name: 'y'.repeat(bounds.scimBodyBytesMax) })).status).toBe(413);
  });

  test('what a provider was refused is there for administrators, the newest, without whoever it was about after they are erased', async () => {
    const { id } = await newUser();
    await ask('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'nothing', value: 1 }));
    await ask('GET', `/Users/nobody`);
    const errors = async () =>
      (await (await control.request('GET', '/v1/identity/scim/okta/errors?limit=2', { front: 'admin' })).json()) as { errors: unknown[]; cursor: string };
    const page = await errors();
    expect(page.errors[0]).toMatchObject({
      method: 'PATCH',
      resource: 'Users',
      resource_id: id,
      status: 400,
      scim_type: 'invalidPath',
      detail: expect.stringContaining('nothing'),
    });
    const next = await control.request('GET', `/v1/identity/scim/okta/errors?limit=2&cursor=${page.cursor}`, { front: 'admin' });
    expect(((await next.json()) as { errors: unknown[] }).errors.length).toBeGreaterThan(0);
    expect((await control.request('POST', '/v1/privacy/erasures', { front: 'admin', body: { user_id: id } })).status).toBe(202);
    expect(JSON.stringify(await errors())).not.toContain(id);
    expect((await ask('GET', `/Users/${id}`)).status).toBe(404);
    expect((await control.request('GET', '/v1/identity/scim/nothing/errors', { front: 'admin' })).status).toBe(404);
  });
});
