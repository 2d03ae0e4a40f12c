import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from './load.ts';
import type { Config } from './config.ts';
import { Fault } from '../kernel/fault.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatewayops-endpoints-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const servers = 'servers: [{ name: search, url: https://a.example/mcp }, { name: files, url: https://b.example/mcp }]';

function load(text: string): Config {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, `version: 1\n${servers}\n${text}\n`);
  return loadConfig({ file, env: {} });
}

function faultsOf(text: string): string {
  try {
    load(text);
  } catch (thrown) {
    if (thrown instanceof Fault) return JSON.stringify(thrown.extra);
  }
  return 'none';
}

test('without a word about them, all servers are served at /mcp', () => {
  expect(load('')).toMatchObject({ aggregate: { enabled: true, prefix: 'always', nameLimit: 64, pageSize: 1000, deadlineMs: 5000 }, virtualServers: [] });
});

test('a virtual server takes what it leaves out from the aggregate', () => {
  const { virtualServers } = load(`aggregate: { prefix: on-collision, tool_exposure: search }
virtual_servers: [{ name: team, servers: ["se*"], tools: ["q*", { name: drop, rename: remove, description: Removes. }], prompts: [] }]`);
  expect(virtualServers).toEqual([
    {
      name: 'team',
      auth: { type: 'apiKey' },
      servers: ['se*'],
      prefix: 'on-collision',
      toolExposure: 'search',
      tools: [
        { server: null, pattern: 'q*', rename: null, description: null },
        { server: null, pattern: 'drop', rename: 'remove', description: 'Removes.' },
      ],
      resources: null,
      prompts: [],
    },
  ]);
});

test.each([
  ['a server that is not there', '[{ name: t, servers: [serach] }]', 'there is no server named serach', 'Did you mean search?'],
  ['a pattern that fits none', '[{ name: t, servers: ["x*"] }]', 'no server fits x*', 'remove this entry'],
  ['a name twice', '[{ name: t, servers: [files] }, { name: t, servers: [search] }]', 'two virtual servers are named t', '/mcp/v/t'],
  [
    'a tool of another server',
    '[{ name: t, servers: [files], tools: [{ server: search, name: q }] }]',
    'search is not one of the servers of t',
    'Add it to servers',
  ],
  ['a new name twice', '[{ name: t, servers: [files], tools: [{ name: a, rename: x }, { name: b, rename: x }] }]', 'two tools are renamed x', 'another name'],
  ['a new name for several', '[{ name: t, servers: [files], tools: [{ name: "a*", rename: x }] }]', 'a* can be several tools', 'exactly'],
  ['a new name that may be of two', '[{ name: t, servers: ["*"], tools: [{ name: a, rename: x }] }]', 'a can be that of several servers', 'Add server: search'],
  ['open before closed servers', '[{ name: t, servers: [files], auth: { type: none } }]', 't is open, but not all of its servers are', 'open those routes too'],
  [
    'a setting that is none',
    '[{ name: t, servers: [files], tools: [{ name: a, renamed: x }] }]',
    'is not a setting of virtual_servers[0].tools[0]',
    'Did you mean rename?',
  ],
  ['a selection without a name', '[{ name: t, servers: [files], tools: [{ server: files }] }]', 'name is missing in virtual_servers[0].tools[0]', 'Add: name'],
])('%s is a fault with a way out', (_what, entries, message, words) => {
  const faults = faultsOf(`virtual_servers: ${entries}`);
  expect(faults).toContain(message);
  expect(faults).toContain(words);
});

test('what is open needs a loopback address', () => {
  expect(faultsOf('listen: { http: 0.0.0.0:80 }\naggregate: { auth: { type: none } }')).toContain('needs a loopback address');
});
