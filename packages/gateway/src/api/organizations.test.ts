import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plainProvider } from '../../../../test/support/plain-provider.ts';
import { startControlWithAccess, type ControlWithAccess } from '../../../../test/support/access.ts';
import type { TestControl } from '../../../../test/support/control.ts';
import { startLedger, type TestLedger } from '../../../../test/support/ledger.ts';
import { systemContext } from '../control/actor.ts';
import { createKey } from '../control/keys/create-key.ts';
import { createAdminLink } from '../control/sessions/create-admin-link.ts';
import { openSession } from '../control/sessions/open-session.ts';
import type { ProviderData } from '../identity/provider-data.ts';
import { bounds } from '../kernel/bounds.ts';
import { nounKinds, nouns } from '../kernel/directory.ts';
import { newGrantId, randomBase62, type OrganizationId } from '../kernel/id.ts';
import { silentLog } from '../kernel/log.ts';
import { createExportFiles } from '../jobs/export-files.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An organization with one of everything, whose names nobody else may ever see. */
interface Tenant {
  readonly id: OrganizationId;
  readonly canary: string;
  readonly keyId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly exportId: string;
  readonly invitationId: string;
  readonly viewId: string;
  readonly grantId: string;
  readonly tryId: string;
  readonly admin: string;
  readonly viewer: string;
  /** A key of every role: those that are built in, and its own. */
  readonly byRole: Readonly<Record<string, string>>;
}

const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
let ledger: TestLedger;
let whole: ControlWithAccess;
let control: TestControl;
let a: Tenant;
let b: Tenant;

beforeAll(async () => {
  ledger = await startLedger();
  const files = { folder, log: silentLog };
  whole = await startControlWithAccess({ ledger: () => ledger.reader });
  const { config, clock } = whole.control.dependencies;
  const [http] = config.servers;
  if (http === undefined) throw new Error('no server');
  const servers = ['a', 'b'].map((name) => ({ ...http, name: `server-canary${name}`, organizations: [`org_${name}`] }));
  control = whole.control.variant({
    config: { ...config, servers: [...config.servers, ...servers] },
    ledger: () => ledger.reader,
    access: whole.control.dependencies.access,
    // What is told that keys have changed is told to these.
    knownKeys: whole.control.dependencies.knownKeys,
    exports: createExportFiles({ ...files, clock }),
    providers: { ...whole.control.dependencies.providers, list: () => ['a', 'b'].map(providerOf) },
  });
  a = await tenant('a');
  b = await tenant('b');
}, 240_000);
afterAll(async () => {
  await control.end();
  await whole.end();
  await ledger.end();
  rmSync(folder, { recursive: true, force: true });
});

/** Nobody signs in by it. */
function providerOf(letter: string): ProviderData {
  return {
    ...plainProvider,
    name: `provider-canary${letter}`,
    title: `canary${letter}`,
    organizationId: `org_${letter}` as OrganizationId,
    preset: 'custom',
    issuer: `https://canary${letter}.example`,
  };
}

const about = (organization: string) => ({ 'gatewayops-organization': organization });

