import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { configuredControl, type ConfiguredControl } from '../../../../test/support/configured-control.ts';
import { actorOf, startControl, type TestControl } from '../../../../test/support/control.ts';
import { loadConfig } from '../config/load.ts';
import { objectKinds, objectRows } from '../kernel/config-object.ts';
import { putObject } from '../control/objects/put-object.ts';
import { getObject, listObjects } from '../control/objects/object-view.ts';

const file = `version: 1
servers:
  - name: files
    url: http://127.0.0.1:9/mcp?token=hidden
record:
  masking:
    patterns:
      - { name: employee, pattern: 'EMP-[0-9]{6}' }
managed_by_api:
  env: ["MCP_*"]
  commands: [[npx, -y, good]]
`;

let control: TestControl;
let node: ConfiguredControl;
beforeAll(async () => {
  control = await startControl();
  node = await configuredControl(control, file, {
    env: { MCP_TOKEN: 'a-secret-of-some-length', AWS_SECRET: 'another-one-of-some-length', PATH: process.env['PATH'] },
  });
});
afterAll(async () => {
  await node.close();
  await control.end();
});

/** Each test begins with the file alone. */
beforeEach(async () => {
  const { organizationId } = control.context();
  await control.dependencies.registry.transaction(async ({ configObjects }) => {
    await configObjects.begin(organizationId);
    for (const object of await configObjects.list(organizationId)) await configObjects.delete(organizationId, object);
  });
  await node.dependencies.objects.refresh();
  await node.rewrite(file);
});

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(method: string, path: string, body?: unknown, match?: number): Promise<Answer> {
  const answer = await node.request(method, path, {
    front: 'admin',
    ...(body === undefined ? {} : { body }),
    ...(match === undefined ? {} : { headers: { 'if-match': `"${match}"` } }),
  });
  return { status: answer.status, etag: answer.headers.get('etag'), body: (await answer.json()) as Answer['body'] };
}

const make = (kind: string, name: string, spec: unknown, query = '') => ask('POST', `/v1/${kind}${query}`, { name, spec });
const left = async (after: number) =>
  (await control.dependencies.registry.audit.range(control.context().organizationId, { after, limit: 100 })).map(({ action }) => action);
const head = async () => (await control.dependencies.registry.audit.head(control.context().organizationId)).sequence;

/** One of each kind that serves with the others, and another of it. */
const samples = {
  server: ['search', { url: 'https://search.example/mcp', credential: { type: 'bearer', secret: { env: 'MCP_TOKEN' } } }, { url: 'https://other.example/mcp' }],
  route: ['search', { path: '/mcp/find' }, { path: '/mcp/found' }],
  virtual_server: ['research', { servers: ['search'], tools: ['read_*'] }, { servers: ['sea*'] }],
  tool: ['search/query', { request: [{ default: { path: 'limit', value: 10 } }] }, { response: [{ remove: { path: 'structuredContent.debug' } }] }],
  cache_rule: ['search', { lists: true, ttl: '1m' }, { tools: { query: '30s' } }],
  rate_limit: ['gwo_prod_a1b2', { limit: 100, window: '1m' }, { limit: 200, window: '1m', burst: 5 }],
  masking_rule: ['badge', { pattern: 'B-[0-9]{4}' }, { pattern: 'B-[0-9]{5}' }],
  retention: ['traces', { keep: '7d' }, { keep: '8d' }],
  export_target: ['siem', { syslog: { address: 'siem.example:6514' } }, { syslog: { address: 'siem.example:6515' } }],
} as const;

