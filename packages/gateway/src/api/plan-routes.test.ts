import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlWithAccess } from '../../../../test/support/access.ts';
import { configuredControl, type ConfiguredControl } from '../../../../test/support/configured-control.ts';
import { actorOf, type TestControl } from '../../../../test/support/control.ts';
import { applyDocument } from '../control/objects/apply-document.ts';

const file = `version: 1
servers:
  - { name: fixed, url: "https://fixed.example/mcp" }
`;

let control: TestControl;
let node: ConfiguredControl;
let end: () => Promise<void>;
beforeAll(async () => {
  ({ control, end } = await startControlWithAccess({}));
  node = await configuredControl(control, file, { overrides: { access: control.dependencies.access } });
});
afterAll(async () => {
  await node?.close();
  await end?.();
});

type Body = Readonly<Record<string, unknown>>;
interface Plan {
  readonly base: string;
  readonly changes: readonly { readonly kind: string; readonly name: string; readonly action: string; readonly settings: readonly string[] }[];
  readonly summary: Body;
  readonly others: readonly string[];
}

async function post(path: string, body: unknown): Promise<{ readonly status: number; readonly body: Body }> {
  const answer = await node.request('POST', path, { front: 'admin', body });
  return { status: answer.status, body: (await answer.json()) as Body };
}

async function plan(document: unknown): Promise<Plan> {
  const { status, body } = await post('/v1/config/plan', { document: JSON.stringify(document) });
  expect([status, body]).toEqual([200, { plan: expect.anything() as unknown }]);
  return body['plan'] as Plan;
}
const apply = (document: unknown, base: string) => post('/v1/config/apply', { document: JSON.stringify(document), base });
const said = ({ changes }: Plan): string[] => changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`);
const fixedServer = { name: 'fixed', url: 'https://fixed.example/mcp' };

/** Documents that can serve: what refers to a server refers to one that is there. */
const documents = fc
  .record({
    servers: fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c'), timeout: fc.constantFrom('1s', '2s') }), { selector: ({ name }) => name }),
    routed: fc.boolean(),
    tools: fc.array(fc.constantFrom('query', 'read', 'query'), { maxLength: 3 }),
    virtual: fc.constantFrom('none', 'first', '*'),
    fields: fc.option(fc.uniqueArray(fc.constantFrom('ssn', 'iban')), { nil: undefined }),
    traces: fc.option(fc.constantFrom('1d', '30d'), { nil: undefined }),
    policies: fc.option(
      fc.uniqueArray(fc.record({ name: fc.constantFrom('p', 'q'), effect: fc.constantFrom('allow', 'deny') }), { selector: ({ name }) => name }),
      { nil: undefined },
    ),
    price: fc.option(fc.constantFrom(0.1, 0.2), { nil: undefined }),
  })
  .map(({ servers, routed, tools, virtual, fields, traces, policies, price }) => ({
    servers: servers.map(({ name, timeout }) => ({ name, timeout, url: `https://${name}.example/mcp` })),
    routes: routed ? servers.map(({ name }) => ({ server: name, path: `/mcp/to-${name}` })) : [],
    transforms: servers.flatMap(({ name }) => tools.map((tool) => ({ server: name, tool, request: [{ remove: { path: 'debug' } }] }))),
    virtual_servers: virtual === 'none' ? [] : [{ name: 'some', servers: [virtual === '*' ? '*' : (servers[0]?.name ?? 'fixed')] }],
    ...(fields === undefined ? {} : { record: { masking: { fields } } }),
    ...(traces === undefined ? {} : { retention: { traces } }),
    ...(policies === undefined ? {} : { policies }),
    ...(price === undefined ? {} : { pricing: { default: { per_call: price } } }),
  }));

test('plan and apply converge: what was applied plans nothing, whatever was there before', async () => {
  await fc.assert(
    fc.asyncProperty(documents, async (document) => {
      const before = await plan(document);
      const { status, body } = await apply(document, before.base);
      expect([status, body['outcome']]).toEqual([200, before.changes.length === 0 ? 'unchanged' : 'applied']);
      const after = await plan(document);
      expect(said(after)).toEqual([]);
      // What serves is what it says.
      const { config } = node.context();
      expect(config.servers.map(({ name }) => name).toSorted()).toEqual(['fixed', ...document.servers.map(({ name }) => name)].toSorted());
      expect(config.transforms.length).toBe(document.transforms.length);
      if (document.retention !== undefined) expect(`${config.retention.tracesDays}d`).toBe(document.retention.traces);
    }),
    { numRuns: 10 },
  );
}, 240_000);

