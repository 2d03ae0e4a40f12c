import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type CommandResult, gatewayEnvironment, removeGatewayFolders, runGateway, temporaryFolder } from '../support/start-gateway.ts';
import { unprivilegedUser } from '../support/temporary-server.ts';

afterAll(removeGatewayFolders);

const search = { name: 'search', url: 'http://127.0.0.1:9/mcp' };

interface Attempt {
  readonly config?: object;
  /** Changes the folder before the start; what it returns is the state folder, by default `state` in it. */
  readonly prepare?: (folder: string) => string | undefined;
  readonly listen?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly format?: 'json' | 'text';
  readonly asNobody?: boolean;
}

async function tryToStart({
  config = { servers: [search] },
  prepare,
  listen = '127.0.0.1:0',
  env = {},
  format = 'json',
  asNobody = false,
}: Attempt): Promise<CommandResult & { folder: string }> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'gateway.yaml'), JSON.stringify({ version: 1, ...config }));
  const state = prepare?.(folder) ?? join(folder, 'state');
  const user = asNobody ? unprivilegedUser('nobody') : null;
  const args = ['start', '--config', join(folder, 'gateway.yaml'), '--state', state, '--listen', listen, '-o', format];
  return { ...(await runGateway(args, { cwd: folder, env: gatewayEnvironment(env), user })), folder };
}

interface Problem {
  readonly error: string;
  readonly message: string;
  readonly cause: string | null;
  readonly fix: string;
  readonly docs: string;
  readonly faults?: readonly { readonly line: number | null; readonly cause: string; readonly fix: string }[];
}