test('each kind is made, listed, read, changed and deleted, with its events in the audit, and serves at once', async () => {
  for (const kind of objectKinds) {
    const { plural } = objectRows[kind];
    const [name, spec, other] = samples[kind];
    const one = `/v1/${plural}/${encodeURIComponent(name)}`;
    const before = await head();
    expect([kind, await make(plural, name, spec, '?dry_run=true')]).toMatchObject([kind, { status: 200, body: { outcome: 'planned' } }]);
    expect([kind, await head()]).toEqual([kind, before]);
    expect([kind, await make(plural, name, spec)]).toMatchObject([
      kind,
      { status: 201, etag: '"1"', body: { outcome: 'created', [kind]: { name, spec, source: 'registry', served: true, version: 1, created_by: 'operator' } } },
    ]);
    expect((await make(plural, name, spec)).body).toMatchObject({ error: 'already_exists', version: 1 });
    expect((await ask('PUT', one, { spec: other })).body).toMatchObject({ error: 'precondition_required' });
    expect((await ask('PUT', one, { spec: other }, 7)).body).toMatchObject({ error: 'precondition_failed', version: 1 });
    expect((await ask('PUT', one, { spec }, 1)).body).toMatchObject({ outcome: 'unchanged' });
    expect(await ask('PUT', one, { spec: other }, 1)).toMatchObject({
      status: 200,
      etag: '"2"',
      body: { outcome: 'changed', [kind]: { spec: other, version: 2 } },
    });
    const read = await ask('GET', one);
    expect([kind, read.etag]).toEqual([kind, '"2"']);
    if (kind !== 'server') {
      expect(read.body).toMatchObject({ [kind]: { name, spec: other } });
      expect((await ask('GET', `/v1/${plural}`)).body[plural.replaceAll('-', '_')]).toContainEqual(expect.objectContaining({ name, version: 2 }));
    }
    expect(await left(before)).toEqual([`${kind}.created`, `${kind}.changed`]);
  }
  const { config } = node.context();
  expect(config.servers.map(({ name }) => name)).toEqual(['files', 'search']);
  expect(config.routes.find(({ server }) => server === 'search')).toMatchObject({ path: '/mcp/found' });
  expect(config.virtualServers).toMatchObject([{ name: 'research', servers: ['sea*'] }]);
  expect(config.transforms).toMatchObject([{ server: 'search', tool: 'query' }]);
  expect(config.cache).toMatchObject([{ server: 'search', tools: { query: 30_000 } }]);
  expect(config.rateLimits.find(({ keyPrefix }) => keyPrefix === 'gwo_prod_a1b2')).toMatchObject({ limit: 200, windowMs: 60_000, burst: 5 });
  expect(config.record.masking.patterns.map(({ name }) => name)).toEqual(['employee', 'badge']);
  expect(config.retention.tracesDays).toBe(8);
  expect(config.audit.streams.map(({ name }) => name)).toEqual(['siem']);
  // The file that the gateway exports says the same, by itself.
  const exported = await node.request('GET', '/v1/config/export', { front: 'admin' });
  const alone = loadConfig({ file: node.file, text: await exported.text(), env: { MCP_TOKEN: 'a-secret-of-some-length' } });
  expect({ ...alone, policies: config.policies, pricing: config.pricing }).toEqual(config);
  // What others need stays, and what they are is said.
  expect(await ask('DELETE', '/v1/servers/search', undefined, 2)).toMatchObject({
    status: 409,
    body: { error: 'still_in_use', used_by: expect.arrayContaining(['route search', 'tool search/query']) },
  });
  // A node that starts has all of it.
  const again = await node.restart();
  expect(again.context().config.servers).toEqual(config.servers);
  await again.close();
  for (const kind of objectKinds.toReversed()) {
    const { plural } = objectRows[kind];
    const one = `/v1/${plural}/${encodeURIComponent(samples[kind][0])}`;
    const before = await head();
    expect((await ask('DELETE', one, undefined, 1)).body).toMatchObject({ error: 'precondition_failed' });
    expect([kind, (await ask('DELETE', `${one}?dry_run=true`, undefined, 2)).body]).toEqual([kind, { outcome: 'planned' }]);
    expect([kind, (await ask('DELETE', one, undefined, 2)).body]).toEqual([kind, { outcome: 'deleted' }]);
    expect(await left(before)).toEqual([`${kind}.deleted`]);
    if (kind !== 'retention') expect((await ask('GET', one)).body).toMatchObject({ error: 'unknown_object' });
  }
  expect(node.context().config.servers.map(({ name }) => name)).toEqual(['files']);
  expect((await ask('GET', '/v1/retention/traces')).body).toMatchObject({ retention: { spec: { keep: '30d' }, source: 'default' } });
});

test('what the file says is read-only here, and named with its line; the list has it too', async () => {
  expect(await make('servers', 'files', { url: 'https://evil.example/mcp' })).toMatchObject({
    status: 409,
    body: { error: 'managed_by_file', file: node.file, line: 3, message: expect.stringContaining(`${node.file}:3`) },
  });
  expect((await ask('DELETE', '/v1/masking-rules/employee', undefined, 1)).body).toMatchObject({ error: 'managed_by_file', line: 8 });
  expect((await ask('GET', '/v1/config/objects?kind=masking_rule')).body['objects']).toMatchObject([
    { kind: 'masking_rule', name: 'employee', source: 'file', file: node.file, line: 8, served: true, version: null },
  ]);
  const first = await ask('GET', '/v1/config/objects?limit=2');
  const rest = await ask('GET', `/v1/config/objects?limit=50&cursor=${String(first.body['cursor'])}`);
  expect([first.body['has_more'], rest.body['has_more']]).toEqual([true, false]);
  expect((await ask('GET', '/v1/config/objects?cursor=x')).body).toMatchObject({ error: 'invalid_params' });
});

