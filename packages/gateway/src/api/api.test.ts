import { request as httpRequest } from 'node:http';
import { statSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { controlUrl, startControl, type TestControl } from '../../../../test/support/control.ts';
import { createKey } from '../control/keys/create-key.ts';
import { firstStart } from '../control/first-start.ts';
import { covers, permissionNames, type Permission } from '../control/permissions.ts';
import { builtInRole } from '../control/roles/built-in-roles.ts';
import { createAdminLink } from '../control/sessions/create-admin-link.ts';
import { sessionMaxMs, sessionMs } from '../control/sessions/session.ts';
import { Fault } from '../kernel/fault.ts';
import { randomBase62 } from '../kernel/id.ts';
import { serveControl } from './serve-control.ts';

let control: TestControl;
let admin: string;
beforeAll(async () => {
  control = await startControl();
  admin = (await firstStart(control.context())).apiKey ?? '';
});
afterAll(() => control.end());

async function keyWith(actions: readonly string[] | null, servers: readonly string[] | null = null): Promise<string> {
  return (await createKey(control.context(), { name: 'k', environment: null, scopes: { servers, actions }, metadata: {}, expiresAtMs: null })).secret;
}

interface RouteRow {
  readonly method: string;
  readonly path: string;
  readonly permission: Permission | 'signed_in' | 'public';
}

/** Every route that is registered, from the registry that the OpenAPI document is made of. */
function routes(): RouteRow[] {
  return control.app.openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== 'route') return [];
    const { method, path } = definition.route;
    return [
      {
        method: method.toUpperCase(),
        path: path.replaceAll(/\{\w+\}/g, 'x'),
        permission: (definition.route as unknown as Record<string, RouteRow['permission']>)['x-permission'] ?? 'public',
      },
    ];
  });
}

