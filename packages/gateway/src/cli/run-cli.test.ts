import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { commands } from './commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatewayops-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
/** As people run it: with the code that earlier runs have compiled. */
const command = join(import.meta.dirname, '../../bin/gateway.js');

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real command, as a process. */
function gateway(args: readonly string[], { cwd = folder, env = {} }: { cwd?: string; env?: Record<string, string> } = {}): Promise<Run> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [command, ...args], {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...output })));
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const valid = 'version: 1\nservers: [{ name: search, url: https://search.example/mcp }]\n';
const wrong = 'version: 1\nservers:\n  - name: search\n    url: https://search.example/mcp\n    timeot: 5s\nroutes: [{ server: serch }]\n';

describe('help', () => {
  test('of the program names every command and every exit code', async () => {
    const { code, stdout } = await gateway(['--help']);
    expect(code).toBe(0);
    for (const { name } of commands) expect(stdout).toMatch(new RegExp(`^  ${name[0]}\\b`, 'm'));
    for (const exit of [0, 1, 2, 3, 4, 5, 6, 78, 130]) expect(stdout).toMatch(new RegExp(`^  ${exit} +\\w`, 'm'));
  });

  test('of a command names its options, examples and exit codes', async () => {
    const { code, stdout } = await gateway(['keys', 'create', '--help']);
    expect(code).toBe(0);
    for (const words of [
      '--name <TEXT>',
      '--server <NAME>',
      '--expires <WHEN>',
      '--state <DIR>',
      '--url <URL>',
      '-o, --output <FORMAT>',
      'gateway keys create --name my-agent',
      '78   refused',
    ])
      expect(stdout).toContain(words);
  });
});

describe('wrong usage ends with 2, says what is wrong on stderr and nothing on stdout:', () => {
  test.each<[string[], RegExp]>([
    [[], /No command is named/],
    [['strat'], /Unknown command 'strat' \(Did you mean start\?\)/],
    [['keys'], /keys create, keys list/],
    [['keys', 'create'], /--name <TEXT>/],
    [['keys', 'get'], /missing required argument/i],
    [['validate', '--confg', 'x'], /Did you mean --config\?/],
    [['plan', 'a.yaml', 'b.yaml'], /Too many arguments/],
    [['version', '-o', 'xml'], /text, json or ndjson/],
    [['keys', 'list', '--state', 'a', '--url', 'http://x'], /not both/],
    [['keys', 'list', '--url', 'ftp://x'], /http:\/\/ or https:\/\//],
    [['keys', 'list', '--url', 'http://u:p@x'], /GATEWAYOPS_API_KEY/],
    [['keys', 'create', '--name', 'x', '--expires', 'soon', '--state', '.'], /--expires/],
    [['traces', 'list', '--since', '1h', '--until', '2h', '--state', '.'], /before --until/],
    [['bridge'], /No program is named/],
  ])('%j', async (args, words) => {
    const { code, stdout, stderr } = await gateway(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(words);
    expect(stderr).toMatch(/^error\[usage\]: .+\n {2}fix: .+\n {2}docs: docs\/reference\/faults\.md#usage\n$/s);
  });
});

describe('validate', () => {
  test('of a valid file ends with 0', async () => {
    const path = file('valid.yaml', valid);
    expect(await gateway(['validate', path])).toMatchObject({ code: 0, stdout: '✓ valid.yaml is valid: 1 server, 1 route\n', stderr: '' });
    const { stdout } = await gateway(['validate', '--config', path, '-o', 'json']);
    expect(JSON.parse(stdout)).toEqual({ valid: true, file: path, servers: 1, routes: 1, warnings: [] });
  });

  test('of a wrong one ends with 6 and shows every fault with its place, cause and fix', async () => {
    const path = file('wrong.yaml', wrong);
    const { code, stdout, stderr } = await gateway(['validate', path]);
    expect([code, stderr]).toEqual([6, '']);
    expect(stdout).toMatch(/^wrong\.yaml:5:5 {2}"timeot" .+\n {4}cause: .+\n {4}fix: Did you mean timeout\?$/m);
    expect(stdout).toMatch(/^wrong\.yaml:6:20 {2}there is no server named serch\n {4}cause: .+\n {4}fix: Did you mean search\?$/m);

    const json = await gateway(['validate', path, '--json']);
    expect(json.code).toBe(6);
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: false,
      file: path,
      faults: [
        { line: 5, column: 5, path: 'servers[0].timeot' },
        { line: 6, column: 20, path: 'routes[0].server' },
      ],
    });
    const lines = (await gateway(['validate', path, '-o', 'ndjson'])).stdout.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { line: number }).line)).toEqual([5, 6]);
  });

  test('warns of a secret that is not there, and does not show one that is', async () => {
    const path = file('secret.yaml', 'version: 1\nservers: [{ name: a, url: https://a, credential: { type: bearer, secret: { env: A_TOKEN } } }]\n');
    expect(await gateway(['validate', path])).toMatchObject({ code: 0, stdout: expect.stringMatching(/▲ .*A_TOKEN is not set/) as unknown });
    const { code, stdout, stderr } = await gateway(['validate', path], { env: { A_TOKEN: 'canary-7712' } });
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain('canary-7712');
  });

  test.each<[string, string[], Record<string, string>, RegExp]>([
    ['a file that is not there', ['validate', 'gone.yaml'], {}, /gone\.yaml cannot be read: there is no such file/],
    ['no file at all', ['validate'], {}, /gateway\.yaml cannot be read/],
    ['a folder', ['validate', '.'], {}, /it is a folder/],
  ])('of %s ends with 2 and the way to make one', async (_, args, env, words) => {
    const { code, stdout, stderr } = await gateway(args, { env });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(words);
    expect(stderr).toContain('gateway init');
  });
});