test('what could not serve is refused with its place in it, and nothing is kept', async () => {
  const before = await head();
  const refused = async (kind: string, name: string, spec: unknown): Promise<unknown> => {
    const { status, body } = await make(kind, name, spec);
    expect([kind, name, status]).toEqual([kind, name, 422]);
    expect(body['error']).toBe('config_conflict');
    return body['message'];
  };
  expect(await refused('servers', 'search', { url: 'https://search.example/mcp', timeout: '1' })).toContain('server search: timeout');
  expect(await refused('servers', 'search', { url: 'https://search.example/mcp', timout: '1s' })).toContain('"timout" is not a setting');
  expect(await refused('servers', 'search', { name: 'other', url: 'https://search.example/mcp' })).toContain('name stands in the spec');
  expect(await refused('routes', 'nowhere', {})).toContain('there is no server named nowhere');
  expect(await refused('virtual-servers', 'v1', { servers: [] })).toContain('must name a server');
  expect(await refused('tools', 'files/read', { request: [{ remove: { path: '' } }] })).toContain('tool files/read');
  expect(await refused('masking-rules', 'broken', { pattern: '(' })).toContain('masking rule broken');
  expect(await refused('masking-rules', 'field:ssn', { pattern: 'x' })).toContain('masking rule field:ssn');
  expect(await refused('retention', 'traces', { keep: '900d' })).toContain('retention traces');
  expect(await refused('export-targets', 'nowhere', {})).toContain('leads nowhere');
  expect(await refused('routes', 'files', { path: '/mcp/x', auth: { type: 'open' } })).toContain('auth.type');
  expect((await make('retention', 'bodies', { keep: '1d' })).body).toMatchObject({ error: 'invalid_params' });
  expect(await head()).toBe(before);
});

test('nothing of the machine can be had by it that the file does not allow: no secret, no file, no program, no further address', async () => {
  const refused = async (name: string, spec: unknown, kind = 'servers'): Promise<void> =>
    expect([name, (await make(kind, name, spec)).body]).toMatchObject([
      name,
      { error: 'config_conflict', message: expect.stringMatching(/may not be (?:referred to|set|run) from here/) },
    ]);
  const url = 'https://evil.example/mcp';
  const sent = (secret: unknown) => ({ url, credential: { type: 'bearer', secret } });
  await refused('env', sent({ env: 'AWS_SECRET' }));
  await refused('file', sent({ file: '/etc/shadow' }));
  await refused('kubernetes', sent({ kubernetes: { name: 'database', key: 'password' } }));
  await refused('key', { url, tls: { cert: '/etc/ssl/own.pem', key: { env: 'MCP_TOKEN' } } });
  await refused('ca', { url, tls: { ca: '/etc/passwd' } });
  await refused('metadata', { url: 'http://169.254.169.254/', allow_addresses: ['169.254.169.254'] });
  await refused('program', { transport: 'stdio', command: ['sh', '-c', 'id'] });
  await refused('nearly', { transport: 'stdio', command: ['npx', '-y'] });
  await refused('another', { transport: 'stdio', command: ['npx', '-y', 'bad'] });
  await refused('registry', { transport: 'stdio', command: ['npx', '-y', 'good'], env: { npm_config_registry: url } });
  await refused('folder', { transport: 'stdio', command: ['npx', '-y', 'good'], cwd: '/tmp' });
  await refused('hook', { webhook: { url, secrets: [{ env: 'AWS_SECRET' }] } }, 'export-targets');
  await refused('header', { webhook: { url, headers: { 'x-a': { env: 'AWS_SECRET' } } } }, 'export-targets');
  // What is not refused for that: the metadata of clouds without a word about it, as in the file.
  expect((await make('servers', 'metadata', { url: 'http://169.254.169.254/' })).body).toMatchObject({ error: 'config_conflict' });
  expect((await make('servers', 'allowed', sent({ env: 'MCP_TOKEN' }), '?dry_run=true')).body).toMatchObject({ outcome: 'planned' });
});