describe('the matrix of routes and permissions', () => {
  test('every route that is served is in it, but the pages of people', () => {
    const documented = new Set(routes().map(({ method, path }) => `${method} ${path}`));
    const served = control.app.routes
      .filter(({ method, path }) => method !== 'ALL' && (path.startsWith('/v1') || path === '/metrics'))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, 'x')}`);
    expect(new Set(served)).toEqual(documented);
    expect(documented.size).toBeGreaterThan(10);
  });

  test('A1 A2 without a credential, and with a bad one, no guarded route answers anything but 401', async () => {
    for (const { method, path, permission } of routes()) {
      const bare = await control.request(method, path);
      if (permission === 'public') expect([path, bare.status]).not.toEqual([path, 401]);
      else {
        expect([method, path, bare.status]).toEqual([method, path, 401]);
        expect(bare.headers.get('www-authenticate')).toContain('Bearer');
        expect(await bare.json()).toMatchObject({ error: 'unauthorized', request_id: bare.headers.get('x-request-id') });
      }
      for (const bearer of [
        'garbage',
        'gwo_test_00000000000000000000000000000000',
        `session_${'a'.repeat(43)}`,
        'null',
        'undefined',
        'eyJhbGciOiJub25lIn0.e30.',
      ]) {
        expect([path, bearer, (await control.request(method, path, { bearer })).status]).toEqual([path, bearer, 401]);
      }
      expect((await control.request(method, path, { headers: { authorization: 'Basic YWRtaW46YWRtaW4=' } })).status).toBe(401);
    }
  });

  test('a key with every other permission gets 403 that names the missing one, before its body is looked at', async () => {
    for (const { method, path, permission } of routes()) {
      if (permission === 'public' || permission === 'signed_in') continue;
      const bearer = await keyWith(permissionNames.filter((name) => name !== permission));
      const answer = await control.request(method, path, { bearer, ...(method === 'POST' ? { body: '{' } : {}) });
      expect([method, path, answer.status]).toEqual([method, path, 403]);
      expect(await answer.json()).toMatchObject({ error: 'forbidden', message: expect.stringContaining(permission) });
    }
  });

  test('a key for MCP only, without actions, holds no permission at all', async () => {
    const bearer = await keyWith(null);
    for (const { method, path, permission } of routes()) {
      if (permission !== 'public' && permission !== 'signed_in') expect((await control.request(method, path, { bearer })).status).toBe(403);
    }
    expect(await (await control.request('GET', '/v1/me', { bearer })).json()).toMatchObject({ kind: 'key', permissions: [] });
  });

  test('A31 T1 with every role, a key of its holder gets exactly what the role allows, and 403 at every other route', async () => {
    const { mcpActions } = control.dependencies;
    const made = await control.request('POST', '/v1/roles', { front: 'admin', body: { name: 'Costs', id: 'costs', permissions: ['costs.*'] } });
    expect(made.status).toBe(201);
    for (const role of ['admin', 'developer', 'viewer', 'auditor', 'costs']) {
      const user = await control.request('POST', '/v1/users', { front: 'admin', body: { name: role, id: `with-${role}`, role_ids: [role] } });
      expect(user.status).toBe(201);
      const input = { name: role, environment: null, scopes: { servers: null, actions: ['*'] }, metadata: { user_id: `with-${role}` }, expiresAtMs: null };
      const { secret: bearer } = await createKey(control.context(), input);
      const allowed = permissionNames.filter((name) => covers(builtInRole(role, mcpActions)?.permissions ?? ['costs.*'], name));
      expect([role, await (await control.request('GET', '/v1/me', { bearer })).json()]).toMatchObject([
        role,
        { owner: `user:with-${role}`, permissions: allowed },
      ]);
      for (const { method, path, permission } of routes()) {
        if (permission === 'public' || permission === 'signed_in' || allowed.includes(permission)) continue;
        expect([role, method, path, (await control.request(method, path, { bearer })).status]).toEqual([role, method, path, 403]);
      }
    }
  });

  test('the owner-only socket needs no credential', async () => {
    expect(await (await control.request('GET', '/v1/me', { front: 'admin' })).json()).toMatchObject({ kind: 'operator', permissions: permissionNames });
  });
});

describe('keys over REST', () => {
  test('are created, listed, read, rotated and revoked in the shapes of the product document', async () => {
    const created = await control.request('POST', '/v1/auth/keys', {
      bearer: admin,
      body: {
        name: 'Production Agent Key',
        expires_at: '2027-01-01T00:00:00Z',
        scopes: { mcp_servers: ['filesystem'], actions: ['tools.call', 'tools.list'] },
        metadata: { project: 'code-review' },
      },
    });
    expect(created.status).toBe(201);
    const { key, warning } = (await created.json()) as { key: { id: string; secret: string; prefix: string }; warning: string };
    expect(warning).toBe('Store this secret securely. It will not be shown again.');
    expect(key).toMatchObject({
      name: 'Production Agent Key',
      created_at: '2026-06-01T00:00:00.000Z',
      expires_at: '2027-01-01T00:00:00.000Z',
      scopes: { mcp_servers: ['filesystem'], actions: ['tools.call', 'tools.list'] },
    });
    expect(key.secret.startsWith(key.prefix)).toBe(true);

    const read = await (await control.request('GET', `/v1/auth/keys/${key.id}`, { bearer: admin })).json();
    expect(read).toMatchObject({
      key: { id: key.id, status: 'active', last_used: null, usage: null, metadata: { project: 'code-review', created_by: expect.stringMatching(/^key_/) } },
    });
    expect(JSON.stringify(read)).not.toContain(key.secret);
    expect(JSON.stringify(read)).not.toContain('hash');

    const listed = (await (await control.request('GET', '/v1/auth/keys?limit=1', { bearer: admin })).json()) as {
      keys: unknown[];
      cursor: string;
      has_more: boolean;
    };
    expect(listed).toMatchObject({ has_more: true, cursor: expect.any(String) });
    expect(listed.keys).toHaveLength(1);

    const rotated = (await (await control.request('POST', `/v1/auth/keys/${key.id}/rotate`, { bearer: admin })).json()) as typeof created & {
      key: { secret: string };
    };
    expect((await control.request('GET', '/v1/me', { bearer: rotated.key.secret })).status).toBe(200);
    expect((await control.request('GET', '/v1/me', { bearer: key.secret })).status).toBe(200);

    const revoked = await control.request('DELETE', `/v1/auth/keys/${key.id}`, { bearer: admin });
    expect(revoked.status).toBe(200);
    expect(await revoked.json()).toMatchObject({ key: { status: 'revoked', revoked_at: '2026-06-01T00:00:00.000Z' } });
    for (const secret of [key.secret, rotated.key.secret]) expect((await control.request('GET', '/v1/me', { bearer: secret })).status).toBe(401);
  });

  test('are found by name, prefix and status, newest or oldest first', async () => {
    const mark = randomBase62(8);
    const make = async (name: string): Promise<{ id: string; prefix: string }> => {
      const made = await control.request('POST', '/v1/auth/keys', { bearer: admin, body: { name } });
      return ((await made.json()) as { key: { id: string; prefix: string } }).key;
    };
    const first = await make(`${mark} A`);
    control.clock.advance(1_000);
    const second = await make(`${mark} b`);
    await control.request('DELETE', `/v1/auth/keys/${first.id}`, { bearer: admin });
    const list = async (query: Record<string, string>): Promise<string[]> => {
      const answer = await control.request('GET', `/v1/auth/keys?${new URLSearchParams(query).toString()}`, { bearer: admin });
      return ((await answer.json()) as { keys: { id: string }[] }).keys.map(({ id }) => id);
    };
    const q = mark.toUpperCase();
    expect(await list({ q })).toEqual([second.id, first.id]);
    expect(await list({ q, sort: 'created_at' })).toEqual([first.id, second.id]);
    expect([await list({ q, status: 'revoked' }), await list({ q, status: 'active' }), await list({ q, status: 'expired' })]).toEqual([
      [first.id],
      [second.id],
      [],
    ]);
    expect(await list({ q: second.prefix })).toEqual([second.id]);
  });

  test('an id that is not there is 404, and the answer names it', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/rotate'],
    ] as const)
      expect(await (await control.request(method, `/v1/auth/keys/key_nothere${path}`, { bearer: admin })).json()).toMatchObject({
        error: 'unknown_object',
        message: 'There is no key "key_nothere".',
        fix: 'Check the name; `gateway keys list` shows what there is.',
      });
    expect((await control.request('GET', '/v1/auth/keys/key_nothere', { bearer: admin })).status).toBe(404);
  });
});

describe('hostile bodies', () => {
  const post = (body: unknown, headers: Record<string, string> = {}) => control.request('POST', '/v1/auth/keys', { bearer: admin, body, headers });
  const expectFault = async (answer: Response, status: number, code: string): Promise<Record<string, unknown>> => {
    expect(answer.status).toBe(status);
    const fault = (await answer.json()) as Record<string, unknown>;
    expect(fault).toMatchObject({ error: code, fix: expect.any(String), docs: expect.stringContaining(code), request_id: expect.any(String) });
    expect(JSON.stringify(fault)).not.toMatch(/at \w+ \(|node_modules|select |\.ts:/);
    return fault;
  };

  test.each(['', '{', '{"name":"a"}{', '{"name":"a",}', '// x\n{"name":"a"}', 'NaN', '\uFEFF{"name":"a"}', '{"name":"\u0001"}'])(
    'J9 H15 %j does not parse',
    async (text) => {
      await expectFault(await post(text), 400, 'parse_error');
    },
  );

  test('H15 what is not UTF-8 does not parse', async () => {
    await expectFault(await post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), 400, 'parse_error');
  });

  test.each([
    ['no body', undefined, 'name'],
    ['an array', [], ''],
    ['null', null, ''],
    ['a missing name', {}, 'name'],
    ['a name of the wrong type', { name: 7 }, 'name'],
    ['an unknown member', { name: 'a', organization_id: 'org_other' }, ''],
    ['a role in the body', { name: 'a', role: 'admin' }, ''],
    ['an unknown scope', { name: 'a', scopes: { admin: true } }, 'scopes'],
    ['metadata with objects', { name: 'a', metadata: { a: {} } }, 'metadata.a'],
    ['metadata without end', { name: 'a', metadata: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, 'v'])) }, 'metadata'],
    ['a time that is none', { name: 'a', expires_at: 'tomorrow' }, 'expires_at'],
    ['deep nesting', `{"name":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'name'],
  ])('T5 %s is refused and the field is named', async (_, body, field) => {
    const answer = await control.request('POST', '/v1/auth/keys', {
      bearer: admin,
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request', field });
  });

  test('J5 a prototype in the body changes nothing and is not kept', async () => {
    const answer = await post('{"name":"a","metadata":{"__proto__":{"polluted":"x"},"a":"b"}}');
    expect(await answer.json()).toMatchObject({ key: { metadata: { a: 'b' } } });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json;',
    'application/json; charset=utf-16',
    'application/jsonp',
    'application/ld+json',
  ])('H16 %s is 415', async (type) => {
    await expectFault(await post('{"name":"a"}', { 'content-type': type }), 415, 'unsupported_media_type');
  });

  test('H14 a compressed body is 415; H16 utf-8 in any case is accepted', async () => {
    await expectFault(await post('{"name":"a"}', { 'content-encoding': 'gzip' }), 415, 'unsupported_media_type');
    expect((await post('{"name":"a"}', { 'content-type': 'application/json; charset=UTF-8' })).status).toBe(201);
  });

  test('H13 a body over 1 MiB is 413', async () => {
    await expectFault(await post(JSON.stringify({ name: 'a'.repeat(1024 * 1024) })), 413, 'payload_too_large');
  });

  test('a path that is not served is 404, a method 405 with those that are', async () => {
    await expectFault(await control.request('GET', '/v1/nothing', { bearer: admin }), 404, 'not_found');
    const answer = await control.request('PUT', '/v1/auth/keys', { bearer: admin, body: {} });
    await expectFault(answer, 405, 'method_not_allowed');
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });

  test.each(['limit=0', 'limit=201', 'limit=x', 'cursor=%00'])('a query %s is refused', async (query) => {
    expect((await control.request('GET', `/v1/auth/keys?${query}`, { bearer: admin })).status).toBe(400);
  });
});

