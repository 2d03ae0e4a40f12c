import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControlWithAccess } from '../../../../test/support/access.ts';
import type { TestControl } from '../../../../test/support/control.ts';
import { createEntry } from '../control/directory/create-entry.ts';
import { deleteEntry } from '../control/directory/delete-entry.ts';
import { createKey } from '../control/keys/create-key.ts';
import { erasePerson } from '../control/privacy/erase-person.ts';
import { openUserSession } from '../control/sessions/open-user-session.ts';
import { sessionMaxMs, sessionMs } from '../control/sessions/session.ts';
import { switchOff, switchOn } from '../control/switches/switch-off.ts';
import { bounds } from '../kernel/bounds.ts';
import { defaultOrganizationId, newGrantId } from '../kernel/id.ts';

let control: TestControl;
let end: () => Promise<void>;
beforeAll(async () => {
  ({ control, end } = await startControlWithAccess());
});
afterAll(() => end());

async function user(id: string, roles: readonly string[] = ['viewer']): Promise<void> {
  const links = { role_ids: roles.map((role) => ({ kind: 'role', id: role }) as const) };
  await createEntry(control.context(), { kind: 'user', id, change: { name: id, texts: {}, names: {}, links }, dryRun: false });
}

async function signIn(id: string, userAgent = 'Firefox'): Promise<string> {
  const { actor: _actor, organizationId, ...context } = { ...control.context(), peer: '192.0.2.7' };
  const entry = await context.registry.directory.find(organizationId, { kind: 'user', id });
  if (entry === null) throw new Error(`no user ${id}`);
  return openUserSession(context, { organizationId: defaultOrganizationId, user: entry, provider: 'okta', userAgent });
}

const statusOf = async (token: string, path = '/v1/me'): Promise<number> => (await control.request('GET', path, { bearer: token })).status;

/** What a client was allowed in the name of a user, or by a session of nobody in the directory. */
async function grant(userId: string | null, grantedBy: string): Promise<string> {
  const id = newGrantId();
  const client = { clientId: 'cli', clientName: 'CLI', redirectUri: 'http://127.0.0.1/cb', resource: 'https://gateway.example/mcp', scopes: ['tools.*'] };
  const nowMs = control.clock.nowMs();
  const times = { createdAtMs: nowMs, expiresAtMs: nowMs + 3_600_000, usedAtMs: nowMs, revoked: null, sessionKey: null };
  const made = { organizationId: defaultOrganizationId, id, userId, grantedBy, ...client, ...times };
  await control.dependencies.registry.transaction(({ grants }) => grants.insert(made));
  return id;
}

const isRevoked = async (id: string): Promise<boolean> =>
  ((await control.dependencies.registry.grants.find(defaultOrganizationId, id))?.revoked ?? null) !== null;

interface Listed {
  readonly id: string;
  readonly current: boolean;
}

async function sessions(path: string, bearer?: string): Promise<readonly Listed[]> {
  const answer = await control.request('GET', path, bearer === undefined ? { front: 'admin' } : { bearer });
  return ((await answer.json()) as { sessions: Listed[] }).sessions;
}