async function tenant(letter: string): Promise<Tenant> {
  const id = `org_${letter}` as OrganizationId;
  const canary = `canary${letter}`;
  const made = await control.request('POST', '/v1/organizations', { front: 'admin', body: { name: canary, id } });
  expect(made.status).toBe(201);
  const within = async (method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Record<string, never>> => {
    const answer = await control.request(method, path, { front: 'admin', body, headers: { ...about(id), ...headers } });
    const text = await answer.text();
    expect([path, answer.status, text]).toEqual([path, expect.toSatisfy((status: number) => status < 300), text]);
    return JSON.parse(text) as Record<string, never>;
  };
  for (const kind of nounKinds)
    await within('POST', `/v1/${nouns[kind].plural}`, {
      name: canary,
      id: `${kind}-${canary}`,
      ...(kind === 'user' ? { email: `${canary}@example.com` } : {}),
      ...(kind === 'role' ? { permissions: ['costs.read'] } : {}),
    });
  const { id: tryId } = await within('POST', `/v1/identity/providers/provider-${canary}/tries`, {});
  const { invitation } = await within('POST', '/v1/users/invite', { email: `invited-${canary}@example.com` });
  await within(
    'PUT',
    `/v1/policies/policy-${canary}`,
    { effect: 'deny', to: ['everyone'], servers: [`server-${canary}`], tools: ['x'] },
    { 'if-match': '"0"' },
  );
  await within('PUT', `/v1/switches/server/server-${canary}`, { reason: canary });
  const context = { ...systemContext(control.dependencies, id) };
  const grantId = newGrantId();
  const grant = {
    clientId: canary,
    clientName: canary,
    redirectUri: `https://${canary}.example/`,
    resource: `https://${canary}.example/mcp`,
    scopes: ['tools.*'],
  };
  const times = { createdAtMs: Date.now(), expiresAtMs: Date.now() + 3_600_000, usedAtMs: null, revoked: null, sessionKey: null };
  await control.dependencies.registry.transaction(({ grants }) =>
    grants.insert({ organizationId: id, id: grantId, userId: `user-${canary}`, grantedBy: 'test', ...grant, ...times }),
  );
  const keyOf = (actions: string[]) =>
    createKey(context, { name: canary, environment: null, scopes: { servers: null, actions }, metadata: { user_id: `user-${canary}` }, expiresAtMs: null });
  // Without an owner whose roles limit it.
  const byRole: Record<string, string> = {};
  for (const [role, action] of Object.entries({
    admin: '*',
    viewer: 'role:viewer',
    developer: 'role:developer',
    auditor: 'role:auditor',
    own: `role:role-${canary}`,
  })) {
    const scopes = { servers: null, actions: [action] };
    byRole[role] = (await createKey(context, { name: canary, environment: null, scopes, metadata: {}, expiresAtMs: null })).secret;
  }
  const saved = { page: 'traces', name: canary, state: { q: canary }, shared_with: 'everyone' };
  const view = await control.request('POST', '/v1/views', { bearer: byRole['admin'] ?? '', body: saved });
  expect(view.status).toBe(201);
  const key = await keyOf(['tools.call']);
  await control.dependencies.registry.transaction(({ scim }) =>
    scim.insertConnection({ organizationId: id, provider: `scim-${canary}`, keyId: key.key.id, createdAtMs: Date.now(), createdBy: 'test' }),
  );
  const trace = randomBytes(16).toString('hex');
  const span = randomBytes(8).toString('hex');
  const call = {
    org_id: id,
    key_id: key.key.id,
    trace_id: trace,
    span_id: span,
    started_at: BigInt(Date.now() - 60_000) * 1000n,
    method: 'tools/call',
    server: `server-${canary}`,
    tool: `tool-${canary}`,
    currency: 'USD',
    status: 'success',
    stop: 'reply',
    duration_us: 1500,
  };
  await ledger.insert([call]);
  await ledger.insertBodies((['request', 'response'] as const).map((kind) => ({ call, kind, text: `{"text":"${canary}"}` })));
  const [start_time, end_time] = [3_600_000, 0].map((agoMs) => new Date(Date.now() - agoMs).toISOString());
  const job = await within('POST', '/v1/logs/export', { format: 'csv', start_time, end_time });
  return {
    id,
    canary,
    keyId: key.key.id,
    traceId: `tr_${trace}`,
    spanId: `sp_${span}`,
    exportId: (job['export'] as { id: string } | undefined)?.id ?? '',
    invitationId: (invitation as { id: string } | undefined)?.id ?? '',
    viewId: ((await view.json()) as { view: { id: string } }).view.id,
    grantId,
    tryId: String(tryId),
    admin: byRole['admin'] ?? '',
    viewer: byRole['viewer'] ?? '',
    byRole,
  };
}

interface RouteRow {
  readonly method: string;
  readonly path: string;
  readonly ofGateway: boolean;
  readonly isOpen: boolean;
}

function routes(): RouteRow[] {
  return control.app.openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== 'route') return [];
    const more = definition.route as unknown as Record<string, unknown>;
    return [
      {
        method: definition.route.method.toUpperCase(),
        path: definition.route.path,
        ofGateway: more['x-of-gateway'] === true,
        isOpen: more['x-permission'] === 'public',
      },
    ];
  });
}