describe('answers', () => {
  test('carry the id of the request and are neither cached, sniffed nor framed', async () => {
    const answer = await control.request('GET', '/v1/me', { bearer: admin, headers: { 'x-request-id': 'req_mine' } });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-request-id': 'req_mine',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    expect((await control.request('GET', '/v1/me', { bearer: admin, headers: { 'x-request-id': 'a b' } })).headers.get('x-request-id')).toMatch(
      /^req_[0-9a-f]{24}$/,
    );
  });

  test('name the version of the API; those of a deprecated route say since when, until when and where more stands, whatever they answer', async () => {
    const path = '/v1/servers/search/targets/none';
    const [old, now] = await Promise.all(['POST', 'PATCH'].map((method) => control.request(method, path, { bearer: admin, body: { draining: true } })));
    const said = ['gatewayops-api-version', 'deprecation', 'sunset', 'link'].map((name) => [old?.headers.get(name), now?.headers.get(name)]);
    expect(said).toEqual([
      ['1', '1'],
      ['@1795824000', null],
      ['Sun, 28 Nov 2027 00:00:00 GMT', null],
      ['</v1/openapi.json>; rel="deprecation"; type="application/json"', null],
    ]);
    expect((await control.request('POST', path)).headers.get('deprecation')).toBe('@1795824000');
    const document = (await (await control.request('GET', '/v1/openapi.json', { bearer: admin })).json()) as { paths: Record<string, unknown> };
    expect(document.paths['/v1/servers/{name}/targets/{target}']).toMatchObject({ post: { deprecated: true, 'x-sunset': '2027-11-28' } });
    expect(document.paths['/v1/servers/{name}/targets/{target}']).toMatchObject({ patch: { 'x-permission': 'servers.write' } });
  });

  test('of a store that is away are 503 with nothing of its inside', async () => {
    const away = {
      ...control.dependencies.registry,
      keys: {
        ...control.dependencies.registry.keys,
        list: () =>
          Promise.reject(
            new Fault(
              'unavailable',
              { reason: 'the registry is not available: it cannot be reached' },
              { cause: new Error('connect ECONNREFUSED 10.0.0.5:5432') },
            ),
          ),
      },
    };
    const other = control.variant({ registry: away });
    const answer = await other.request('GET', '/v1/auth/keys', { front: 'admin' });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await answer.text()).not.toContain('10.0.0.5');
    await other.end();
  });
});

