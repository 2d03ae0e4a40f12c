import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControlWithAccess } from '../../../../test/support/access.ts';
import type { TestControl } from '../../../../test/support/control.ts';
import { createKey, type KeyWithSecret } from '../control/keys/create-key.ts';
import { erasePerson } from '../control/privacy/erase-person.ts';

let control: TestControl;
let forgotten: () => string[];
let end: () => Promise<void>;
beforeAll(async () => {
  ({ control, forgotten, end } = await startControlWithAccess());
});
afterAll(() => end());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly etag: string;
}

async function send(method: string, path: string, body?: unknown, match?: string, bearer?: string): Promise<Answer> {
  const answer = await control.request(method, path, {
    ...(bearer === undefined ? { front: 'admin' as const } : { bearer }),
    ...(body === undefined ? {} : { body }),
    headers: match === undefined ? {} : { 'if-match': match },
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>), etag: answer.headers.get('etag') ?? '' };
}

const keyFor = (metadata: Record<string, string>): Promise<KeyWithSecret> =>
  createKey(control.context(), { name: 'k', environment: null, scopes: { servers: null, actions: ['keys.read'] }, metadata, expiresAtMs: null });

async function events(): Promise<{ action: string; object: { id: string }; detail: Record<string, unknown> }[]> {
  return (await send('GET', '/v1/logs/audit?limit=20')).body['events'] as never;
}

