import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { configFaultsOf } from './config-fault.ts';
import type { Config } from './config.ts';
import { loadConfig } from './load.ts';
import { checkSecrets, resolveStream } from './secrets.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-audit-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(streams: readonly object[]): Config {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, JSON.stringify({ version: 1, audit: { streams } }));
  return loadConfig({ file, env: {} });
}

function faults(streams: readonly object[]): string[] {
  try {
    load(streams);
    return [];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return configFaultsOf(error).map(({ path, message }) => `${path}: ${message}`);
  }
}

test('a stream says where it goes, and the secrets of it are read from where they are kept', () => {
  const config = load([
    { name: 'siem', syslog: { address: '[::1]:6514' } },
    {
      name: 'soc',
      webhook: { url: 'https://soc.example/hook', secrets: [{ env: 'SOC' }], headers: { Authorization: { env: 'TOKEN' } } },
      format: 'ocsf',
      events: ['key.*'],
    },
  ]);
  const [syslog, webhook] = config.audit.streams;
  expect(syslog).toMatchObject({ format: 'json', events: ['*'], to: { host: '::1', port: 6514, facility: 13, tls: { caFile: null } } });
  const env = { SOC: `whsec_${Buffer.alloc(32, 7).toString('base64')}`, TOKEN: 'Bearer abc-def-ghi' };
  expect(webhook && resolveStream(webhook, env)).toMatchObject({
    events: ['key.*'],
    to: { keys: [Buffer.alloc(32, 7)], headers: { authorization: 'Bearer abc-def-ghi' } },
  });
  expect(checkSecrets(config, env)).toEqual([]);
  expect(checkSecrets(config, { ...env, SOC: 'too short' }).map(({ setting }) => setting)).toEqual(['audit.streams.soc.webhook.secrets']);
});

test.each([
  [{ name: 'a' }, 'leads nowhere'],
  [{ name: 'a', syslog: { address: 'siem.example:6514' }, webhook: { url: 'https://soc.example/' } }, 'has two targets'],
  [{ name: 'a', syslog: { address: 'siem.example' } }, 'must be HOST:PORT'],
  [{ name: 'a', syslog: { address: 'siem.example:70000' } }, 'must be HOST:PORT'],
  [{ name: 'a', syslog: { address: '169.254.169.254:514' } }, 'is no place to send events to'],
  [{ name: 'a', syslog: { address: 'siem.example:514', transport: 'tcp', tls: { ca: 'ca.pem' } } }, 'the transport is tcp'],
  [{ name: 'a', syslog: { address: 'siem.example:6514', tls: { cert: 'c.pem' } } }, 'tls has no key'],
  [{ name: 'a', webhook: { url: 'http://soc.example/' } }, 'sent in clear'],
  [{ name: 'a', webhook: { url: 'https://user:password@soc.example/' } }, 'a user name or password'],
  [{ name: 'a', webhook: { url: 'https://[fe80::1]/' } }, 'is no place to send anything to'],
  [{ name: 'a', webhook: { url: 'https://soc.example/', headers: { authorization: 'Bearer written-here' } } }, 'is a secret written into the file'],
  [{ name: 'a', webhook: { url: 'https://soc.example/', secrets: ['whsec_written'] } }, 'is a secret written into the file'],
  [{ name: 'a', syslog: { address: 'siem.example:6514' }, events: ['Key Made'] }, 'must be an action'],
])('%j is refused: %s', (stream, message) => {
  expect(faults([stream]).join('\n')).toContain(message);
});

test('two streams cannot have one name', () => {
  const stream = { name: 'a', syslog: { address: 'siem.example:6514' } };
  expect(faults([stream, stream])).toEqual(['audit.streams[1].name: two streams are named a']);
});