test('an error with -o json is one JSON document on stderr', async () => {
  const { code, stdout, stderr } = await gateway(['plan', file('wrong.yaml', wrong), '-o', 'json']);
  expect([code, stdout]).toEqual([6, '']);
  expect(JSON.parse(stderr)).toMatchObject({
    error: 'config_invalid',
    fix: expect.any(String) as unknown,
    docs: 'docs/reference/faults.md#config_invalid',
    faults: [{ line: 5 }, { line: 6 }],
  });
  for (const args of [
    ['keys', 'create', '-o', 'json'],
    ['nonsense', '--json'],
    ['version', '--output=json', 'x'],
  ]) {
    expect(JSON.parse((await gateway(args)).stderr)).toMatchObject({ error: 'usage', fix: expect.any(String) as unknown });
  }
});

test('init writes a configuration that validates and plans, and never overwrites one', async () => {
  const made = await gateway(['init', 'fresh']);
  expect(made.code).toBe(0);
  expect(made.stdout).toContain('npx --no gateway validate --config fresh/gateway.yaml');
  const inside = join(folder, 'fresh');
  expect(await gateway(['validate'], { cwd: inside })).toMatchObject({ code: 0 });
  expect((await gateway(['plan'], { cwd: inside })).stdout).toMatch(/Plan: 2 routes, 2 backends\. Run it with: npx --no gateway start$/m);
  expect((await gateway(['plan', '--config', 'fresh/gateway.yaml'])).stdout).toContain('Run it with: npx --no gateway start --config fresh/gateway.yaml\n');
  writeFileSync(join(inside, 'gateway.yaml'), '# mine\n');
  rmSync(join(inside, 'files'), { recursive: true });
  const again = await gateway(['init', 'fresh']);
  expect(again).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('exists already; nothing was written') as unknown });
  expect(readFileSync(join(inside, 'gateway.yaml'), 'utf8')).toBe('# mine\n');
  expect(existsSync(join(inside, 'files'))).toBe(false);
});

test('plan prints routes, auth and backends, as text and JSON', async () => {
  const path = file('valid.yaml', valid);
  expect((await gateway(['plan', path])).stdout).toMatch(/\+ \/mcp\/search {2}→ search {3}auth apiKey, timeout 1m/);
  expect(JSON.parse((await gateway(['plan', path, '-o', 'json'])).stdout)).toMatchObject({
    data_plane: 'built-in',
    routes: [{ path: '/mcp/search', auth: 'apiKey' }],
    backends: [{ server: 'search', transport: 'http' }],
  });
});

