import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { planChange } from './plan-change.ts';

const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(settings: Record<string, unknown>): Config {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, JSON.stringify({ version: 1, workers: 1, ...settings }));
  return loadConfig({ file, env: {} });
}

const search = { name: 'search', url: 'http://127.0.0.1:1/mcp' };
const files = { name: 'files', url: 'http://127.0.0.1:2/mcp' };

test('nothing changes where the same is written in other words', () => {
  const change = planChange(config({ servers: [search] }), config({ servers: [{ ...search, timeout: '60s' }], listen: { http: '127.0.0.1:8080' } }));
  expect(change).toEqual({ servers: { added: [], removed: [], changed: [] }, settings: [], restart: [] });
});

test('servers that come, go and change are named, the changed ones with their settings as gateway.yaml calls them', () => {
  const change = planChange(
    config({ servers: [search, files] }),
    config({
      servers: [
        { ...search, url: 'http://127.0.0.1:3/mcp', connections_max: 5 },
        { ...files, name: 'more' },
      ],
    }),
  );
  expect(change.servers).toEqual({ added: ['more'], removed: ['files'], changed: [{ name: 'search', settings: ['connections_max', 'url'] }] });
  expect(change.settings).toEqual([]);
});

test('how a server is reached is named as its entry has it', () => {
  const targets = [
    { name: 'blue', url: 'http://127.0.0.1:1/mcp' },
    { name: 'green', url: 'http://127.0.0.1:2/mcp' },
  ];
  const { servers } = planChange(
    config({ servers: [{ name: 'search', targets, active: 'blue', timeouts: { connect: '1s' }, allow_addresses: ['169.254.10.1'] }] }),
    config({
      servers: [
        {
          name: 'search',
          targets: [targets[0], { ...targets[1], weight: 2 }],
          active: 'green',
          timeouts: { connect: '2s' },
          allow_addresses: ['169.254.10.2'],
        },
      ],
    }),
  );
  expect([...(servers.changed[0]?.settings ?? [])].sort((a, b) => a.localeCompare(b))).toEqual([
    'active',
    'allow_addresses',
    'targets.green.weight',
    'timeouts.connect',
  ]);
});

test('routes, prices, limits and the rest are named by their place, never by their values', () => {
  const from = config({ servers: [search], pricing: { overrides: [{ server: 'search', tool: 'query', per_call: 1 }] } });
  const to = config({
    servers: [search],
    routes: [{ server: 'search', auth: { type: 'none' } }],
    pricing: { default: { per_call: 3 }, overrides: [{ server: 'search', tool: 'query', per_call: 2 }] },
    rate_limits: [{ scope: 'api_key', limit: 7, window: '1m' }],
    limits: { body_max: '1MiB' },
    environment: 'prod',
    listen: { hosts: ['gateway.example'] },
  });
  expect([...planChange(from, to).settings].sort()).toEqual([
    'environment',
    'limits.body_max',
    'listen.hosts',
    'pricing.default.per_call',
    'pricing.overrides.search.query.per_call',
    'rate_limits',
    'routes.search.auth.type',
  ]);
  expect(planChange(from, to).restart).toEqual([]);
});

test('what a running process cannot change is said to need a restart', () => {
  const change = planChange(
    config({ servers: [search] }),
    config({ servers: [search], workers: 2, listen: { http: '127.0.0.1:9' }, log: { level: 'warn' }, journal: { sync: true } }),
  );
  expect([...change.restart].sort()).toEqual(['journal.sync', 'listen.http', 'log.level', 'workers']);
});
