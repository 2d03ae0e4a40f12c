import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { createKey } from '../control/keys/create-key.ts';
import { erasePerson } from '../control/privacy/erase-person.ts';
import { bounds } from '../kernel/bounds.ts';
import { newEntryId } from '../kernel/id.ts';

let control: TestControl;
/** Secrets of keys: of two people, one of them in a team, and of an administrator. */
let ana: string;
let ben: string;
let admin: string;
let anaId: string;
let team: string;

beforeAll(async () => {
  control = await startControl();
}, 120_000);
afterAll(() => control.end());

interface View {
  readonly id: string;
  readonly name: string;
  readonly shared_with: string | null;
  readonly owner: string | null;
  readonly mine: boolean;
  readonly changeable: boolean;
  readonly version: number;
  readonly error: string;
}

async function send(method: string, path: string, bearer: string, body?: unknown, version?: number) {
  const headers: Record<string, string> = version === undefined ? {} : { 'if-match': `"${version}"` };
  const response = await control.request(method, path, { bearer, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  const answer = (text === '' ? {} : JSON.parse(text)) as { view: View; views: View[]; error: string };
  return { status: response.status, etag: response.headers.get('etag'), ...answer };
}

async function keyOf(userId: string, actions: readonly string[]): Promise<string> {
  const made = await createKey(control.context(), {
    name: 'k',
    environment: null,
    scopes: { servers: null, actions },
    metadata: { user_id: userId },
    expiresAtMs: null,
  });
  return made.secret;
}

const member = ['traces.read', 'views.share'];

beforeEach(async () => {
  const front = 'admin' as const;
  [anaId, team] = [newEntryId('usr'), newEntryId('team')];
  const benId = newEntryId('usr');
  await control.request('POST', '/v1/teams', { front, body: { id: team, name: team } });
  await control.request('POST', '/v1/users', { front, body: { id: anaId, name: 'Ana', team_ids: [team], role_ids: ['developer'] } });
  await control.request('POST', '/v1/users', { front, body: { id: benId, name: 'Ben', role_ids: ['developer'] } });
  ana = await keyOf(anaId, member);
  ben = await keyOf(benId, member);
  admin = await keyOf(newEntryId('someone'), ['*']);
});

const state = { q: 'team:payments -status:ok', range: '24h', cols: 'time,rail,status' };
const save = (bearer: string, more: object = {}) => send('POST', '/v1/views', bearer, { page: 'traces', name: 'Failing', state, ...more });
const idsSeenBy = async (bearer: string, more = ''): Promise<string[]> => (await send('GET', `/v1/views?page=traces${more}`, bearer)).views.map(({ id }) => id);

test('a view is seen by whose it is alone; shared with a team by those in it, with everyone by all', async () => {
  const made = await save(ana);
  expect(made).toMatchObject({ status: 201, etag: '"1"', view: { name: 'Failing', state, shared_with: null, owner: `user:${anaId}`, mine: true } });
  const { id } = made.view;
  const ofAnother = await keyOf(anaId, member);
  expect(await idsSeenBy(ofAnother)).toContain(id);
  for (const other of [ben, admin]) {
    expect(await idsSeenBy(other)).not.toContain(id);
    expect((await send('GET', `/v1/views/${id}`, other)).error).toBe('unknown_object');
    expect((await send('PATCH', `/v1/views/${id}`, other, { name: 'x' }, 1)).error).toBe('unknown_object');
    expect((await send('DELETE', `/v1/views/${id}`, other, undefined, 1)).error).toBe('unknown_object');
  }
  expect(await send('PATCH', `/v1/views/${id}`, ana, { shared_with: `team:${team}` }, 1)).toMatchObject({ status: 200, etag: '"2"' });
  expect(await idsSeenBy(ben)).not.toContain(id);
  const mate = newEntryId('usr');
  await control.request('POST', '/v1/users', { front: 'admin', body: { id: mate, name: 'Mate', team_ids: [team] } });
  expect(await send('GET', `/v1/views/${id}`, await keyOf(mate, ['traces.read']))).toMatchObject({ status: 200, view: { mine: false, changeable: false } });
  expect(await idsSeenBy(admin)).not.toContain(id);
  expect(await idsSeenBy(admin, '&all=true')).toContain(id);
  expect(await idsSeenBy(ben, '&all=true')).not.toContain(id);
  await send('PATCH', `/v1/views/${id}`, ana, { shared_with: 'everyone' }, 2);
  expect(await idsSeenBy(ben)).toContain(id);
});

test('a shared one is changed by whose it is or an administrator, of the version that was seen; to share takes a permission', async () => {
  const { id } = (await save(ana, { shared_with: 'everyone' })).view;
  expect((await send('PATCH', `/v1/views/${id}`, ben, { name: 'Mine' }, 1)).error).toBe('forbidden');
  expect((await send('DELETE', `/v1/views/${id}`, ben, undefined, 1)).error).toBe('forbidden');
  expect(await send('PATCH', `/v1/views/${id}`, admin, { name: 'Of all' }, 1)).toMatchObject({ status: 200, view: { name: 'Of all', owner: `user:${anaId}` } });
  expect((await send('PATCH', `/v1/views/${id}`, ana, { name: 'Older' }, 1)).error).toBe('precondition_failed');
  expect((await send('PATCH', `/v1/views/${id}`, ana, { name: 'Older' })).error).toBe('precondition_required');
  expect(await send('PATCH', `/v1/views/${id}`, ana, { name: 'Of all' }, 2)).toMatchObject({ outcome: 'unchanged', etag: '"2"' });
  const reader = await keyOf(newEntryId('someone'), ['traces.read']);
  expect((await save(reader, { shared_with: 'everyone' })).error).toBe('forbidden');
  const own = await save(reader);
  expect((await send('PATCH', `/v1/views/${own.view.id}`, reader, { shared_with: 'everyone' }, 1)).error).toBe('forbidden');
  expect((await save(ana, { shared_with: 'team:none' })).error).toBe('invalid_params');
  expect((await send('DELETE', `/v1/views/${id}`, admin, undefined, 2)).status).toBe(204);
  const events = (await (await control.request('GET', `/v1/logs/audit?object=${id}`, { front: 'admin' })).json()) as {
    events: { action: string; detail: object }[];
  };
  expect(events.events.map(({ action }) => action)).toEqual(['view.deleted', 'view.changed', 'view.created']);
  expect(JSON.stringify(events)).not.toContain('team:payments');
});

test('who may not see the list sees no view of it, and saves none', async () => {
  const { id } = (await save(ana, { shared_with: 'everyone' })).view;
  const outsider = await keyOf(newEntryId('someone'), ['keys.read']);
  expect(await idsSeenBy(outsider)).toEqual([]);
  expect((await send('GET', `/v1/views/${id}`, outsider)).error).toBe('unknown_object');
  expect((await save(outsider)).error).toBe('forbidden');
});

test('there is an end to how many, how long and what', async () => {
  for (const bad of [
    { name: '' },
    { name: 'a\nb' },
    { name: 'x'.repeat(bounds.savedViewNameCharsMax + 1) },
    { page: 'nowhere' },
    { state: { q: 'x'.repeat(bounds.savedViewParameterCharsMax + 1) } },
    { state: { 'no name': 'x' } },
    { state: Object.fromEntries(Array.from({ length: bounds.savedViewParametersMax + 1 }, (_, index) => [`p${'a'.repeat(index)}`, 'x'])) },
    { shared_with: 'user:ana' },
  ])
    expect([bad, (await save(ana, bad)).status]).toEqual([bad, 400]);
  await Promise.all(Array.from({ length: bounds.savedViewsPerOwnerMax }, () => save(ben)));
  expect((await save(ben)).error).toBe('invalid_params');
  expect((await send('GET', '/v1/views', ben)).views.filter(({ mine }) => mine)).toHaveLength(bounds.savedViewsPerOwnerMax);
});

test('of whoever is erased what was private is gone, and what others use stays, as nobody’s', async () => {
  const own = (await save(ana)).view.id;
  const shared = (await save(ana, { shared_with: 'everyone' })).view.id;
  await erasePerson(control.context(), anaId);
  const all = (await send('GET', '/v1/views?all=true', admin)).views;
  expect(all.map(({ id }) => id)).not.toContain(own);
  expect(all.find(({ id }) => id === shared)).toMatchObject({ owner: null });
  expect(JSON.stringify(await control.dependencies.registry.savedViews.find(control.context().organizationId, own))).toBe('null');
  expect((await send('PATCH', `/v1/views/${shared}`, ben, { name: 'x' }, 1)).error).toBe('forbidden');
  expect((await send('PATCH', `/v1/views/${shared}`, admin, { shared_with: null }, 1)).error).toBe('invalid_params');
});

test('whoever and whatever comes later under the same id has none of it: neither the views of a user nor those of a team', async () => {
  const own = (await save(ana)).view.id;
  const shared = (await save(ana, { shared_with: `team:${team}` })).view.id;
  const etag = async (path: string): Promise<number> => Number((await control.request('GET', path, { front: 'admin' })).headers.get('etag')?.slice(1, -1));
  const remove = async (path: string): Promise<number> =>
    (await control.request('DELETE', `${path}?revoke_keys=true`, { front: 'admin', headers: { 'if-match': `"${await etag(path)}"` } })).status;
  expect(await remove(`/v1/users/${anaId}`)).toBe(200);
  await control.request('POST', '/v1/users', { front: 'admin', body: { id: anaId, name: 'Another Ana', role_ids: ['developer'] } });
  const later = await keyOf(anaId, member);
  expect(await idsSeenBy(later)).not.toContain(own);
  expect((await send('GET', `/v1/views/${shared}`, admin)).view).toMatchObject({ owner: null });
  expect(await remove(`/v1/teams/${team}`)).toBe(200);
  expect((await send('GET', `/v1/views/${shared}`, admin)).error).toBe('unknown_object');
});