describe('start refuses', () => {
  test('A29: an open door on other addresses than loopback, with 78', async () => {
    const path = file('open.yaml', `${valid}routes: [{ server: search, auth: { type: none } }]\n`);
    const { code, stdout, stderr } = await gateway(['start', '--config', path, '--listen', '0.0.0.0:0', '--state', 'unsafe-state']);
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toMatch(/error\[unsafe_start\]: .*loopback.*routes\[0\]\.auth/);
    expect(existsSync(join(folder, 'unsafe-state'))).toBe(false);
  });

  test('promise 15: a key file that others may read, with 78', async () => {
    writeFileSync(join(folder, 'token.key'), 'canary-9918', { mode: 0o644 });
    const path = file('readable.yaml', 'version: 1\nservers: [{ name: a, url: https://a, credential: { type: bearer, secret: { file: token.key } } }]\n');
    const { code, stderr } = await gateway(['start', '--config', path, '--state', 'unsafe-state']);
    expect(code).toBe(78);
    expect(stderr).toMatch(/servers\.a\.credential.*\n.*fix: Run: chmod 600 .*token\.key/);
    expect(stderr).not.toContain('canary-9918');
  });

  test('a secret that is missing, and a wrong configuration', async () => {
    const path = file('missing.yaml', 'version: 1\nservers: [{ name: a, url: https://a, credential: { type: bearer, secret: { env: GONE_TOKEN } } }]\n');
    expect(await gateway(['start', '--config', path])).toMatchObject({ code: 2, stderr: expect.stringContaining('GONE_TOKEN is not set') as unknown });
    expect(await gateway(['start', '--config', file('wrong.yaml', wrong)])).toMatchObject({
      code: 6,
      stdout: '',
      stderr: expect.stringContaining('wrong.yaml:5:5') as unknown,
    });
  });
});

test('a bridge on another address than loopback must be asked for, with 78', async () => {
  expect(await gateway(['bridge', '--listen', '0.0.0.0:0', '--', 'node', 'x.js'])).toMatchObject({
    code: 78,
    stdout: '',
    stderr: expect.stringContaining('--without-auth') as unknown,
  });
});

describe('where no gateway is, commands end with 5 and say where they looked:', () => {
  test('no state folder', async () => {
    expect(await gateway(['keys', 'list'])).toMatchObject({
      code: 5,
      stdout: '',
      stderr: expect.stringMatching(/error\[gateway_unreachable\].*\.gatewayops or above/) as unknown,
    });
  });
  test('a state folder that no gateway uses', async () => {
    mkdirSync(join(folder, 'idle'));
    expect(await gateway(['servers', 'list', '--state', 'idle'])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/idle.*\n {2}cause: no gateway has its socket there/) as unknown,
    });
  });
  test('an address where nothing listens', async () => {
    expect(await gateway(['traces', 'list', '--url', 'http://127.0.0.1:1'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('cause: nothing listens there') as unknown,
    });
  });
});