describe('servers', () => {
  test('are listed without what may be secret in their address or arguments', async () => {
    const text = await (await control.request('GET', '/v1/servers', { bearer: admin })).text();
    expect(JSON.parse(text)).toMatchObject({
      servers: [
        { name: 'search', transport: 'http', path: '/mcp/search', auth: 'apiKey', target: 'http://127.0.0.1:9/mcp', timeout_ms: 20_000, state: 'ready' },
        { name: 'filesystem', transport: 'stdio', auth: 'none', target: 'mcp-files' },
      ],
    });
    expect(text).not.toMatch(/hidden|user:pass/);
  });

  test('are listed in pages, in an order, and by what they are', async () => {
    const list = async (query: string) => {
      const answer = await control.request('GET', `/v1/servers?${query}`, { bearer: admin });
      return (await answer.json()) as { servers: { name: string }[]; cursor: string | null; has_more: boolean };
    };
    const names = async (query: string): Promise<string[]> => (await list(query)).servers.map(({ name }) => name);
    const first = await list('limit=1&sort=name');
    expect(first).toMatchObject({ servers: [{ name: 'filesystem' }], has_more: true });
    expect(await list(`limit=1&sort=name&cursor=${first.cursor ?? ''}`)).toMatchObject({ servers: [{ name: 'search' }], cursor: null, has_more: false });
    expect([await names(''), await names('sort=-name'), await names('transport=stdio'), await names('q=SEAR'), await names('state=failed')]).toEqual([
      ['search', 'filesystem'],
      ['search', 'filesystem'],
      ['filesystem'],
      ['search'],
      [],
    ]);
    for (const bad of [`cursor=${first.cursor ?? ''}`, 'sort=colour', 'limit=0']) {
      expect([bad, (await control.request('GET', `/v1/servers?${bad}`, { bearer: admin })).status]).toEqual([bad, 400]);
    }
  });

  test('one out of reach is the same 404 as one that is not there', async () => {
    const bearer = await keyWith(['servers.read', 'servers.test'], ['search']);
    expect(await (await control.request('GET', '/v1/servers', { bearer })).json()).toMatchObject({ servers: [{ name: 'search' }] });
    const [hidden, absent] = await Promise.all(
      ['filesystem', 'nowhere'].map((name) => control.request('GET', `/v1/servers/${name}`, { bearer, headers: { 'x-request-id': 'same' } })),
    );
    expect([hidden?.status, (await hidden?.text())?.replace('filesystem', 'nowhere')]).toEqual([404, await absent?.text()]);
    expect((await control.request('POST', '/v1/servers/filesystem/test', { bearer })).status).toBe(404);
  });
});

