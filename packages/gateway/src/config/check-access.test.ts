import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { configFaultsOf } from './config-fault.ts';
import type { Config } from './config.ts';
import { loadConfig } from './load.ts';
import { checkSecrets, resolveOpa, secretFiles } from './secrets.ts';

const bundle = join(import.meta.dirname, '../../../../test/support/opa/bundle.tar.gz');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-access-'));
  copyFileSync(bundle, join(folder, 'bundle.tar.gz'));
  writeFileSync(join(folder, 'other.tar.gz'), 'no bundle');
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(access: object, more: object = {}): Config {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, JSON.stringify({ version: 1, access, ...more }));
  return loadConfig({ file, env: {} });
}

function faults(access: object, more: object = {}): string[] {
  try {
    load(access, more);
    return [];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return configFaultsOf(error).map(({ path, message }) => `${path}: ${message}`);
  }
}

test('Open Policy Agent is a server, asked with the secret that is kept elsewhere, or a bundle that is looked at for changes', () => {
  const byRest = load({ opa: { url: 'https://opa.example/base/', decision: 'a/b', timeout: '20ms', credential: { type: 'bearer', secret: { env: 'OPA' } } } });
  expect(resolveOpa(byRest, { OPA: 'abc-def-ghi' })).toEqual({
    kind: 'rest',
    path: 'a/b',
    timeoutMs: 20,
    origin: 'https://opa.example',
    basePath: '/base',
    credential: { header: 'authorization', value: 'Bearer abc-def-ghi' },
    tls: null,
    allowedNetworks: [],
  });
  expect(checkSecrets(byRest, {}).map(({ setting }) => setting)).toEqual(['access.opa.credential']);

  const compiled = load({ opa: { bundle: 'bundle.tar.gz', decision: 'gatewayops/allow' } });
  expect(secretFiles(compiled)).toEqual([join(folder, 'bundle.tar.gz')]);
  expect(resolveOpa(compiled, {})).toMatchObject({
    kind: 'bundle',
    path: 'gatewayops/allow',
    timeoutMs: 100,
    data: expect.stringContaining('"amount":100') as unknown,
  });
  expect(resolveOpa(load({}), {})).toBeNull();
});

test('a bundle that cannot serve is refused before it does', () => {
  const said = (opa: object): string[] => checkSecrets(load({ opa }), {}).map(({ setting, fault }) => `${setting} ${fault.message}`);
  expect(said({ bundle: 'bundle.tar.gz', decision: 'gatewayops/other' })).toEqual([expect.stringContaining('has no entrypoint gatewayops/other')]);
  expect(said({ bundle: 'other.tar.gz', decision: 'a' })).toEqual([expect.stringContaining('is no bundle')]);
  expect(said({ bundle: 'gone.tar.gz', decision: 'a' })).toEqual([expect.stringContaining('there is no file')]);
});

test('what cannot be asked is refused with its place', () => {
  const decision = 'gatewayops/allow';
  expect(faults({ opa: { decision } })).toEqual(['access.opa: Open Policy Agent is nowhere']);
  expect(faults({ opa: { decision, url: 'http://opa.example', bundle: 'b.tar.gz' } })).toEqual(['access.opa: Open Policy Agent is in two places']);
  expect(faults({ opa: { decision, url: 'http://169.254.169.254' } })).toEqual([expect.stringContaining('is no place to send anything to')]);
  expect(faults({ opa: { decision, url: 'http://169.254.10.1', allow_addresses: ['169.254.10.0/24'] } })).toEqual([]);
  expect(faults({ opa: { decision, url: 'http://user:word@opa.example' } })).toEqual([expect.stringContaining('holds a user name or password')]);
  expect(faults({ opa: { decision, url: 'http://opa.example?x=1' } })).toEqual(['access.opa.url: the url has a query']);
  expect(faults({ opa: { decision: '../x', url: 'http://opa.example' } })).toEqual([expect.stringContaining('access.opa.decision')]);
  expect(faults({ opa: { decision, url: 'http://opa.example', timeout: '200ms' } })).toEqual([expect.stringContaining('access.opa.timeout')]);
  expect(faults({ opa: { decision, bundle: 'b.tar.gz', allow_addresses: [] } })).toEqual(['access.opa.allow_addresses: the bundle has no allow_addresses']);
});

test('a condition on the tool is for tools, and asks after what there is', () => {
  const rule = (more: object): object => ({ policies: [{ name: 'r', effect: 'deny', ...more }] });
  expect(faults({}, rule({ when: 'tool.risk == "high"' }))).toEqual([]);
  expect(faults({}, rule({ when: 'tool.risk == "high"', resources: ['x:*'] }))).toEqual([expect.stringContaining('the condition cannot serve')]);
  expect(faults({}, rule({ when: 'tool.annotations.destructive' }))).toEqual([expect.stringContaining('the condition cannot serve')]);
  expect(faults({ risks: [{ tools: ['x'], risk: 'huge' }] })).toEqual([expect.stringContaining('access.risks[0].risk')]);
});