describe('what answers at an address', () => {
  async function answering(
    answer: (path: string) => { status: number; body: string; type?: string },
    test: (url: string, seen: string[]) => Promise<void>,
  ): Promise<void> {
    const seen: string[] = [];
    const server: Server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
      const { status, body, type = 'application/json' } = answer(request.url ?? '');
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }

  test('may be something else: exit 5', async () => {
    await answering(
      () => ({ status: 200, body: '<html>', type: 'text/html' }),
      async (url) => {
        expect(await gateway(['keys', 'list', '--url', url])).toMatchObject({ code: 5, stderr: expect.stringContaining('something else answered') as unknown });
      },
    );
    await answering(
      () => ({ status: 200, body: '{"keys":[{"id":7}]}' }),
      async (url) => {
        expect(await gateway(['keys', 'list', '--url', url])).toMatchObject({ code: 5, stderr: expect.stringContaining('another shape') as unknown });
      },
    );
  });

  test.each([
    [401, 'unauthorized', 4],
    [403, 'forbidden', 4],
    [404, 'not_found', 3],
    [404, 'unknown_object', 3],
    [429, 'rate_limit_exceeded', 1],
    [503, 'unavailable', 5],
  ])('a fault with status %i ends with %s → %i, with its request id', async (status, error, exit) => {
    await answering(
      () => ({ status, body: JSON.stringify({ error, message: 'M\u001b[31m', fix: 'F', request_id: 'req_1' }) }),
      async (url) => {
        const { code, stdout, stderr } = await gateway(['keys', 'get', 'a/b', '--url', url]);
        expect([code, stdout]).toEqual([exit, '']);
        // What mends a missing key is for HTTP in the answer, for the command line here.
        const mends = 'Set GATEWAYOPS_API_KEY to a key of this gateway, sign in with `gateway login --url URL`, or use --state on its machine.';
        const fix = error === 'unauthorized' ? mends : 'F';
        expect(stderr).toBe(`error[${error}]: M [31m\n  fix: ${fix}\n  docs: docs/reference/faults.md#${error}\n  request: req_1\n`);
      },
    );
  });

  test('gets the key of the environment, below the path of the address, and nothing of an id as path', async () => {
    await answering(
      () => ({ status: 404, body: '{"error":"not_found","message":"m"}' }),
      async (url, seen) => {
        await gateway(['keys', 'get', '../../x', '--url', `${url}/base/`], { env: { GATEWAYOPS_API_KEY: 'gwo_dev_canary' } });
        await gateway(['keys', 'get', 'y'], { env: { GATEWAYOPS_URL: url } });
        expect(seen).toEqual(['GET /base/v1/auth/keys/..%2F..%2Fx Bearer gwo_dev_canary', 'GET /v1/auth/keys/y ']);
      },
    );
  });
});

test('doctor finds what is wrong before a start, and ends with 6', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    mkdirSync(join(folder, 'loose'), { mode: 0o755 });
    const path = file('busy.yaml', `${valid}listen: { http: "127.0.0.1:${port}" }\n`);
    const { code, stdout } = await gateway(['doctor', '--config', path, '--state', 'loose']);
    expect(code).toBe(6);
    expect(stdout).toMatch(/^✓ config: .*busy\.yaml, 1 server$/m);
    expect(stdout).toMatch(/^⬣ port: 127\.0\.0\.1:\d+ is in use by another program\n {4}fix: /m);
    expect(stdout).toMatch(/^⬣ state: others may enter .*loose \(mode 755\)\n {4}fix: Run: chmod 700 /m);
    expect(stdout).toMatch(/^▲ gateway: .*\n {4}fix: /m);
    expect(stdout).toMatch(/\n2 problems, \d warnings?\.\n$/);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test.skipIf(process.getuid?.() === 0)('doctor sees that a new state folder cannot be made', async () => {
  const path = file('well.yaml', `${valid}listen: { http: "127.0.0.1:0" }\n`);
  mkdirSync(join(folder, 'read-only'), { mode: 0o555 });
  const { code, stdout } = await gateway(['doctor', '--config', path, '--state', 'read-only/new/state']);
  expect(code).toBe(6);
  expect(stdout).toMatch(/^⬣ state: .*state is new, and this user may not write in .*read-only\n {4}fix: /m);
});

test('doctor finds nothing to mend where all is well', async () => {
  const path = file('well.yaml', `${valid}listen: { http: "127.0.0.1:0" }\n`);
  const { code, stdout } = await gateway(['doctor', '--config', path, '--state', 'new-state', '-o', 'json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    healthy: true,
    checks: [
      { check: 'config', state: 'ok' },
      { check: 'port', state: 'ok' },
      { check: 'state', state: 'ok' },
      { check: 'gateway', state: 'warning' },
    ],
  });
});

test('a reader that has seen enough ends no command with an error', async () => {
  const { PATH = '' } = process.env;
  const child = spawn('sh', ['-c', `"${process.execPath}" "${command}" --help | head -n 1`], { cwd: folder, env: { PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  expect(stderr).toBe('');
});
