import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { membersRule } from '../../../../../test/support/members-rule.ts';
import { loadConfig } from '../../config/load.ts';
import { parseNano } from '../../kernel/nano.ts';
import type { PriceList } from '../../kernel/price-list.ts';
import { parseSubject, type PolicyData } from '../../kernel/policy.ts';
import { routingOf, type ServerOrder } from '../../snapshot/server-order.ts';
import { exportConfig } from './export-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
const file = join(folder, 'gateway.yaml');
let control: TestControl;
beforeAll(async () => {
  control = await startControl();
});
afterAll(async () => {
  await control.end();
  rmSync(folder, { recursive: true, force: true });
});

const text = `# Ours.
version: 1
servers:
  - name: search # the one that all use
    targets:
      - { name: blue, url: "https://blue.example/mcp" }
      - { name: green, url: "https://green.example/mcp", weight: 3 }
    balance: weighted
    credential: { type: bearer, secret: { env: SEARCH_TOKEN } }
  - name: files
    url: http://127.0.0.1:9/mcp
`;

test('what was set while the gateway ran is in the file, which loads, says the same, and keeps its comments and references', async () => {
  writeFileSync(file, text);
  const config = loadConfig({ file, env: {} });
  const list: PriceList = {
    currency: 'EUR',
    default: { perCallNano: 1n },
    overrides: [{ server: 'search', tool: 'query', perTokenInputNano: BigInt(parseNano('9007198.123456789')) }],
  };
  const gone = { server: 'gone', tool: null, perCallNano: 2n };
  const { registry, clock } = control.dependencies;
  const { organizationId } = control.context();
  const version = {
    organizationId,
    number: 1,
    source: 'api',
    list: { ...list, overrides: [...list.overrides, gone] },
    effectiveFromMs: 0,
    createdAtMs: clock.nowMs(),
    createdBy: 'key_x',
  } as const;
  await registry.transaction(({ prices }) => prices.insert(version));
  const rules = [
    {
      ...membersRule,
      effect: 'deny',
      name: 'no-deletes',
      subjects: null,
      servers: ['sea*', 'gone'],
      tools: ['delete_*'],
      when: 'args.n > 1',
      reason: 'Ask.',
      untilMs: 1_893_456_000_000,
    },
    { ...membersRule, name: 'members', subjects: [parseSubject('members'), parseSubject('team:a:b *')] },
    { ...membersRule, name: 'rule-2', servers: ['gone', 'gone-*'] },
  ] satisfies readonly PolicyData[];
  const off = { kind: 'agent', name: 'bad\nversion: 2', reason: 'it loops\r- x', untilMs: null, changedAtMs: 1, changedBy: 'key_x' } as const;
  const fresh = await registry.access.policies(organizationId);
  await registry.transaction(async ({ access }) => {
    for (const { data } of fresh) await access.deletePolicy(organizationId, data.name);
    for (const data of rules) await access.putPolicy(organizationId, { data, version: 1, changedAtMs: 1, changedBy: 'key_x' });
    await access.putSwitch(organizationId, off);
  });
  const order: ServerOrder = {
    server: 'search',
    routing: {
      active: null,
      canary: { target: 'green', sharePercent: 2.5, header: { name: 'x-canary', value: 'yes' }, principals: ['key_1'] },
      configured: { active: null, canary: null },
    },
    targets: { blue: { weight: { asked: 7, configured: 1 }, draining: false }, green: { weight: null, draining: true } },
    changedAtMs: 1,
    changedBy: 'key_x',
  };
  const search = config.servers.find(({ name }) => name === 'search')?.upstream;
  if (search === undefined) throw new Error('the server has targets');
  const { context } = control.variant({
    config,
    backup: { ...control.dependencies.backup, configuration: () => ({ file, text: Buffer.from(text), references: [] }) },
    upstreams: {
      ...control.dependencies.upstreams,
      asked: (name) => (name === 'search' ? order : null),
      routing: (_, asked) => routingOf(search, asked),
    },
  });
  const exported = await exportConfig(context());
  expect(exported).toContain('# Ours.');
  expect(exported).toContain('# the one that all use');
  const head = exported.slice(0, exported.indexOf('# Ours.')).split('\n');
  expect(head.filter((line) => line !== '' && !line.startsWith('# '))).toEqual([]);
  for (const said of ['search drains green', 'prices of gone', 'no-deletes for "gone"', 'rule-2 for "gone", "gone-*"', 'agent "bad\\nversion: 2"'])
    expect(head.join('\n')).toContain(said);
  const path = join(folder, 'exported.yaml');
  writeFileSync(path, exported);
  const again = loadConfig({ file: path, env: {} });
  expect(again.pricing).toEqual(list);
  expect(again.policies).toEqual([rules[1], { ...rules[0], servers: ['sea*'] }]);
  expect(again.servers.find(({ name }) => name === 'search')).toMatchObject({
    credential: { secret: { env: 'SEARCH_TOKEN' } },
    upstream: {
      active: null,
      canary: { target: 'green', sharePercent: 2.5, header: { name: 'x-canary', value: 'yes' }, principals: ['key_1'] },
      targets: [
        { name: 'blue', weight: 7 },
        { name: 'green', weight: 3 },
      ],
    },
  });
  expect(again.servers.map(({ name }) => name)).toEqual(['search', 'files']);
});