/** One JSON document on the last line of stderr says it all; stdout stays empty, no stack is shown. */
function problemOf({ stdout, stderr }: CommandResult): Problem {
  expect(stdout).toBe('');
  expect(stderr).not.toMatch(/(?:\n|\\n)\s+at .*[:(]/);
  const problem = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as Problem;
  expect(problem.fix).not.toBe('');
  expect(problem.docs).toBe(`docs/reference/faults.md#${problem.error}`);
  return problem;
}

describe('a start that cannot be is refused with what is wrong and what mends it', () => {
  test('a missing configuration', async () => {
    const result = await tryToStart({
      prepare: (folder) => {
        mkdirSync(join(folder, 'elsewhere'));
        writeFileSync(join(folder, 'gateway.yaml'), '');
        return undefined;
      },
    });
    // An empty file is one without `version`.
    expect([result.code, problemOf(result).error]).toEqual([6, 'config_invalid']);
    const missing = await runGateway(['start', '--config', join(result.folder, 'none.yaml'), '-o', 'json'], { cwd: result.folder });
    expect([missing.code, problemOf(missing)]).toMatchObject([2, { error: 'config_unreadable', fix: expect.stringContaining('gateway init') as unknown }]);
    expect(existsSync(join(result.folder, '.gatewayops'))).toBe(false);
  });

  test('a configuration with faults: all of them, each with its place', async () => {
    const result = await tryToStart({ config: { servers: [search, search], rate_limits: [{ scope: 'api_key', limit: 0, window: '1m' }], lisen: {} } });
    const problem = problemOf(result);
    expect([result.code, problem.error, problem.faults?.length]).toEqual([6, 'config_invalid', 3]);
    for (const fault of problem.faults ?? [])
      expect(fault).toMatchObject({ line: 1, cause: expect.stringMatching(/\w/) as unknown, fix: expect.stringMatching(/\w/) as unknown });
    // Nothing was touched for it.
    expect(readdirSync(result.folder)).toEqual(['gateway.yaml']);
  });

  test('L8, promise 15: an open door beyond loopback, by exit code 78', async () => {
    const result = await tryToStart({ config: { servers: [search], routes: [{ server: 'search', auth: { type: 'none' } }] }, listen: '0.0.0.0:0' });
    expect([result.code, problemOf(result)]).toMatchObject([78, { error: 'unsafe_start', message: expect.stringContaining('loopback') as unknown }]);
  });

  test('promise 15: a sample secret beyond loopback, and a secret file that others may read', async () => {
    const credential = (secret: object): object => ({ servers: [{ ...search, credential: { type: 'bearer', secret } }] });
    const sample = await tryToStart({ config: credential({ env: 'SEARCH_TOKEN' }), env: { SEARCH_TOKEN: 'changeme' }, listen: '0.0.0.0:0' });
    expect([sample.code, problemOf(sample)]).toMatchObject([
      78,
      { error: 'unsafe_start', message: expect.stringContaining('servers.search.credential') as unknown },
    ]);
    const readable = await tryToStart({
      config: credential({ file: 'token' }),
      prepare: (folder) => {
        writeFileSync(join(folder, 'token'), 'a-real-secret-of-search', { mode: 0o644 });
        chmodSync(join(folder, 'token'), 0o644);
        return undefined;
      },
    });
    expect([readable.code, problemOf(readable)]).toMatchObject([78, { error: 'unsafe_start', fix: `Run: chmod 600 ${join(readable.folder, 'token')}` }]);
    expect(`${sample.stderr}${readable.stderr}`).not.toMatch(/changeme|a-real-secret/);
  });

  test('a secret that is not there', async () => {
    const result = await tryToStart({ config: { servers: [{ ...search, credential: { type: 'bearer', secret: { env: 'SEARCH_TOKEN' } } }] } });
    expect([result.code, problemOf(result)]).toMatchObject([2, { error: 'secret_unavailable', message: expect.stringContaining('SEARCH_TOKEN') as unknown }]);
  });

  test('a busy port, in both formats, with nothing left running and the state folder free again', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const listen = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    try {
      const result = await tryToStart({ listen });
      expect([result.code, problemOf(result)]).toMatchObject([1, { error: 'address_in_use', message: expect.stringContaining(listen) as unknown }]);
      expect(existsSync(join(result.folder, 'state', 'lock'))).toBe(false);
      const text = await tryToStart({ listen, format: 'text', prepare: () => join(result.folder, 'state') });
      expect(text.code).toBe(1);
      expect(text.stdout).toBe('');
      expect(text.stderr).toMatch(
        new RegExp(`error\\[address_in_use\\]: The address ${listen} is in use[^\\n]*\\n  fix: Stop that program, or start with --listen`),
      );
    } finally {
      other.close();
    }
  });

  test('an address that this machine does not have, or that this user may not use, before anything is opened', async () => {
    // 192.0.2.0/24 is for documentation (RFC 5737).
    const elsewhere = await tryToStart({ config: { servers: [search] }, listen: '192.0.2.7:8080' });
    const named = await tryToStart({ config: { servers: [search] }, listen: 'no-such-name.invalid:8080' });
    for (const [result, words] of [
      [elsewhere, 'this machine has no such address'],
      [named, /name of the host/],
    ] as const) {
      const problem = problemOf(result);
      expect([result.code, problem]).toMatchObject([1, { error: 'address_unusable', message: expect.stringMatching(words) as unknown }]);
      expect(existsSync(join(result.folder, 'state'))).toBe(false);
    }
  });

  test('a file where the state folder should be, or a folder of it', async () => {
    for (const inTheWay of ['state', 'state/journal']) {
      const result = await tryToStart({
        prepare: (folder) => {
          if (inTheWay !== 'state') mkdirSync(join(folder, 'state'));
          writeFileSync(join(folder, inTheWay), 'no folder');
          return undefined;
        },
      });
      expect([result.code, problemOf(result)]).toMatchObject([
        1,
        { error: 'state_broken', message: expect.stringContaining('a file is in the way') as unknown },
      ]);
    }
  });

  test('a broken key file or node name of the state folder is never replaced by a new one', async () => {
    for (const [name, content] of [
      ['secrets/seal.key', 'not a key'],
      ['secrets/events.key', ''],
      ['node', 'node_../../etc'],
    ] as const) {
      const result = await tryToStart({
        prepare: (folder) => {
          mkdirSync(join(folder, 'state', 'secrets'), { recursive: true });
          writeFileSync(join(folder, 'state', name), content);
          return undefined;
        },
      });
      expect([result.code, problemOf(result)]).toMatchObject([1, { error: 'state_broken', message: expect.stringContaining(join('state', name)) as unknown }]);
    }
  });

  test('a broken registry', { timeout: 60_000 }, async () => {
    const result = await tryToStart({
      prepare: (folder) => {
        mkdirSync(join(folder, 'state', 'registry'), { recursive: true });
        writeFileSync(join(folder, 'state', 'registry', 'PG_VERSION'), 'not a version');
        return undefined;
      },
    });
    expect([result.code, problemOf(result)]).toMatchObject([1, { error: 'state_broken', message: expect.stringContaining('embedded registry') as unknown }]);
  });

  test('a state folder that this user may not read, or not make', async () => {
    const closed = (folder: string): string => {
      chmodSync(folder, 0o755);
      mkdirSync(join(folder, 'closed'));
      chmodSync(join(folder, 'closed'), process.getuid?.() === 0 ? 0o700 : 0o000);
      return join(folder, 'closed');
    };
    const existing = await tryToStart({ asNobody: true, prepare: closed });
    const below = await tryToStart({ asNobody: true, prepare: (folder) => join(closed(folder), 'state') });
    for (const result of [existing, below]) {
      expect([result.code, problemOf(result)]).toMatchObject([
        1,
        { error: 'permission_denied', message: expect.stringContaining(join(result.folder, 'closed')) as unknown },
      ]);
    }
  });
});