describe('sessions of users', () => {
  test('a user may what their roles say now, and is written down under a pseudonym as who acts', async () => {
    await user('ana', ['admin']);
    const token = await signIn('ana');
    const me = (await (await control.request('GET', '/v1/me', { bearer: token })).json()) as { kind: string; id: string; owner: string; permissions: string[] };
    expect(me).toMatchObject({ kind: 'user', id: expect.stringMatching(/^psn_/), owner: 'user:ana' });
    expect(me.permissions).toContain('roles.write');
    expect((await control.request('POST', '/v1/teams', { bearer: token, body: { name: 'Made by Ana' } })).status).toBe(201);
    const { events } = (await (await control.request('GET', '/v1/logs/audit?limit=1', { front: 'admin' })).json()) as { events: unknown[] };
    expect(events[0]).toMatchObject({ action: 'team.created', actor: { kind: 'user', id: me.id }, detail: { actor: { id: 'ana' } } });

    await user('vic');
    const viewer = await signIn('vic');
    expect(await statusOf(viewer, '/v1/users')).toBe(200);
    expect(await statusOf(viewer, '/v1/users/ana/sessions')).toBe(403);
    expect((await control.request('POST', '/v1/teams', { bearer: viewer, body: { name: 'x' } })).status).toBe(403);
  });

  test('somebody sees and ends their own sessions; those of another are not there', async () => {
    await Promise.all([user('bo'), user('cy')]);
    const [one, two] = [await signIn('bo'), await signIn('bo', 'Safari\u001b[31m')];
    const other = await signIn('cy');
    const own = await sessions('/v1/me/sessions', one);
    expect(own).toMatchObject([
      { current: false, user_id: 'bo', provider: 'okta', ip: '192.0.2.7' },
      { current: true, user_id: 'bo', user_agent: 'Firefox' },
    ]);
    const [theirs] = await sessions('/v1/me/sessions', other);
    expect((await control.request('DELETE', `/v1/me/sessions/${theirs?.id}`, { bearer: one })).status).toBe(404);
    expect((await control.request('DELETE', `/v1/me/sessions/${own[0]?.id}`, { bearer: one })).status).toBe(204);
    expect([await statusOf(one), await statusOf(two), await statusOf(other)]).toEqual([200, 401, 200]);
    expect((await control.request('DELETE', '/v1/auth/session', { bearer: one })).status).toBe(204);
    expect([await statusOf(one), (await sessions('/v1/users/bo/sessions')).length]).toEqual([401, 0]);
  });

  test('an administrator session that a user has opened is over when they may not do everything any more', async () => {
    await user('gus', ['admin']);
    const own = await signIn('gus');
    const { url } = (await (await control.request('POST', '/v1/auth/admin-links', { bearer: own, body: {} })).json()) as { url: string };
    const opened = await control.request('GET', new URL(url).pathname);
    const token = /session_[0-9A-Za-z]{43}/.exec(opened.headers.get('set-cookie') ?? '')?.[0] ?? '';
    expect(await statusOf(token)).toBe(200);
    expect((await sessions('/v1/me/sessions', own)).length).toBe(2);
    const { status } = await control.request('PATCH', '/v1/users/gus', { front: 'admin', body: { role_ids: ['viewer'] }, headers: { 'if-match': '"1"' } });
    expect([status, await statusOf(token), await statusOf(own)]).toEqual([200, 401, 200]);
  });

  test('an administrator ends one, or every session of a user', async () => {
    await user('dora');
    const tokens = [await signIn('dora'), await signIn('dora'), await signIn('dora')];
    const [newest] = await sessions('/v1/users/dora/sessions');
    expect((await control.request('DELETE', `/v1/users/dora/sessions/${newest?.id}`, { front: 'admin' })).status).toBe(204);
    expect(await Promise.all(tokens.map((token) => statusOf(token)))).toEqual([200, 200, 401]);
    const allowed = await grant('dora', 'psn_dora');
    const all = (await (await control.request('DELETE', '/v1/users/dora/sessions', { front: 'admin' })).json()) as {
      ended: string[];
      revoked_grants: string[];
    };
    expect([all.ended.length, all.revoked_grants]).toEqual([2, [allowed]]);
    expect(await isRevoked(allowed)).toBe(true);
    expect(await Promise.all(tokens.map((token) => statusOf(token)))).toEqual([401, 401, 401]);
    expect((await control.request('DELETE', '/v1/users/nobody/sessions', { front: 'admin' })).status).toBe(404);
    const { events } = (await (await control.request('GET', '/v1/logs/audit?limit=4', { front: 'admin' })).json()) as { events: { action: string }[] };
    expect(events.map(({ action }) => action)).toEqual(['grant.revoked', 'session.ended', 'session.ended', 'session.ended']);
  });

  test('what a session of nobody in the directory has allowed a client ends with it, also by signing out; what a user has allowed is theirs', async () => {
    const opened = async () => {
      const { url } = (await (await control.request('POST', '/v1/auth/admin-links', { front: 'admin', body: {} })).json()) as { url: string };
      const answer = await control.request('GET', new URL(url).pathname);
      const token = /session_[0-9A-Za-z]{43}/.exec(answer.headers.get('set-cookie') ?? '')?.[0] ?? '';
      const { id } = (await (await control.request('GET', '/v1/me', { bearer: token })).json()) as { id: string };
      return { id, token };
    };
    const [one, other] = [await opened(), await opened()];
    const grants = [await grant(null, one.id), await grant(null, other.id)] as const;
    expect((await control.request('DELETE', '/v1/auth/session', { bearer: one.token })).status).toBe(204);
    expect(await Promise.all(grants.map(isRevoked))).toEqual([true, false]);
    expect((await control.request('DELETE', `/v1/me/sessions/${other.id}`, { front: 'admin' })).status).toBe(204);
    expect(await Promise.all(grants.map(isRevoked))).toEqual([true, true]);

    await user('gil');
    const own = await signIn('gil');
    const theirs = await grant('gil', 'psn_gil');
    expect((await control.request('DELETE', '/v1/auth/session', { bearer: own })).status).toBe(204);
    expect(await isRevoked(theirs)).toBe(false);
    await deleteEntry(control.context(), { reference: { kind: 'user', id: 'gil' }, expected: 1, revokeKeys: false, dryRun: false });
    expect(await isRevoked(theirs)).toBe(true);
  });

  test('who made something is named as they are called now, whether by a session or a key; of whoever is erased no name is left', async () => {
    await user('bea', ['admin']);
    const byHand = await signIn('bea');
    const made = await control.request('POST', '/v1/teams', { bearer: byHand, body: { name: 'Named', id: 'named' } });
    expect(await made.json()).toMatchObject({ team: { created_by: expect.stringMatching(/^psn_/), created_by_name: 'bea', changed_by_name: 'bea' } });
    const key = await createKey(control.context(), {
      name: 'deploy',
      environment: null,
      scopes: { servers: null, actions: ['*'] },
      metadata: {},
      expiresAtMs: null,
    });
    await control.request('PATCH', '/v1/teams/named', { bearer: key.secret, body: { name: 'Renamed' }, headers: { 'if-match': '"1"' } });
    const team = async (): Promise<unknown> => (await control.request('GET', '/v1/teams/named', { front: 'admin' })).json();
    expect(await team()).toMatchObject({ team: { created_by_name: 'bea', changed_by: key.key.id, changed_by_name: 'deploy' } });
    const actors = async (): Promise<unknown> => {
      const answer = await control.request('GET', '/v1/logs/audit?object=named', { front: 'admin' });
      return ((await answer.json()) as { events: { actor: unknown }[] }).events.map(({ actor }) => actor);
    };
    expect(await actors()).toEqual([
      { kind: 'key', id: key.key.id, name: 'deploy' },
      { kind: 'user', id: expect.stringMatching(/^psn_/), name: 'bea' },
    ]);
    await erasePerson(control.context(), 'bea');
    expect(await team()).toMatchObject({ team: { created_by: expect.stringMatching(/^psn_/), created_by_name: null, changed_by_name: 'deploy' } });
    expect(await actors()).toMatchObject([{ name: 'deploy' }, { kind: 'user', name: null }]);
  });

  test('A31 who is switched off, deleted or erased is out at once, and does not come back with the switch', async () => {
    await Promise.all([user('off'), user('gone'), user('erased')]);
    const off = await signIn('off');
    await switchOff(control.context(), { kind: 'user', name: 'off', reason: 'left', untilMs: null });
    expect(await statusOf(off)).toBe(401);
    await switchOn(control.context(), 'user', 'off');
    expect(await statusOf(off)).toBe(401);
    const gone = await signIn('gone');
    await deleteEntry(control.context(), { reference: { kind: 'user', id: 'gone' }, expected: 1, revokeKeys: false, dryRun: false });
    expect(await statusOf(gone)).toBe(401);
    await user('gone');
    expect(await statusOf(gone)).toBe(401);
    const erased = await signIn('erased');
    await erasePerson(control.context(), 'erased');
    expect(await statusOf(erased)).toBe(401);
  });

  test('a live stream ends within two seconds of the session that it was begun by, on whichever node that was ended', async () => {
    await user('eve');
    const token = await signIn('eve');
    const answer = await control.request('GET', '/v1/stream', { bearer: token, headers: { accept: 'application/x-ndjson' } });
    const text = answer.text();
    // Not by the verb of this node: shared state is all that nodes have in common.
    const { state } = control.dependencies;
    const elsewhere = { ...control.dependencies.live, end: () => undefined };
    const context = { ...control.context(), state, live: elsewhere };
    await (await import('../control/sessions/end-session.ts')).endUserSessions(context, 'eve');
    const lines = (await text).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ type: 'end', data: { reason: 'unauthorized' } });
  });

  test('of too many the oldest ends; one that is not used for eight hours, or is a day old, is over', async () => {
    await user('fay');
    const tokens: string[] = [];
    for (let count = 0; count <= bounds.sessionsPerHolderMax; count++) tokens.push(await signIn('fay'));
    expect([await statusOf(tokens[0] ?? ''), await statusOf(tokens[1] ?? '')]).toEqual([401, 200]);
    expect((await sessions('/v1/users/fay/sessions')).length).toBe(bounds.sessionsPerHolderMax);
    control.clock.advance(sessionMs - 1000);
    const [used = '', unused = ''] = tokens.slice(-2);
    expect(await statusOf(used)).toBe(200);
    control.clock.advance(2000);
    expect([await statusOf(used), await statusOf(unused)]).toEqual([200, 401]);
    for (let hours = 8; hours < 23; hours += 5) {
      control.clock.advance(5 * 3_600_000);
      await statusOf(used);
    }
    control.clock.advance(sessionMaxMs - 23 * 3_600_000 + 1000);
    expect(await statusOf(used)).toBe(401);
  });
});
