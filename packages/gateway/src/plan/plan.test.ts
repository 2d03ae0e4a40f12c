import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { planConfig, planText } from './plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatewayops-plan-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a plan', () => {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(
    file,
    `version: 1
listen: { http: 127.0.0.1:9000 }
servers:
  - { name: search, url: https://search.example/mcp, timeout: 30s, credential: { type: bearer, secret: { env: SEARCH_TOKEN } } }
  - { name: local, transport: stdio, command: [node, "a b.js"], env: { LANG: C.UTF-8, TOKEN: { file: token.key } }, processes: shared }
routes: [{ server: local, path: /mcp/here, auth: { type: none }, timeout: 5s }]
virtual_servers: [{ name: team, servers: ["s*"], tools: [query], prefix: never }]
`,
  );
  const plan = planConfig(loadConfig({ file, env: { SEARCH_TOKEN: 'canary-5512' } }));

  test('names each route, how it is guarded, and its backend', () => {
    expect(plan.routes).toEqual([
      { path: '/mcp/search', facade: '/v1/mcp/search', server: 'search', auth: 'apiKey', timeout_ms: 30_000 },
      { path: '/mcp/here', facade: '/v1/mcp/local', server: 'local', auth: 'none', timeout_ms: 5000 },
    ]);
    expect(plan.auth.map(({ type, routes }) => [type, routes])).toEqual([
      ['apiKey', ['/mcp/search', '/mcp', '/mcp/v/team']],
      ['none', ['/mcp/here']],
    ]);
    expect(plan.endpoints).toEqual([
      { path: '/mcp', servers: ['search', 'local'], auth: 'apiKey', prefix: 'always', tool_exposure: 'all', selected: false },
      { path: '/mcp/v/team', servers: ['search'], auth: 'apiKey', prefix: 'never', tool_exposure: 'all', selected: true },
    ]);
    expect(plan.backends.map(({ server, transport, url, processes }) => ({ server, transport, url, processes }))).toEqual([
      { server: 'search', transport: 'http', url: 'https://search.example/mcp', processes: null },
      { server: 'local', transport: 'stdio', url: null, processes: 'shared' },
    ]);
  });

  test('says where secrets come from and never what they are', () => {
    const text = planText(plan, 'gateway start --config here.yaml');
    expect(text).toContain('Authorization: Bearer from the variable SEARCH_TOKEN');
    expect(text).toContain(`TOKEN from the file ${join(folder, 'token.key')}`);
    expect(text).toContain("'a b.js'");
    expect(text).toContain('Plan: 2 routes, 2 backends.');
    expect(text).toContain('+ /mcp/v/team  → search, a selection   auth apiKey, prefix never, tools all');
    expect(text + JSON.stringify(plan)).not.toContain('canary-5512');
  });

  test('names the targets of a server, and which of them takes the calls', () => {
    writeFileSync(
      file,
      'version: 1\nservers: [{ name: search, targets: [{ name: blue, url: https://b.example/mcp }, { name: green, url: https://g.example/mcp, weight: 2 }], active: green }]\n',
    );
    const text = planText(planConfig(loadConfig({ file, env: {} })), 'gateway start');
    expect(text).toContain('+ search   http  2 targets, balance round-robin');
    expect(text).toContain('target      blue  https://b.example/mcp, weight 1, standby');
    expect(text).toContain('target      green  https://g.example/mcp, weight 2, active');
  });

  test('of nothing is a plan too', () => {
    expect(planText(planConfig(loadConfig({ file: null, env: {} })), 'gateway start')).toContain('Plan: 0 routes, 0 backends.');
  });
});
