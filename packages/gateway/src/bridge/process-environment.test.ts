import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { processEnvironment, resolveCommand } from './process-environment.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-environment-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const build = (env: Record<string, string>, searchPath = ''): Record<string, string> =>
  processEnvironment({ env, cwd: folder, searchPath, home: '/home/of/server' });

describe('processEnvironment', () => {
  test('P5: is PATH, HOME, LANG and what is listed; nothing is inherited', () => {
    expect(Object.keys(build({ TOKEN: 'x' })).sort()).toEqual(['HOME', 'LANG', 'PATH', 'TOKEN']);
    expect(build({}).HOME).toBe('/home/of/server');
    expect(build({ HOME: '/elsewhere', LANG: 'de' })).toMatchObject({ HOME: '/elsewhere', LANG: 'de' });
  });

  test.each([
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'LD_AUDIT',
    'DYLD_INSERT_LIBRARIES',
    'BASH_ENV',
    'ENV',
    'PYTHONPATH',
    'PYTHONSTARTUP',
    'PERL5OPT',
    'RUBYOPT',
    'JAVA_TOOL_OPTIONS',
  ])('P5: %s is refused, and its value is not told', (name) => {
    const refuse = (): unknown => build({ [name]: 'canary-value' });
    expect(refuse).toThrow(Fault);
    expect(refuse).toThrow(name);
    expect(refuse).not.toThrow('canary-value');
  });

  test.each([
    ['A=B', 'x'],
    ['', 'x'],
    ['1A', 'x'],
    ['A', 'a\0b'],
  ])('a malformed variable is refused: %j', (name, value) => {
    expect(() => build({ [name]: value })).toThrow(Fault);
  });

  test('PATH begins with the running node, then each node_modules/.bin upwards; relative folders are left out', () => {
    mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
    const path = build({}, `/opt/tools:.:relative:${folder}`).PATH?.split(':') ?? [];
    expect(path[0]).toBe(dirname(process.execPath));
    expect(path.indexOf(join(folder, 'node_modules', '.bin'))).toBe(1);
    expect(path).toContain('/opt/tools');
    expect(path.every((entry) => entry.startsWith('/'))).toBe(true);
    expect(new Set(path).size).toBe(path.length);
  });

  test('folders upwards that cannot be looked into are passed over', () => {
    symlinkSync('node_modules', join(folder, 'node_modules'));
    expect(build({}).PATH).not.toContain(folder);
  });
});

describe('resolveCommand', () => {
  test('finds an executable file in PATH or relative to the folder, and nothing else', async () => {
    writeFileSync(join(folder, 'tool'), '#!/bin/sh\n');
    expect(await resolveCommand('./tool', folder, '')).toBeNull();
    chmodSync(join(folder, 'tool'), 0o755);
    expect(await resolveCommand('./tool', folder, '')).toBe(join(folder, 'tool'));
    expect(await resolveCommand('tool', '/', `/nowhere:${folder}`)).toBe(join(folder, 'tool'));
    expect(await resolveCommand('tool; echo', '/', folder)).toBeNull();
    expect(await resolveCommand(folder, '/', '')).toBeNull();
  });
});
