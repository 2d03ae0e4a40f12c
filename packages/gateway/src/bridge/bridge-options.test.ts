import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bridgeLimits, parseBridgeListen, parseBridgeOptions } from './bridge-options.ts';

const valid = { name: 'files', listen: { path: '/run/files.sock' }, command: ['npx', 'x'], cwd: '/', env: { A: 'secret-value' }, processes: 'session' };

describe('parseBridgeOptions', () => {
  test('takes a document of the contract', () => {
    expect(parseBridgeOptions(valid)).toEqual(valid);
    const full = {
      ...valid,
      listen: { host: '127.0.0.1', port: 0, hosts: ['a'] },
      searchPath: '/bin',
      home: '/home',
      processes: 'shared',
      limits: { sessionsMax: 5 },
    };
    expect(parseBridgeOptions(full)).toEqual(full);
  });

  test.each([
    ['name', ''],
    ['listen', { path: 'relative' }],
    ['listen', { host: 'a', port: 70_000 }],
    ['listen', { path: '/a', port: 1 }],
    ['command', []],
    ['command', 'npx x'],
    ['cwd', 'relative'],
    ['env', { A: 1 }],
    ['env', null],
    ['processes', 'many'],
    ['limits', { unknown: 1 }],
    ['limits', { sessionsMax: 0 }],
    ['surprise', 1],
  ])('refuses %s = %j by its name, without a value', (name, value) => {
    const parse = (): unknown => parseBridgeOptions({ ...valid, [name]: value });
    expect(parse).toThrow(`option ${name} `);
    expect(parse).not.toThrow('secret-value');
  });
});

describe('parseBridgeListen', () => {
  test('knows Unix sockets, addresses and IPv6', () => {
    expect(parseBridgeListen('unix:/run/a.sock')).toEqual({ path: '/run/a.sock' });
    expect(parseBridgeListen('127.0.0.1:9000')).toEqual({ host: '127.0.0.1', port: 9000 });
    expect(parseBridgeListen('[::1]:0')).toEqual({ host: '::1', port: 0 });
  });

  test.each(['', 'unix:relative', '9000', 'a:70000', 'http://a:1'])('refuses %j', (text) => {
    expect(() => parseBridgeListen(text)).toThrow('no address');
  });
});

test('docs/reference/bridge.md names every bound that can be set', () => {
  const contract = readFileSync(new URL('../../../../docs/reference/bridge.md', import.meta.url), 'utf8');
  const missing = Object.keys(bridgeLimits({ processes: 'session' })).filter((name) => !contract.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});
