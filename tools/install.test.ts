import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { explainFailure, installState } from './install.mjs';

describe('what is installed is compared with the lock file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatewayops-install-'));
    mkdirSync(join(folder, 'node_modules'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  type Packages = Record<string, { version?: string; integrity?: string; optional?: boolean; link?: boolean }>;
  const wanted = (packages: Packages) => writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
  const installed = (packages: Packages) => writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
  const a = { version: '1.0.0', integrity: 'sha512-a' };

  test('an installation that never finished is absent', () => {
    wanted({ 'node_modules/a': a });
    expect(installState(folder)).toBe('absent');
  });

  test('the same packages are in step; workspaces and binaries for other systems do not count', () => {
    wanted({ '': {}, 'packages/gateway': { version: '0.1.0' }, 'node_modules/a': a, 'node_modules/other-system': { ...a, optional: true } });
    installed({ 'node_modules/a': a });
    expect(installState(folder)).toBe('in step');
  });

  test.each<[string, Packages]>([
    ['a package that is missing', {}],
    ['another version', { 'node_modules/a': { ...a, version: '0.9.0' } }],
    ['other bytes', { 'node_modules/a': { ...a, integrity: 'sha512-b' } }],
  ])('%s is stale', (_what, packages) => {
    wanted({ 'node_modules/a': a });
    installed(packages);
    expect(installState(folder)).toBe('stale');
  });
});

test.each([
  ['npm error code ECONNREFUSED\nnpm error syscall connect', 'the package registry cannot be reached'],
  ['npm error code EACCES\nnpm error syscall mkdir', 'this user may not write the checkout or the cache of npm'],
  ['npm error code ENOSPC', 'the disk is full'],
  ['npm error code SELF_SIGNED_CERT_IN_CHAIN', 'the certificate of the package registry is not trusted here'],
  ['npm error something new', 'npm says it above'],
])('a failed installation names its cause and a fix: %j', (output, cause) => {
  expect(explainFailure(output)).toEqual([`cause: ${cause}`, expect.stringMatching(/^fix: ./)]);
});
