import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from './load.ts';
import { configTemplate } from './template.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatewayops-template-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the template is valid as it stands, and stays so when its comments are taken in', () => {
  for (const { path, text } of configTemplate) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const file = join(folder, 'gateway.yaml');
  const config = loadConfig({ file, env: { ...process.env } });
  expect(config.servers.map(({ name }) => name)).toEqual(['everything', 'filesystem']);
  expect(config.routes.every(({ auth }) => auth.type === 'apiKey')).toBe(true);

  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replaceAll(/^( *)# (?=(?: *- |routes:|virtual_servers:|rate_limits:|overrides:| +\w+: ))/gm, '$1'));
  expect(loadConfig({ file, env: { ...process.env } })).toMatchObject({
    servers: [{}, {}, { name: 'search' }],
    routes: [{}, {}, { path: '/mcp/find' }],
    virtualServers: [{ name: 'reading', tools: [{}, {}] }],
    rateLimits: [{}, {}],
    pricing: { overrides: [{}] },
  });
});

test('the template names the versions of the sample servers that this repository tests with', () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../package.json'), 'utf8')) as { devDependencies: Record<string, string> };
  const named = [...(configTemplate[0]?.text ?? '').matchAll(/"(@modelcontextprotocol\/[\w-]+)@([\d.]+)"/g)];
  expect(named.length).toBe(2);
  for (const [, name = '', version] of named) expect(manifest.devDependencies[name]).toBe(version);
});