test('who may only read sees no addresses and arguments; who is limited to servers reaches no others', async () => {
  const { objects: desk } = node.dependencies;
  expect(desk.fixed()).toHaveLength(2);
  const reader = node.context(actorOf(['config.read', 'servers.read']));
  expect(await getObject(reader, { kind: 'server', name: 'files' })).toMatchObject({ spec: null, line: 3 });
  expect(await getObject(reader, { kind: 'masking_rule', name: 'employee' })).toMatchObject({ spec: { pattern: 'EMP-[0-9]{6}' } });
  const limited = node.context(actorOf(['config.read', 'config.write'], ['search']));
  expect(await listObjects(limited, null)).toEqual([]);
  await expect(getObject(limited, { kind: 'server', name: 'files' })).rejects.toMatchObject({ code: 'unknown_object' });
  for (const object of [
    { kind: 'route', name: 'files', spec: {} },
    { kind: 'retention', name: 'traces', spec: { keep: '1d' } },
  ] as const)
    await expect(putObject(limited, { object, expected: null, dryRun: true })).rejects.toMatchObject({ code: 'forbidden' });
  expect(
    await putObject(limited, { object: { kind: 'server', name: 'search', spec: { url: 'https://search.example/mcp' } }, expected: null, dryRun: true }),
  ).toMatchObject({ outcome: 'planned' });
});

test('a file that takes a name holds; one with which something could not serve is refused, and at a start that rests and is said', async () => {
  await make('servers', 'search', { url: 'https://search.example/mcp' });
  await make('routes', 'search', { path: '/mcp/find' });
  const withSearch = file.replace('servers:\n', 'servers:\n  - { name: search, url: "https://file.example/mcp" }\n');
  expect(await node.rewrite(withSearch)).toBe('applied');
  expect(node.context().config.servers.find(({ name }) => name === 'search')).toMatchObject({ url: 'https://file.example/mcp' });
  expect(await node.rewrite(withSearch.replace('version: 1', '# moved\nversion: 1'))).toBe('unchanged');
  expect(await getObject(node.context(), { kind: 'server', name: 'search' })).toMatchObject({ source: 'file', line: 4 });
  expect((await listObjects(node.context(), 'server')).find(({ source }) => source === 'registry')).toMatchObject({
    isServed: false,
    reason: `${node.file}:4 has the name, and what it says holds`,
  });
  expect(await node.rewrite(file)).toBe('applied');
  expect(node.context().config.servers.find(({ name }) => name === 'search')).toMatchObject({ url: 'https://search.example/mcp' });
  // The file takes the path of the route.
  const taken = `${file}routes:\n  - { server: files, path: /mcp/find }\n`;
  expect(await node.rewrite(taken)).toContain('/mcp/find');
  expect(node.context().config.routes.map(({ path }) => path)).toEqual(['/mcp/files', '/mcp/find']);
  const again = await node.restart();
  expect(again.context().config.routes.map(({ path }) => path)).toContain('/mcp/find');
  expect(again.context().config.servers.map(({ name }) => name)).toContain('files');
  expect([...again.dependencies.objects.resting().keys()]).toEqual(['route search']);
  expect(await getObject(again.context(), { kind: 'route', name: 'search' })).toMatchObject({ isServed: false });
  // What rests stands in nobody's way, and can be deleted.
  expect((await again.request('POST', '/v1/virtual-servers', { front: 'admin', body: { name: 'all', spec: { servers: ['*'] } } })).status).toBe(201);
  expect((await again.request('DELETE', '/v1/routes/search', { front: 'admin', headers: { 'if-match': '"1"' } })).status).toBe(200);
  expect([...again.dependencies.objects.resting()]).toEqual([]);
  await again.close();
  expect(await node.rewrite(file)).toBe('unchanged');
});

test('prices of the file name their lines, and are changed there', async () => {
  const lines = file.trimEnd().split('\n').length;
  await node.rewrite(
    `${file.trimEnd()}\npricing:\n  currency: EUR\n  overrides:\n    - server: files\n      per_call: 2\n    - { server: files, tool: read, per_call: 3 }\n`,
  );
  expect((await ask('GET', '/v1/prices')).body['prices']).toMatchObject([
    { name: 'default', source: 'file', file: node.file, line: null },
    { name: 'files', source: 'file', file: node.file, line: lines + 4 },
    { name: 'files/read', line: lines + 6 },
  ]);
  const refused = await ask('PUT', `/v1/prices/${encodeURIComponent('files/read')}`, { spec: { per_call: 1 } }, 1);
  expect(refused).toMatchObject({ status: 409, body: { error: 'managed_by_file', file: node.file, line: lines + 6 } });
  expect((await ask('POST', '/v1/prices', { name: 'files/write', spec: { per_call: 1 } })).body).toMatchObject({ error: 'managed_by_file' });
});
