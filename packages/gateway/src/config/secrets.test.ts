import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { loadConfig } from './load.ts';
import { resolveCredential, resolveSecret } from './read-secret.ts';
import { checkSecrets, resolveSessionKeys } from './secrets.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatewayops-secrets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const canary = 'canary-secret-8121';

function secretFile(name: string, text: string | Buffer, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function faultOf(action: () => unknown): Fault {
  try {
    action();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('no fault was found');
}

describe('a secret is read from', () => {
  test('a variable', () => expect(resolveSecret({ env: 'T' }, { T: canary }, 'x')).toBe(canary));
  test('a file, without its last line break and with those inside', () => {
    expect(resolveSecret({ file: secretFile('a', `${canary}\n`) }, {}, 'x')).toBe(canary);
    expect(resolveSecret({ file: secretFile('b', `${canary}\r\n`) }, {}, 'x')).toBe(canary);
    expect(resolveSecret({ file: secretFile('c', 'line 1\nline 2\n\n') }, {}, 'x')).toBe('line 1\nline 2\n');
  });
});

describe('a secret that is not there names the setting and the place:', () => {
  test.each([
    ['no variable', { env: 'MISSING' }, /servers\.a\.credential.*MISSING is not set/],
    ['no file', { file: join(folder, 'gone') }, /no file .*gone/],
    ['a folder', { file: folder }, /not a file/],
    ['an empty file', { file: secretFile('empty', '\n') }, /is empty/],
    ['a large file', { file: secretFile('large', 'x'.repeat(70_000)) }, /64 KiB/],
    ['a binary file', { file: secretFile('binary', Buffer.from([0xff, 0xfe])) }, /as text/],
    ['no Kubernetes Secret', { kubernetes: { name: 'n', key: 'k' } }, /no file \/var\/run\/secrets\/gatewayops\/n\/k/],
  ])('%s', (_, reference, words) => {
    const fault = faultOf(() => resolveSecret(reference, {}, 'servers.a.credential'));
    expect(fault.code).toBe('secret_unavailable');
    expect(fault.message).toMatch(words);
    expect(fault.fix.length).toBeGreaterThan(5);
  });
});

test.each([0o644, 0o640, 0o604, 0o660, 0o622])('promise 15: a key file with mode %o is refused as unsafe, with the command that mends it', (mode) => {
  const file = secretFile(`mode-${mode}`, canary, mode);
  const fault = faultOf(() => resolveSecret({ file }, {}, 'servers.a.credential'));
  expect(fault.code).toBe('unsafe_start');
  expect(fault.row.exitCode).toBe(78);
  expect(fault.message).toContain('servers.a.credential');
  expect(fault.fix).toBe(`Run: chmod 600 ${file}`);
  expect(JSON.stringify([fault.message, fault.fix, fault.detail])).not.toContain(canary);
});

describe('a credential', () => {
  test('becomes the header that it names', () => {
    expect(resolveCredential({ type: 'bearer', secret: { env: 'T' } }, { T: canary }, 'x')).toEqual({ header: 'authorization', value: `Bearer ${canary}` });
    expect(resolveCredential({ type: 'header', name: 'X-API-Key', secret: { env: 'T' } }, { T: canary }, 'x')).toEqual({ header: 'x-api-key', value: canary });
  });
  test.each([`${canary}\r\nX-Injected: 1`, ` ${canary}`, `${canary}\u0000`, 'geheimnis-ü'])('%j cannot be sent in a header, and is not shown', (value) => {
    const fault = faultOf(() => resolveCredential({ type: 'bearer', secret: { env: 'T' } }, { T: value }, 'x'));
    expect(fault.code).toBe('secret_unavailable');
    expect(JSON.stringify([fault.message, fault.fix, fault.detail])).not.toContain(value);
  });
});

describe('the secrets of a configuration', () => {
  const file = join(folder, 'gateway.yaml');
  const load = (listen: string, variable: string) => {
    writeFileSync(
      file,
      `version: 1\nlisten: { http: "${listen}" }\nservers:\n  - { name: a, url: https://x, credential: { type: bearer, secret: { env: A } } }\n  - { name: b, transport: stdio, command: [node], env: { B: { env: B } } }\n`,
    );
    const env = { A: variable, B: 'real-secret-9931' };
    return checkSecrets(loadConfig({ file, env }), env).map(({ setting, fault }) => `${setting} ${fault.code}`);
  };

  test('are checked all at once', () => {
    writeFileSync(
      file,
      'version: 1\nservers:\n  - { name: a, url: https://x, credential: { type: bearer, secret: { env: A } } }\n  - { name: b, transport: stdio, command: [node], env: { B: { env: B } } }\n',
    );
    expect(checkSecrets(loadConfig({ file, env: {} }), {}).map(({ setting, fault }) => `${setting} ${fault.code}`)).toEqual([
      'servers.a.credential secret_unavailable',
      'servers.b.env.B secret_unavailable',
    ]);
  });

  test.each(['changeme', 'secret', 'short', 'your-token-here', '<token>', 'password123', 'xxxxxxxxxxxx', 'aaaaaaaaaa'])(
    'A29: the sample value %s is refused where others reach the gateway',
    (value) => {
      expect(load(':8080', value)).toEqual(['servers.a.credential unsafe_start']);
      expect(load('127.0.0.1:8080', value)).toEqual([]);
    },
  );

  test('A29: a real one is not', () => expect(load(':8080', 'Zk3b9vQ1-44s8')).toEqual([]));
});

test('session keys: the same secret makes the same keys on every node, one for each purpose, and a short one is refused by its place', () => {
  const file = join(folder, 'keys.yaml');
  writeFileSync(file, 'version: 1\nsession_keys: [{ env: NEW_KEY }, { env: OLD_KEY }]\n');
  const env = { NEW_KEY: 'n'.repeat(32), OLD_KEY: 'o'.repeat(40) };
  const config = loadConfig({ file, env });
  const keys = resolveSessionKeys(config, env);
  expect(resolveSessionKeys(config, { ...env })).toEqual(keys);
  const all = [...keys.seal, ...keys.events].map((key) => key.toString('hex'));
  expect([all.length, new Set(all).size, keys.seal.every(({ length }) => length === 32)]).toEqual([4, 4, true]);
  expect(checkSecrets(config, { ...env, OLD_KEY: 'short-but-real-8121' }).map(({ setting, fault }) => [setting, fault.code])).toEqual([
    ['session_keys[1]', 'secret_unavailable'],
  ]);
  expect(resolveSessionKeys(loadConfig({ file: null, env: {} }), {})).toEqual({ seal: [], events: [] });
});