describe('the directory', () => {
  test('a noun is made, read, changed and taken away by who has seen what there is', async () => {
    expect((await send('POST', '/v1/departments?dry_run=true', { name: 'Engineering', id: 'eng' })).body).toMatchObject({ outcome: 'planned' });
    expect((await send('GET', '/v1/departments/eng')).status).toBe(404);
    const made = await send('POST', '/v1/departments', { name: 'Engineering', id: 'eng', description: 'Builds things.' });
    expect([made.status, made.etag, made.body]).toMatchObject([
      201,
      '"1"',
      {
        outcome: 'created',
        department: { id: 'eng', name: 'Engineering', description: 'Builds things.', status: 'active', version: 1, created_by: 'operator' },
      },
    ]);
    expect((await send('POST', '/v1/departments', { name: 'Other', id: 'eng' })).body).toMatchObject({ error: 'already_exists', id: 'eng' });
    expect((await send('POST', '/v1/departments', { name: 'ENGINEERING' })).body).toMatchObject({ error: 'already_exists', id: 'eng' });

    expect((await send('PATCH', '/v1/departments/eng', { name: 'Eng' })).status).toBe(428);
    expect((await send('PATCH', '/v1/departments/eng', { description: null }, '"1"')).body).toMatchObject({
      outcome: 'changed',
      department: { name: 'Engineering', description: null, version: 2 },
    });
    expect((await send('PATCH', '/v1/departments/eng', { name: 'Eng' }, '"1"')).body).toMatchObject({ error: 'precondition_failed', version: 2 });
    expect((await send('PATCH', '/v1/departments/eng', { name: 'Engineering' }, '"2"')).body).toMatchObject({ outcome: 'unchanged' });

    const team = await send('POST', '/v1/teams', { name: 'Payments', department_id: 'eng' });
    const { id } = team.body['team'] as { id: string };
    expect(id).toMatch(/^team_[0-9A-Za-z]{20}$/);
    expect((await send('DELETE', '/v1/departments/eng', undefined, '"2"')).body).toMatchObject({
      error: 'still_in_use',
      message: expect.stringContaining(`team ${id}`),
      fix: expect.any(String),
      used_by_count: 1,
    });
    expect((await send('PATCH', `/v1/teams/${id}`, { department_id: null }, '"1"')).status).toBe(200);
    expect((await send('DELETE', '/v1/departments/eng?dry_run=true', undefined, '"2"')).body).toMatchObject({ outcome: 'planned' });
    expect((await send('DELETE', '/v1/departments/eng', undefined, '"2"')).body).toMatchObject({ outcome: 'deleted', revoked_keys: [] });
    expect((await events()).slice(0, 5).map(({ action }) => action)).toEqual([
      'department.deleted',
      'team.changed',
      'team.created',
      'department.changed',
      'department.created',
    ]);
  });

  test.each([
    ['/v1/teams', { name: '' }, 'name'],
    ['/v1/teams', { name: 'x', department_id: 'nowhere' }, 'department_id names the department nowhere'],
    ['/v1/teams', { name: 'x', id: 'a:b' }, 'id'],
    ['/v1/teams', { name: 'x', colour: 'red' }, 'colour'],
    ['/v1/users', { name: 'x', email: 'nobody' }, 'email must be an address'],
    ['/v1/agents', { name: 'x', owner: 'ana' }, 'owner must be one of user:ID'],
    ['/v1/agents', { name: 'x', owner: 'user:ana' }, 'owner names the user ana'],
  ])('%s %j is refused with the place', async (path, body, said) => {
    const answer = await send('POST', path, body);
    expect([answer.status, String(answer.body['message'])]).toEqual([400, expect.stringContaining(said)]);
  });

  test('a list is walked page by page, sorted and filtered', async () => {
    const { team } = (await send('POST', '/v1/teams', { name: 'Listed', id: 'listed' })).body as { team: { id: string } };
    for (const name of ['c', 'a', 'b']) await send('POST', '/v1/projects', { name: `List ${name}`, ...(name === 'b' ? {} : { team_id: team.id }) });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await send('GET', `/v1/projects?q=LIST&sort=-name&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...(body['projects'] as { name: string }[]).map(({ name }) => name));
      cursor = body['cursor'] as string | null;
    }
    expect(seen).toEqual(['List c', 'List b', 'List a']);
    const { body } = await send('GET', '/v1/projects?team_id=listed&sort=created_at');
    // What is made in the same millisecond comes in the order of its ids.
    const made = body['projects'] as { name: string; created_at: string; id: string }[];
    expect(made.map(({ name }) => name).sort()).toEqual(['List a', 'List c']);
    expect(made).toEqual(made.toSorted((a, b) => (a.created_at === b.created_at ? (a.id < b.id ? -1 : 1) : a.created_at < b.created_at ? -1 : 1)));
    expect((await send('GET', '/v1/projects?cursor=bm90IG91cnM')).status).toBe(400);
    expect((await send('GET', '/v1/projects?colour=red')).status).toBe(400);
  });

  test('what a user is called stands in the audit under a pseudonym, and is gone with the person', async () => {
    await send('POST', '/v1/users', { name: 'Ana Ardent', id: 'ana', email: 'Ana@Example.com' });
    await send('POST', '/v1/agents', { name: 'Ana bot', id: 'ana-bot', owner: 'user:ana', purpose: 'Reviews.' });
    expect((await send('POST', '/v1/users', { name: 'Other', email: 'ana@example.COM' })).body).toMatchObject({ error: 'already_exists', id: 'ana' });
    const event = (await events()).find(({ action }) => action === 'user.created');
    expect(event).toMatchObject({ object: { id: expect.stringMatching(/^psn_/) }, detail: { user: { id: 'ana', name: 'Ana Ardent' } } });
    // Whoever asks for the person's own id finds what stands under the pseudonym, as long as they are one.
    const ofAna = async (): Promise<unknown[]> => (await send('GET', '/v1/logs/audit?object=ana')).body['events'] as unknown[];
    expect(await ofAna()).toMatchObject([{ action: 'user.created' }]);
    await erasePerson(control.context(), 'ana');
    expect((await send('GET', '/v1/users/ana')).status).toBe(404);
    expect((await send('GET', '/v1/agents/ana-bot')).body).toMatchObject({ agent: { owner: null, first_seen: null } });
    expect(JSON.stringify(await events())).not.toContain('Ardent');
    expect(await ofAna()).toEqual([]);
  });
});

describe('keys and what they belong to', () => {
  test('a key names it by id or name, or is of something that the directory does not know', async () => {
    await send('POST', '/v1/teams', { name: 'Search Team', id: 'search-team' });
    await send('POST', '/v1/users', { name: 'Ben', id: 'ben', email: 'ben@example.com' });
    expect((await keyFor({ team_id: 'search team', user_id: 'BEN@example.com', project: 'free text' })).key.metadata).toEqual({
      team_id: 'search-team',
      user_id: 'ben',
      project: 'free text',
    });
    await expect(keyFor({ team_id: `team_${'x'.repeat(20)}` })).rejects.toMatchObject({
      code: 'invalid_params',
      message: expect.stringContaining('there is not'),
    });
    await expect(keyFor({ user_id: 'ben', service_account_id: 'x' })).rejects.toMatchObject({ code: 'invalid_params' });
    const { body } = await send('GET', '/v1/auth/keys?user_id=ben&team_id=search-team');
    expect(body['keys']).toHaveLength(1);
  });

  test('rules for a department reach the keys of its teams and of their members, at once when they change', async () => {
    await send('POST', '/v1/departments', { name: 'Finance', id: 'finance' });
    await send('POST', '/v1/teams', { name: 'Ledger', id: 'ledger' });
    await send('POST', '/v1/users', { name: 'Cleo', id: 'cleo', role_ids: ['auditor'] });
    const { key, secret } = await keyFor({ user_id: 'cleo' });
    await send('PUT', '/v1/policies/no-finance', { effect: 'deny', to: ['department:finance'], servers: ['search'] }, '"0"');
    const decision = async (): Promise<unknown> =>
      ((await send('POST', '/v1/access/explain', { as: key.id, server: 'search', name: 'query' })).body['explanation'] as Record<string, unknown>)['decision'];
    expect(await decision()).toBe('deny');
    expect((await send('DELETE', '/v1/policies/no-finance', undefined, '"1"')).status).toBe(204);
    forgotten();
    await send('PATCH', '/v1/users/cleo', { team_ids: ['ledger'] }, '"1"');
    expect(forgotten()).toEqual([key.id]);
    await send('PATCH', '/v1/teams/ledger', { department_id: 'finance' }, '"1"');
    expect(forgotten()).toEqual([key.id]);
    await send('PATCH', '/v1/teams/ledger', { description: 'Books.' }, '"2"');
    expect(forgotten()).toEqual([]);

    expect((await send('GET', '/v1/auth/keys', undefined, undefined, secret)).status).toBe(200);
    await send('PUT', '/v1/switches/department/finance', { reason: 'INC-1' });
    expect((await send('GET', '/v1/departments/finance')).body).toMatchObject({ department: { status: 'disabled' } });
    expect(await decision()).toBe('deny');
    expect((await send('GET', '/v1/auth/keys', undefined, undefined, secret)).status).toBe(401);
    await send('DELETE', '/v1/switches/department/finance');
    expect((await send('GET', '/v1/auth/keys', undefined, undefined, secret)).status).toBe(200);
  });

  test('what has keys is deleted with them or not at all', async () => {
    await send('POST', '/v1/service-accounts', { name: 'Deployer', id: 'deployer' });
    const { key, secret } = await keyFor({ service_account_id: 'deployer' });
    expect((await send('DELETE', '/v1/service-accounts/deployer', undefined, '"1"')).body).toMatchObject({
      error: 'still_in_use',
      message: expect.stringContaining(`1 key (${key.id})`),
    });
    expect((await send('DELETE', '/v1/service-accounts/deployer?revoke_keys=true', undefined, '"1"')).body).toMatchObject({ revoked_keys: [key.id] });
    expect(forgotten()).toContain(key.id);
    expect((await send('GET', '/v1/auth/keys', undefined, undefined, secret)).status).toBe(401);
    expect((await events()).slice(0, 2).map(({ action }) => action)).toEqual(['service_account.deleted', 'key.revoked']);
  });
});

describe('roles', () => {
  const me = async (secret: string): Promise<unknown> => (await send('GET', '/v1/me', undefined, undefined, secret)).body['permissions'];

  test('four are built in, to be seen and not to be changed; others are made of what is known', async () => {
    const { body } = await send('GET', '/v1/roles');
    expect((body['roles'] as { id: string; built_in: boolean }[]).map(({ id, built_in: builtIn }) => [id, builtIn])).toEqual([
      ['admin', true],
      ['auditor', true],
      ['developer', true],
      ['viewer', true],
    ]);
    expect((await send('GET', '/v1/roles/admin')).body).toMatchObject({ role: { permissions: ['*'] } });
    expect((await send('PATCH', '/v1/roles/viewer', { permissions: ['*'] }, '"1"')).status).toBe(400);
    expect((await send('DELETE', '/v1/roles/viewer', undefined, '"1"')).status).toBe(400);
    expect((await send('POST', '/v1/roles', { name: 'Odd', permissions: ['fly.high'] })).body).toMatchObject({ message: expect.stringContaining('fly.high') });
    expect((await send('POST', '/v1/roles', { name: 'Key keeper', id: 'keeper', permissions: ['keys.*', 'people.*', 'tools.call'] })).status).toBe(201);
    const catalogue = (await send('GET', '/v1/permissions')).body['permissions'] as { name: string }[];
    expect(catalogue.map(({ name }) => name)).toEqual(expect.arrayContaining(['tools.call', 'keys.write', 'roles.write']));
    const found = await send('GET', '/v1/permissions?kind=control&q=ROLES&sort=-name&limit=1');
    expect(found.body).toMatchObject({ permissions: [{ kind: 'control' }], has_more: true });
    expect(
      (await send('GET', `/v1/permissions?kind=control&q=roles&sort=-name&cursor=${String(found.body['cursor'])}`)).body['permissions'],
    ).not.toContainEqual((found.body['permissions'] as unknown[])[0]);
  });

  test('a key does no more than the roles of its owner, from the request after a change; a role of the key itself says what it holds', async () => {
    await send('POST', '/v1/users', { name: 'Dora', id: 'dora', role_ids: ['keeper'] });
    const owned = await createKey(control.context(), {
      name: 'k',
      environment: null,
      scopes: { servers: null, actions: ['*'] },
      metadata: { user_id: 'dora' },
      expiresAtMs: null,
    });
    expect(await me(owned.secret)).toEqual(['keys.read', 'keys.write', 'people.read', 'people.write']);
    expect((await send('GET', '/v1/me', undefined, undefined, owned.secret)).body).toMatchObject({ owner: 'user:dora', organization_id: 'org_default' });
    forgotten();
    const { etag } = await send('GET', '/v1/roles/keeper');
    expect((await send('PATCH', '/v1/roles/keeper', { permissions: ['keys.read', 'people.*'] }, etag)).status).toBe(200);
    expect(forgotten()).toEqual([owned.key.id]);
    expect(await me(owned.secret)).toEqual(['keys.read', 'people.read', 'people.write']);
    const { capabilities } = (await send('GET', '/v1/me/capabilities', undefined, undefined, owned.secret)).body as {
      capabilities: { permission: string; allowed: boolean; reason: string; granted_by: string[] }[];
    };
    const of = (wanted: string) => capabilities.find(({ permission }) => permission === wanted);
    expect(of('keys.read')).toMatchObject({ allowed: true, granted_by: ['operator', 'user:dora'], granters: [{ reference: 'user:dora', name: 'Dora' }] });
    expect(of('keys.write')).toMatchObject({ allowed: false, reason: 'no role of the user dora allows it', granted_by: ['operator'] });

    const viewing = await createKey(control.context(), {
      name: 'k',
      environment: null,
      scopes: { servers: null, actions: ['role:keeper', 'traces.read'] },
      metadata: {},
      expiresAtMs: null,
    });
    expect(await me(viewing.secret)).toEqual(['keys.read', 'traces.read', 'people.read', 'people.write']);
    expect((await send('DELETE', '/v1/roles/keeper', undefined, '"2"')).body).toMatchObject({
      error: 'still_in_use',
      message: expect.stringContaining('user dora'),
    });
    await send('PATCH', '/v1/users/dora', { role_ids: [] }, '"1"');
    expect(await me(owned.secret)).toEqual([]);
    expect((await send('DELETE', '/v1/roles/keeper', undefined, '"2"')).body).toMatchObject({
      error: 'still_in_use',
      message: expect.stringContaining(viewing.key.id),
    });
  });

  test('nobody gives, or gets by changing another, more than they hold', async () => {
    const { secret } = await keyForActions(['people.*', 'roles.*', 'keys.write', 'traces.read']);
    const as = (method: string, path: string, body: unknown, match?: string): Promise<Answer> => send(method, path, body, match, secret);
    expect((await as('POST', '/v1/users', { name: 'Evil', role_ids: ['admin'] })).status).toBe(403);
    expect((await as('POST', '/v1/users', { name: 'Evil' })).status).toBe(403);
    expect((await as('POST', '/v1/roles', { name: 'Evil', permissions: ['*'] })).status).toBe(403);
    expect((await as('POST', '/v1/auth/keys', { name: 'k', scopes: { actions: ['role:auditor'] } })).status).toBe(403);
    expect((await as('POST', '/v1/roles', { name: 'Traces', id: 'traces', permissions: ['traces.read'] })).status).toBe(201);
    expect((await as('POST', '/v1/users', { name: 'Good', id: 'good', role_ids: ['traces'] })).status).toBe(201);
    await send('POST', '/v1/users', { name: 'Root', id: 'root', email: 'root@example.com', role_ids: ['admin'] });
    expect((await as('PATCH', '/v1/users/root', { email: 'evil@example.com' }, '"1"')).status).toBe(403);
    expect((await as('PATCH', '/v1/users/good', { role_ids: ['admin'] }, '"1"')).status).toBe(403);
  });
});

describe('invitations', () => {
  const accept = (token: string): Promise<Response> => control.request('POST', '/v1/invitations/accept', { body: { token } });

  test('whoever shows the token first becomes the user, once; nothing but its hash is kept', async () => {
    await send('POST', '/v1/teams', { name: 'Inviting', id: 'inviting' });
    const invited = await send('POST', '/v1/users/invite', { email: 'Eva@example.com', name: 'Eva', team_ids: ['inviting'], role_ids: ['viewer'] });
    const { invitation, token } = invited.body as { invitation: { id: string; user_id: string }; token: string };
    expect(invited).toMatchObject({
      status: 201,
      body: { token: expect.stringMatching(/^invite_[0-9A-Za-z]{43}$/), invitation: { email: 'Eva@example.com' } },
    });
    expect(JSON.stringify((await send('GET', `/v1/invitations/${invitation.id}`)).body)).not.toContain(token);
    expect((await send('GET', `/v1/users/${invitation.user_id}`)).status).toBe(404);
    const answers = await Promise.all([accept(token), accept(token), accept(token)]);
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 404, 404]);
    expect((await send('GET', `/v1/users/${invitation.user_id}`)).body).toMatchObject({
      user: { name: 'Eva', email: 'Eva@example.com', team_ids: ['inviting'], role_ids: ['viewer'], created_by: invitation.id },
    });
    expect((await send('GET', `/v1/invitations/${invitation.id}`)).status).toBe(404);
    expect((await send('POST', '/v1/users/invite', { email: 'eva@example.com' })).body).toMatchObject({ error: 'already_exists' });
    expect((await events()).find(({ action }) => action === 'user.created')).toMatchObject({ actor: { kind: 'invitation', id: invitation.id } });
  });

  test('a token is good for nothing once its invitation is taken back, over, or made anew', async () => {
    const invite = async (more: object = {}): Promise<{ invitation: { id: string }; token: string }> =>
      (await send('POST', '/v1/users/invite', { email: 'flo@example.com', ...more })).body as never;
    const first = await invite();
    const second = await invite();
    expect((await accept(first.token)).status).toBe(404);
    expect((await send('GET', '/v1/invitations')).body['invitations']).toMatchObject([{ id: second.invitation.id, role_ids: ['developer'] }]);
    expect((await send('GET', '/v1/invitations?q=FLO&role_id=developer&state=open&sort=email')).body['invitations']).toMatchObject([
      { id: second.invitation.id },
    ]);
    expect((await send('GET', '/v1/invitations?state=over')).body).toMatchObject({ invitations: [], has_more: false });
    expect((await send('GET', '/v1/invitations?cursor=bm9uZQ')).body).toMatchObject({ error: 'invalid_params' });
    expect((await send('DELETE', `/v1/invitations/${second.invitation.id}`)).status).toBe(204);
    expect((await accept(second.token)).status).toBe(404);
    const third = await invite({ expires_at: new Date(control.clock.nowMs() + 60_000).toISOString() });
    control.clock.advance(60_000);
    expect(await (await accept(third.token)).json()).toMatchObject({ error: 'invitation_over' });
    expect((await send('POST', '/v1/users/invite', { email: 'x@example.com', team_ids: ['nowhere'] })).status).toBe(400);
    const { secret } = await keyForActions(['people.*']);
    expect((await send('POST', '/v1/users/invite', { email: 'x@example.com', role_ids: ['admin'] }, undefined, secret)).status).toBe(403);
    expect((await events())[0]?.action).not.toBe('invitation.created');
    expect((await events()).map(({ action }) => action)).toContain('invitation.revoked');
  });
});

const keyForActions = (actions: readonly string[]): Promise<KeyWithSecret> =>
  createKey(control.context(), { name: 'k', environment: null, scopes: { servers: null, actions }, metadata: {}, expiresAtMs: null });