/** What stands for a route's parameters: of an organization, or of none. A route with another kind of id says here what it is. */
function filled({ path, ofGateway }: RouteRow, of: Tenant | null): string {
  const canary = of?.canary ?? `nobody${randomBase62(4).toLowerCase()}`;
  const noun = nounKinds.find((kind) => path.startsWith(`/v1/${nouns[kind].plural}/`));
  const ids: Readonly<Record<string, string>> = {
    '/v1/auth/keys/{key_id}': of?.keyId ?? `key_${randomBase62(20)}`,
    '/v1/grants/{grant_id}': of?.grantId ?? `gra_${randomBase62(20)}`,
    '/v1/me/grants/{grant_id}': of?.grantId ?? `gra_${randomBase62(20)}`,
    '/v1/views/{id}': of?.viewId ?? `view_${randomBase62(20)}`,
    '/v1/invitations/{id}': of?.invitationId ?? `inv_${randomBase62(20)}`,
    '/v1/organizations/{id}': of?.id ?? `org_${randomBase62(20)}`,
    '/v1/identity/providers/{name}': `provider-${canary}`,
    '/v1/auth/sso/oidc/callback/{provider}': `provider-${canary}`,
    '/v1/identity/scim/{provider}': `scim-${canary}`,
    '/v1/identity/tries/{try_id}': of?.tryId ?? `try_${randomBase62(43)}`,
    '/v1/me/sessions/{session_id}': `ses_${randomBase62(20)}`,
    '/v1/users/{id}/sessions/{session_id}': `ses_${randomBase62(20)}`,
    '/v1/users/{id}/identities/{identity_id}': randomBase62(43),
    '/v1/policies/{name}': `policy-${canary}`,
    '/v1/servers/{name}': `server-${canary}`,
    '/v1/switches/{kind}': 'server',
    '/v1/switches/{kind}/{name}': `server-${canary}`,
    '/v1/servers/{name}/targets/{target}': 'main',
    '/v1/traces/{trace_id}': of?.traceId ?? `tr_${randomBytes(16).toString('hex')}`,
    '/v1/costs/trace/{trace_id}': of?.traceId ?? `tr_${randomBytes(16).toString('hex')}`,
    '/v1/traces/{trace_id}/spans/{span_id}': of?.spanId ?? `sp_${randomBytes(8).toString('hex')}`,
    '/v1/logs/exports/{export_id}': of?.exportId ?? `exp_${randomBase62(20)}`,
    ...(noun === undefined ? {} : { [`/v1/${nouns[noun].plural}/{id}`]: `${noun}-${canary}` }),
  };
  let done = path;
  for (const match of path.matchAll(/\{\w+\}/g)) {
    const upTo = path.slice(0, match.index + match[0].length);
    const id = ids[upTo] ?? (ofGateway ? 'thing' : undefined);
    if (id === undefined) throw new Error(`say in this test what ${upTo} is of an organization`);
    done = done.replace(match[0], id);
  }
  return done;
}

/** A body that a route takes, where it needs one to get as far as the id. */
function bodyFor({ method, path }: RouteRow): unknown {
  if (method === 'GET' || method === 'DELETE') return undefined;
  if (path.startsWith('/v1/policies/')) return { effect: 'deny', to: ['everyone'], servers: ['*'] };
  if (path.startsWith('/v1/switches/')) return { reason: 'x' };
  return method === 'PATCH' ? { name: 'x' } : {};
}

interface Heard {
  readonly status: number;
  readonly text: string;
}