describe('health', () => {
  test('is one word for strangers and whole for who may read it', async () => {
    for (const path of ['/v1/health', '/v1/ready']) {
      expect(await (await control.request('GET', path)).json()).toEqual({ status: 'ok' });
      expect(await (await control.request('GET', path, { bearer: await keyWith(['tools.call']) })).json()).toEqual({ status: 'ok' });
      expect(await (await control.request('GET', path, { bearer: await keyWith(['health.read']) })).json()).toEqual({
        status: 'ok',
        dependencies: { registry: { state: 'ok', reason: null, required: true } },
        servers: { search: { state: 'ready', reason: null }, filesystem: { state: 'ready', reason: null } },
      });
    }
  });

  test.each([
    ['a required part that throws', true, () => Promise.reject(new Error('secret detail')), 'unready', 503],
    ['a required part that is starting', true, () => ({ state: 'starting' as const, reason: 'opening' }), 'unready', 503],
    ['a part that never answers', true, () => new Promise<never>(() => undefined), 'unready', 503],
    ['an optional part that is starting', false, () => ({ state: 'starting' as const, reason: 'opening' }), 'degraded', 200],
  ])('%s shows, in one word outside', async (_, required, check, status, httpStatus) => {
    const other = control.variant({ probes: () => [{ name: 'part', required, check }] });
    const outside = await other.request('GET', '/v1/ready');
    expect([outside.status, await outside.json()]).toEqual([httpStatus, { status }]);
    const inside = await (await other.request('GET', '/v1/health', { front: 'admin' })).text();
    expect(inside).toContain('"part"');
    expect(inside).not.toContain('secret detail');
    await other.end();
  });
});