test('a plan names each change; it is refused when anything has moved since, and then nothing is done', async () => {
  const empty = { servers: [], routes: [], transforms: [], virtual_servers: [], policies: [] };
  await apply(empty, (await plan(empty)).base);
  const document = { servers: [{ name: 'search', url: 'https://search.example/mcp' }], policies: [{ name: 'all', effect: 'allow' }] };
  const first = await plan(document);
  expect(said(first)).toEqual(['add server search', 'add policy all']);
  expect(first.summary).toEqual({ add: 2, change: 0, remove: 0, fixed: 0 });
  const made = { name: 'other', spec: { url: 'https://other.example/mcp' } };
  expect((await post('/v1/servers', made)).status).toBe(201);
  expect(await apply(document, first.base)).toMatchObject({ status: 412, body: { error: 'precondition_failed' } });
  expect(node.context().config.servers.map(({ name }) => name)).toEqual(['fixed', 'other']);
  expect((await control.dependencies.registry.access.policies(control.context().organizationId)).length).toBe(0);
  const second = await plan(document);
  expect(said(second)).toEqual(['add server search', 'remove server other', 'add policy all']);
  const { registry } = control.dependencies;
  const { organizationId } = control.context();
  const { sequence } = await registry.audit.head(organizationId);
  // Two at once: one is done, the other has an older base.
  const both = await Promise.all([apply(document, second.base), apply(document, second.base)]);
  expect(both.map(({ status }) => String(status)).toSorted()).toEqual(['200', '412']);
  const events = await registry.audit.range(organizationId, { after: sequence, limit: 20 });
  expect(events.map(({ action }) => action)).toEqual(['server.created', 'server.deleted', 'policy.created', 'config.plan_applied']);
  const changed = await plan({ servers: [{ name: 'search', url: 'https://search.example/mcp', timeout: '5s' }] });
  expect(changed.changes).toMatchObject([{ action: 'change', kind: 'server', name: 'search', settings: ['timeout'] }]);
});

test('the file of the gateway holds: the same said of it is nothing, anything else is refused; what only a file says is named', async () => {
  const now = node
    .context()
    .config.servers.filter(({ name }) => name !== 'fixed')
    .map(({ name }) => ({ name, url: `https://${name}.example/mcp` }));
  expect(said(await plan({ version: 1, servers: [fixedServer, ...now] }))).toEqual([]);
  const otherwise = { servers: [{ ...fixedServer, timeout: '1s' }, ...now] };
  const found = await plan(otherwise);
  expect(found.changes).toMatchObject([{ action: 'fixed', kind: 'server', name: 'fixed', file: node.file, line: 3, settings: ['timeout'] }]);
  expect(await apply(otherwise, found.base)).toMatchObject({ status: 409, body: { error: 'managed_by_file', line: 3 } });
  expect((await plan({ workers: 3, audit: { trusted_keys: [], streams: [] } })).others).toEqual(['workers', 'audit.trusted_keys']);
});

test('a document that is wrong is refused with its lines, one that could not serve with its place; who may not change policies changes none', async () => {
  const wrong = await post('/v1/config/plan', { document: 'servers:\n  - { name: search, url: "https://a.example/mcp", timeout: 5 }\n' });
  expect(wrong).toMatchObject({ status: 422, body: { error: 'config_invalid', faults: [{ line: 2, path: 'servers[0].timeout' }] } });
  expect(await post('/v1/config/plan', { document: 'routes: [{ server: nowhere }]' })).toMatchObject({ status: 422, body: { error: 'config_conflict' } });
  expect(await post('/v1/config/plan', { document: 'policies: [{ name: x, effect: deny, servers: [nowhere] }]' })).toMatchObject({
    body: { error: 'invalid_params' },
  });
  expect(await post('/v1/config/plan', { document: 'just text' })).toMatchObject({ status: 422 });
  const { base } = await plan({ policies: [] });
  const limited = node.context(actorOf(['config.write']));
  await expect(applyDocument(limited, { document: 'policies: []', base })).rejects.toMatchObject({ code: 'forbidden' });
});
