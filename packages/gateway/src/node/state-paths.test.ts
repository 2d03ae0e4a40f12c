import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { statePaths } from './state-paths.ts';

const longName = 'a-server-whose-name-is-as-long-as-a-name-may-be-which-is-sixty-three';

test.each([
  ['a short path', '/srv/gatewayops'],
  ['a path as deep as test folders and build machines have', `/home/somebody/${'a-folder-in-a-folder/'.repeat(10)}state`],
  ['letters that take several bytes', `/srv/${'ü'.repeat(40)}`],
])('every socket has a name that the system takes: %s', (_what, folder) => {
  const paths = statePaths(folder);
  for (const socket of [
    paths.adminSocket,
    paths.controlSocket,
    paths.registrySocket,
    `${paths.registrySocket}.lock`,
    paths.ledgerSocket,
    paths.bridgeSocket(longName),
  ]) {
    // sun_path of unix(7), without the NUL at its end.
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(107);
    expect(dirname(socket)).toBe(paths.sockets);
  }
  expect(paths.journal.startsWith(folder)).toBe(true);
});

test('sockets lie in the state folder where they fit, else in a folder of their own', () => {
  expect(statePaths('/srv/gatewayops').sockets).toBe('/srv/gatewayops/run');
  const deep = (name: string): string => statePaths(join('/srv', 'x'.repeat(100), name)).sockets;
  expect(dirname(deep('a'))).toBe(tmpdir());
  expect(deep('a')).not.toBe(deep('b'));
  expect(deep('a')).toBe(deep('c/../a'));
});

test('each server has a socket of its own', () => {
  const { bridgeSocket } = statePaths('/srv/gatewayops');
  expect(bridgeSocket('files')).not.toBe(bridgeSocket('search'));
});