describe('administrator sessions', () => {
  const cookieOf = (answer: Response): string => /gatewayops_session=[^;]+/.exec(answer.headers.get('set-cookie') ?? '')?.[0] ?? '';
  async function signIn(): Promise<{ cookie: string; headers: Record<string, string> }> {
    const { url } = await createAdminLink(control.context());
    const cookie = cookieOf(await control.request('GET', new URL(url).pathname));
    return { cookie, headers: { cookie, origin: controlUrl, 'x-gatewayops-csrf': '1' } };
  }

  test('a link opens one session, once; of several at the same moment one wins', async () => {
    const { url } = await createAdminLink(control.context());
    expect((await control.request('HEAD', new URL(url).pathname)).status).toBe(200);
    const answers = await Promise.all([1, 2, 3, 4].map(() => control.request('GET', new URL(url).pathname)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 401, 401, 401]);
    const won = answers.find(({ status }) => status === 303);
    expect(won?.headers.get('location')).toBe('/ui/');
    expect(won?.headers.get('set-cookie')).toMatch(/^gatewayops_session=session_[0-9A-Za-z]{43}; .*Path=\/; HttpOnly; SameSite=Strict$/);
    expect(await answers.find(({ status }) => status === 401)?.text()).toContain('has been used');
  });

  test('over TLS the cookie is a __Host- cookie', async () => {
    const other = control.variant({ publicUrl: () => 'https://gateway.example' });
    const { url } = await createAdminLink(other.context());
    expect((await other.request('GET', new URL(url).pathname)).headers.get('set-cookie')).toMatch(
      /^__Host-gatewayops_session=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    await other.end();
  });

  test('a link is over after an hour, and a forged one opens nothing', async () => {
    const other = control.variant({});
    const { url } = await createAdminLink(other.context());
    other.clock.advance(3_600_001);
    for (const path of [new URL(url).pathname, `/admin/${'a'.repeat(43)}`, '/admin/..%2f..', `/admin/${'a'.repeat(10_000)}`])
      expect((await other.request('GET', path)).status).toBe(401);
    await other.end();
  });

  test('the session reads by cookie and by bearer', async () => {
    const { cookie } = await signIn();
    expect(await (await control.request('GET', '/v1/me', { headers: { cookie } })).json()).toMatchObject({ kind: 'session', permissions: permissionNames });
    expect((await control.request('GET', '/v1/me', { bearer: cookie.split('=')[1] ?? '' })).status).toBe(200);
  });

  test.each<[string, Record<string, string>]>([
    ['without an Origin', { 'x-gatewayops-csrf': '1' }],
    ['from another Origin', { origin: 'https://evil.example', 'x-gatewayops-csrf': '1' }],
    ['from another port', { origin: 'http://127.0.0.1:9999', 'x-gatewayops-csrf': '1' }],
    ['from the Origin null', { origin: 'null', 'x-gatewayops-csrf': '1' }],
    ['without the header', { origin: controlUrl }],
  ])('S15 a write by cookie %s is refused', async (_, headers) => {
    const { cookie } = await signIn();
    for (const [method, path] of [
      ['POST', '/v1/auth/keys'],
      ['POST', '/v1/auth/admin-links'],
      ['DELETE', '/v1/auth/session'],
    ] as const) {
      expect((await control.request(method, path, { headers: { cookie, ...headers }, ...(method === 'POST' ? { body: { name: 'x' } } : {}) })).status).toBe(
        403,
      );
    }
  });

  test('a write by cookie from our own page is done', async () => {
    const { headers } = await signIn();
    expect((await control.request('POST', '/v1/auth/keys', { headers, body: { name: 'by cookie' } })).status).toBe(201);
  });

  test('sign-out ends it at once, and is recorded', async () => {
    const { headers, cookie } = await signIn();
    const answer = await control.request('DELETE', '/v1/auth/session', { headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('set-cookie')).toContain('Max-Age=0');
    expect((await control.request('GET', '/v1/me', { headers: { cookie } })).status).toBe(401);
  });

  test('it slides with use, ends eight hours after the last and a day after the first', async () => {
    const other = control.variant({});
    const open = async (): Promise<string> => cookieOf(await other.request('GET', new URL((await createAdminLink(other.context())).url).pathname));
    const me = async (cookie: string): Promise<number> => (await other.request('GET', '/v1/me', { headers: { cookie } })).status;
    const idle = await open();
    other.clock.advance(sessionMs + 1);
    expect(await me(idle)).toBe(401);
    const used = await open();
    for (let elapsed = 0; elapsed + sessionMs / 2 < sessionMaxMs; elapsed += sessionMs / 2) {
      other.clock.advance(sessionMs / 2);
      expect(await me(used)).toBe(200);
    }
    other.clock.advance(sessionMs / 2);
    expect(await me(used)).toBe(401);
    await other.end();
  });

  test('a key that does not hold everything makes no link; the session of one that did ends with the key', async () => {
    expect((await control.request('POST', '/v1/auth/admin-links', { bearer: await keyWith(['admin.link', 'tools.*']) })).status).toBe(403);
    const { key, secret } = await createKey(control.context(), {
      name: 'second',
      environment: null,
      scopes: { servers: null, actions: ['*'] },
      metadata: {},
      expiresAtMs: null,
    });
    const { url } = (await (await control.request('POST', '/v1/auth/admin-links', { bearer: secret })).json()) as { url: string };
    const cookie = cookieOf(await control.request('GET', new URL(url).pathname));
    expect((await control.request('GET', '/v1/me', { headers: { cookie } })).status).toBe(200);
    await control.request('DELETE', `/v1/auth/keys/${key.id}`, { bearer: admin });
    expect((await control.request('GET', '/v1/me', { headers: { cookie } })).status).toBe(401);
  });

  test('the root leads to the dashboard, the link to what was wanted of it, also behind a path of a proxy; nowhere else', async () => {
    const root = await control.request('GET', '/?range=1h');
    expect([root.status, root.headers.get('location')]).toEqual([303, '/ui/?range=1h']);
    const other = control.variant({ publicUrl: () => 'https://tools.example/gateway' });
    expect((await other.request('GET', '/')).headers.get('location')).toBe('/gateway/ui/');
    for (const [asked, led] of [
      ['/gateway/ui/traces?q=status%3Aerror', '/gateway/ui/traces?q=status%3Aerror'],
      ['//evil.example/', '/gateway/ui/'],
    ] as const) {
      const { url } = await createAdminLink(other.context());
      const path = `${new URL(url).pathname.replace('/gateway', '')}?${new URLSearchParams({ return_to: asked }).toString()}`;
      const answer = await other.request('GET', path);
      expect([answer.status, answer.headers.get('location')]).toEqual([303, led]);
    }
    const used = await other.request('GET', `/admin/${'a'.repeat(43)}`);
    const page = await used.text();
    expect(page).toContain('href="/gateway/pages/page.css"');
    expect(page).toContain(used.headers.get('x-request-id'));
    await other.end();
  });

  test('pages before a session run no script, and load nothing but the style, fonts and icon of the gateway', async () => {
    const answer = await control.request('GET', '/sign-in?email=%22%3E%3Cimg%20src=x%3E');
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'/);
    expect(answer.headers.get('content-security-policy')).not.toMatch(/script|unsafe/);
    const page = await answer.text();
    expect(page).not.toMatch(/<script|<img| style=| on\w+=/);
    for (const [, path = ''] of page.matchAll(/<link [^>]*href="([^"]+)"/g)) expect([path, (await control.request('GET', path)).status]).toEqual([path, 200]);
    expect(await (await control.request('GET', '/pages/page.css')).text()).toContain('--canvas: light-dark(');
  });
});

describe('the sockets', () => {
  test('are for their owner only; the worker one asks for a credential, the other is the operator', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
    const servers = await Promise.all([
      serveControl(control.app, join(folder, 'admin.sock'), 'admin'),
      serveControl(control.app, join(folder, 'control.sock'), 'public'),
    ]);
    const get = (socket: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = httpRequest({ socketPath: join(folder, socket), path: '/v1/me', headers: { 'x-gatewayops-front': 'admin' } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        request.on('error', reject);
        request.end();
      });
    expect(await get('admin.sock')).toBe(200);
    expect(await get('control.sock')).toBe(401);
    for (const socket of ['admin.sock', 'control.sock']) expect(statSync(join(folder, socket)).mode & 0o777).toBe(0o600);
    await Promise.all(servers.map((server) => server.close()));
    rmSync(folder, { recursive: true });
  });
});
