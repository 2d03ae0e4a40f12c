/**
 * Programs that some tests need and that npm does not bring. Where one is missing, its tests are skipped with the reason
 * in their names; with GATEWAYOPS_REQUIRE_SERVERS=1, as `.ci/run` sets it, they fail instead.
 */
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';

export type Program = keyof typeof programs;

export type Requirement = { readonly path: string; readonly missing: null } | { readonly path: null; readonly missing: string };

const programs = {
  postgres: { package: 'postgresql', names: ['postgres'] },
  'redis-server': { package: 'redis-server', names: ['redis-server'] },
  nginx: { package: 'nginx-light', names: ['nginx'] },
  promtool: { package: 'prometheus', names: ['promtool'] },
  rsyslogd: { package: 'rsyslog rsyslog-openssl', names: ['rsyslogd'] },
  chromium: { package: 'chromium', names: ['chromium', 'chromium-browser', 'google-chrome'] },
} as const;

/** Where the program is, or why a test that needs it cannot run here, with the line that installs it. */
export function requires(program: Program): Requirement {
  const { package: debianPackage, names } = programs[program];
  for (const folder of searchPath(program)) {
    for (const name of names) {
      const path = join(folder, name);
      if (isExecutable(path)) return { path, missing: null };
    }
  }
  return { path: null, missing: `needs ${program}, which is not installed; install it with: sudo apt-get install ${debianPackage}` };
}

/**
 * `describe` for tests that need a program: `define` gets its path. Where it is missing the tests are collected, so that
 * each is named, and skipped; `define` must therefore use the path only inside tests and hooks.
 */
export function describeWith(program: Program, name: string, define: (path: string) => void): void {
  const { path, missing } = requires(program);
  if (missing === null) {
    describe(name, () => {
      define(path);
    });
  } else if (process.env['GATEWAYOPS_REQUIRE_SERVERS'] === '1') {
    test(name, () => expect.fail(missing));
  } else {
    describe.skip(`${name} (${missing})`, () => {
      define('');
    });
  }
}

/** Debian keeps the server programs of PostgreSQL outside the path, a folder for each version; the newest comes first. */
function searchPath(program: Program): string[] {
  // Debian keeps the programs of servers where only root looks for them.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), '/usr/sbin'];
  if (program !== 'postgres') return folders;
  const versions = '/usr/lib/postgresql';
  try {
    const found = readdirSync(versions).filter((version) => /^\d+$/.test(version));
    return [...found.sort((a, b) => Number(b) - Number(a)).map((version) => join(versions, version, 'bin')), ...folders];
  } catch {
    return folders;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