async function ask(row: RouteRow, path: string, bearer: string, headers: Record<string, string> = {}): Promise<Heard> {
  const body = bodyFor(row);
  const answer = await control.request(row.method, path, {
    bearer,
    headers: { 'if-match': '"1"', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  if (answer.headers.get('content-type')?.startsWith('text/event-stream')) {
    await answer.body?.cancel();
    return { status: answer.status, text: '' };
  }
  return { status: answer.status, text: await answer.text() };
}

/** An answer without what is the caller's own: the ids that it put into the path, and those of the request and of what was refused. */
function without(row: RouteRow, path: string, { status, text }: Heard): Heard {
  const parts = path.split('/');
  const given = row.path
    .split('/')
    .flatMap((part, at) => (part.startsWith('{') ? [parts[at] ?? ''] : []))
    .sort((x, y) => y.length - x.length);
  const same = text.replaceAll(/"request_id":"[^"]*"/g, '"request_id":""').replaceAll(/inc_[0-9A-Za-z]{20}/g, 'inc_');
  return { status, text: given.reduce((plain, id) => plain.replaceAll(id, 'ID'), same) };
}

/** What the gateway writes in its own time: checkpoints, and who signed in. */
const ownTime = new Set(['audit_chains', 'audit_checkpoints']);

/** Every row of an organization, as the registry has it. */
async function rowsOf({ id }: Tenant): Promise<readonly string[]> {
  const rows: string[] = [];
  await control.dependencies.registry.backup.snapshot(async (table, lines) => {
    for (const line of ownTime.has(table) ? [] : lines) {
      const row = JSON.parse(line) as Record<string, unknown>;
      if (row['organization_id'] === id || (table === 'organizations' && row['id'] === id)) rows.push(`${table} ${line}`);
    }
  });
  return rows.sort();
}

describe('T1 two organizations', () => {
  test('no route shows or changes anything of the other, and says of its ids what it says of ids of nothing', { timeout: 240_000 }, async () => {
    const { audit } = control.dependencies.registry;
    const { sequence } = await audit.head(a.id);
    const before = await rowsOf(a);
    expect(before.length).toBeGreaterThan(10);
    for (const row of routes()) {
      for (const [role, secret] of Object.entries(b.byRole)) {
        const foreign = filled(row, a);
        const none = filled(row, null);
        const asked = await ask(row, foreign, secret);
        const heard = without(row, foreign, asked);
        expect([row, role, heard.text.includes(a.canary)]).toEqual([row, role, false]);
        if (foreign !== row.path) expect([row, role, heard]).toEqual([row, role, without(row, none, await ask(row, none, secret))]);
        if (row.ofGateway) expect([row, role, heard.status]).toEqual([row, role, 403]);
      }
    }
    expect(await rowsOf(a)).toEqual(before);
    const since = await audit.range(a.id, { after: sequence, limit: 100 });
    expect(since.map(({ action }) => action).filter((action) => !action.startsWith('sign_in.'))).toEqual([]);
  });

  test('what the ids stand for is there for its own', { timeout: 120_000 }, async () => {
    for (const row of routes()) {
      // Whoever comes back from a provider is asked what they began with.
      if (row.method !== 'GET' || !row.path.includes('{') || row.ofGateway || row.isOpen || row.path.endsWith('/file')) continue;
      const path = filled(row, b);
      const heard = await ask(row, path, b.admin);
      expect([path, heard.status, heard.text]).toEqual([path, 200, heard.text]);
    }
  });

  test('T4 whoever may not enter others cannot, whether they are there or not; more than one at once is refused', { timeout: 120_000 }, async () => {
    const whoami: RouteRow = { method: 'GET', path: '/v1/me', ofGateway: false, isOpen: false };
    for (const named of [a.id, 'org_nobody', 'org_default']) {
      const heard = await ask(whoami, '/v1/me', b.admin, about(named));
      expect([named, heard.status, heard.text.includes('organizations.enter')]).toEqual([named, 403, true]);
    }
    expect((await ask(whoami, '/v1/me', b.admin, about(b.id))).status).toBe(200);
    for (const named of ['', 'acme', `${a.id}, ${b.id}`, '*']) {
      const heard = await control.request('GET', '/v1/me', { front: 'admin', headers: about(named) });
      expect([named, heard.status]).toEqual([named, 400]);
    }
    expect((await control.request('GET', '/v1/me', { front: 'admin', headers: about('org_nobody') })).status).toBe(404);
    expect((await control.request('GET', '/v1/config', { front: 'admin', headers: about(a.id) })).status).toBe(400);
  });

  test('the operator sees its own without the header and theirs with it, and what it does there is in their audit with where it came from', async () => {
    const keys = async (headers: Record<string, string>): Promise<string> =>
      (await control.request('GET', '/v1/auth/keys', { front: 'admin', headers })).text();
    expect(await keys({})).not.toContain('canary');
    expect(await keys(about(a.id))).toContain(a.canary);
    const audit = await control.request('GET', '/v1/logs/audit?action=policy.*&tool_calls=none', { bearer: a.admin });
    expect(await audit.json()).toMatchObject({ events: [{ action: 'policy.created', detail: { actor_organization_id: 'org_default' } }] });
  });

  test('its audit is asked for several actions at once, each by its name or how it begins', async () => {
    const actions = async (action: string): Promise<string[]> => {
      const answer = await control.request('GET', `/v1/logs/audit?action=${action}&tool_calls=none&limit=200`, { bearer: a.admin });
      return ((await answer.json()) as { events: { action: string }[] }).events.map((event) => event.action);
    };
    const all = await actions('*');
    const other = all.find((action) => !action.startsWith('policy.')) ?? '';
    expect(other).not.toBe('');
    const wanted = all.filter((action) => action === 'policy.created' || action === other);
    expect(wanted).toContain('policy.created');
    expect(await actions(`policy.*,${other}`)).toEqual(wanted);
    expect(await actions(`nothing.*,${other}`)).toEqual(wanted.filter((action) => action === other));
    const many = await control.request('GET', `/v1/logs/audit?action=${Array.from({ length: 41 }, () => 'a').join(',')}`, { bearer: a.admin });
    expect(many.status).toBe(400);
  });

  test('that the operator reads in one is in its audit, once a minute however much it reads', async () => {
    const made = await control.request('POST', '/v1/organizations', { front: 'admin', body: { name: 'Watched', id: 'org_watched' } });
    expect(made.status).toBe(201);
    const entered = async (): Promise<unknown[]> => {
      const context = { ...control.context(), organizationId: 'org_watched' as OrganizationId };
      const events = await control.dependencies.registry.audit.range(context.organizationId, { after: 0, limit: 100 });
      return events.filter(({ action }) => action === 'organization.entered').map(({ actorKind, detail }) => [actorKind, detail]);
    };
    const read = async (): Promise<number> => (await control.request('GET', '/v1/teams', { front: 'admin', headers: about('org_watched') })).status;
    expect(await Promise.all([read(), read(), read()])).toEqual([200, 200, 200]);
    const one = ['operator', { actor_organization_id: 'org_default' }];
    expect(await entered()).toEqual([one]);
    control.clock.advance(bounds.organizationEnteredMs);
    expect([await read(), await read()]).toEqual([200, 200]);
    expect(await entered()).toEqual([one, one]);
    const gone = await control.request('DELETE', '/v1/organizations/org_watched', { front: 'admin', headers: { 'if-match': '"1"' } });
    expect(gone.status).toBe(200);
  });

  test('a session of a link that was made for one is of that one, and ends with it', { timeout: 120_000 }, async () => {
    const made = await control.request('POST', '/v1/organizations', { front: 'admin', body: { name: 'Short', id: 'org_short' } });
    expect(made.headers.get('etag')).toBe('"1"');
    const { url } = await createAdminLink({ ...control.context(), organizationId: 'org_short' as OrganizationId });
    const bearer = (await openSession(control.context(), url.slice(url.lastIndexOf('/') + 1))) ?? '';
    expect(await (await control.request('GET', '/v1/me', { bearer })).json()).toMatchObject({ organization_id: 'org_short' });
    const key = await control.request('POST', '/v1/auth/keys', { bearer, body: { name: 'k', scopes: { actions: ['*'] } } });
    const { key: own } = (await key.json()) as { key: { secret: string } };
    expect((await control.request('GET', '/v1/me', { bearer: own.secret })).status).toBe(200);

    const gone = (query: string) => control.request('DELETE', `/v1/organizations/org_short${query}`, { front: 'admin', headers: { 'if-match': '"1"' } });
    expect(await (await gone('')).json()).toMatchObject({ error: 'still_in_use', contents: { keys: 1 } });
    expect(await (await gone('?cascade=true&dry_run=true')).json()).toEqual({ outcome: 'planned', contents: { keys: 1 } });
    expect((await control.request('GET', '/v1/me', { bearer: own.secret })).status).toBe(200);
    expect(await (await gone('?cascade=true')).json()).toEqual({ outcome: 'deleted', contents: { keys: 1 } });
    for (const credential of [own.secret, bearer]) expect((await control.request('GET', '/v1/me', { bearer: credential })).status).toBe(401);
    expect((await gone('?cascade=true')).status).toBe(404);
    const again = await control.request('POST', '/v1/organizations', { front: 'admin', body: { name: 'Again', id: 'org_short' } });
    expect(again.status).toBe(409);
    expect((await control.request('DELETE', '/v1/organizations/org_default', { front: 'admin', headers: { 'if-match': '"1"' } })).status).toBe(400);
  });

  test('each renames itself and no other; the gateway alone makes others', async () => {
    const rename = (id: string, bearer: string) =>
      control.request('PATCH', `/v1/organizations/${id}`, { bearer, body: { name: 'renamed' }, headers: { 'if-match': '"1"' } });
    expect((await rename(a.id, b.admin)).status).toBe(404);
    expect((await rename(b.id, b.viewer)).status).toBe(403);
    expect(await (await rename(b.id, b.admin)).json()).toMatchObject({ outcome: 'changed', organization: { id: b.id, version: 2 } });
    expect(await (await control.request('GET', '/v1/organizations', { bearer: b.admin })).json()).toMatchObject({ organizations: [{ id: b.id }] });
    const all = await control.request('GET', '/v1/organizations', { front: 'admin' });
    expect(((await all.json()) as { organizations: { id: string }[] }).organizations.map(({ id }) => id)).toEqual(['org_a', 'org_b', 'org_default']);
  });

  test('what one switches off, and its rules, are its own', () => {
    const { access } = control.dependencies;
    const names = (id: string): readonly string[] => access.served(id as OrganizationId).map(({ name }) => name);
    expect(names(a.id)).toEqual([`switched-off:server:server-${a.canary}`, 'members-may-call-every-server', `policy-${a.canary}`]);
    expect(names('org_default')).toEqual(['members-may-call-every-server']);
  });
});
