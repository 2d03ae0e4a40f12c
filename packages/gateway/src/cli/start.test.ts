import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The whole program in a process of its own, asked by the command in others. */
const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
const root = join(import.meta.dirname, '../../../..');
/** As people run it: with the code that earlier runs have compiled. */
const command = join(import.meta.dirname, '../../bin/gateway.js');
const { PATH = '', HOME = '' } = process.env;
const env = { PATH, HOME, API_KEY_BCRYPT_COST: '10', LOG_LEVEL: 'warn' };

interface Ready {
  readonly url: string;
  readonly mcp: string;
  readonly admin_link: string | null;
  readonly api_key: string | null;
}

interface Started {
  readonly child: ChildProcess;
  readonly ready: Ready;
  readonly ended: Promise<number | null>;
}

const started: ChildProcess[] = [];

async function start(): Promise<Started> {
  const child = spawn(process.execPath, [command, 'start', '--listen', '127.0.0.1:0', '-o', 'json'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const first = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  const line = await Promise.race([first, ended.then((code) => Promise.reject(new Error(`start ended with ${code}: ${stderr}`)))]);
  return { child, ready: JSON.parse(line) as Ready, ended };
}

async function gateway(
  args: readonly string[],
  more: Record<string, string> = {},
  cwd = folder,
): Promise<{ code: number | null; stdout: string; stderr: string; json: () => Record<string, unknown> }> {
  const child = spawn(process.execPath, [command, ...args], { cwd, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, ...output, json: () => JSON.parse(output.stdout) as Record<string, unknown> };
}

/** On a machine that is busy a start takes as long as it takes. */
const timeoutMs = 120_000;

async function until<Value>(what: string, probe: () => Promise<Value | null>): Promise<Value> {
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    const value = await probe();
    if (value !== null) return value;
    await pause(100);
  }
  throw new Error(`${what} did not happen within ${timeoutMs} ms`);
}

async function callEcho(url: string, key: string): Promise<Response> {
  return fetch(`${url}/v1/mcp/everything/tools/call`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: '{"tool":"echo","arguments":{"message":"hello"}}',
  });
}

let first: Started;

beforeAll(async () => {
  writeFileSync(
    join(folder, 'gateway.yaml'),
    `version: 1
servers:
  - { name: everything, transport: stdio, command: [${join(root, 'node_modules/.bin/mcp-server-everything')}] }
  - { name: nowhere, url: http://127.0.0.1:1/mcp }
pricing: { default: { per_call: 0.5 } }
workers: 1
`,
  );
  first = await start();
}, timeoutMs);

afterAll(() => {
  for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

describe('a started gateway', () => {
  test('says in its first line where it is and how to get in, the key and the link once', async () => {
    expect(first.ready).toMatchObject({
      ready: true,
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as unknown,
      api_key: expect.stringMatching(/^gwo_dev_[0-9A-Za-z]{32}$/) as unknown,
    });
    expect(first.ready.admin_link).toContain(first.ready.url);
    expect(statSync(join(folder, '.gatewayops')).mode & 0o777).toBe(0o700);
  });

  test('serves a call, and the command reads back its trace, its stops and its cost', async () => {
    const key = first.ready.api_key ?? '';
    const answer = await until('the call', async () => {
      const response = await callEcho(first.ready.url, key);
      const body = (await response.json()) as { result?: unknown; metadata?: { trace_id: string } };
      return response.status === 200 && body.metadata ? body.metadata : null;
    });
    const trace = await until('the trace', async () => {
      const { code, json } = await gateway(['traces', 'get', answer.trace_id, '-o', 'json']);
      return code === 0 ? json() : null;
    });
    expect(trace).toMatchObject({ trace: { id: answer.trace_id, status: 'success', total_cost: 0.5, spans: [{ server: 'everything', tool: 'echo' }] } });
    const text = (await gateway(['traces', 'get', answer.trace_id])).stdout;
    expect(text).toMatch(/✓ success .* everything · echo .*\$0\.5000/s);
    expect(text).toMatch(/Auth .*● ── Access .*● ── Limit .*● ── Guard .*● ── Server .*● ── Reply .*●/);
    expect((await gateway(['traces', 'list', '--since', '1h', '--server', 'everything', '--status', 'success'])).stdout).toContain(answer.trace_id);
    expect((await gateway(['costs', 'summary', '--group-by', 'server'])).stdout).toMatch(/everything +\d+ +\$/);
    expect((await gateway(['metrics', 'server:everything', '--by', 'tool'])).stdout).toMatch(/EACH 5 MINUTES\neverything · echo +\d+ .* ms +.*█/);
    expect((await gateway(['metrics', '--by', 'team'])).stderr).toContain('--by must be server or tool');
  });

  test('gives keys that work until they are revoked, each secret shown once', async () => {
    const made = await gateway([
      'keys',
      'create',
      '--name',
      'ci',
      '--server',
      'everything',
      '--action',
      'tools.call',
      '--expires',
      '1d',
      '--team',
      't1',
      '-o',
      'json',
    ]);
    const key = made.json() as { id: string; secret: string; prefix: string };
    expect(key).toMatchObject({
      id: expect.stringMatching(/^key_/) as unknown,
      name: 'ci',
      secret: expect.stringMatching(/^gwo_dev_/) as unknown,
      scopes: { mcp_servers: ['everything'], actions: ['tools.call'] },
      metadata: { team_id: 't1' },
    });
    expect((await callEcho(first.ready.url, key.secret)).status).toBe(200);

    const list = await gateway(['keys', 'list']);
    expect(list.stdout).toMatch(new RegExp(`${key.id} +ci +${key.prefix} +✓ active +tools.call on everything`));
    const got = await gateway(['keys', 'get', key.id]);
    expect(got.stdout).toMatch(/team_id +t1/);
    const rotated = (await gateway(['keys', 'rotate', key.id, '-o', 'json'])).json() as { secret: string };
    expect(rotated.secret).not.toBe(key.secret);
    expect((await gateway(['keys', 'revoke', key.id])).stdout).toContain('revoked');
    for (const secret of [key.secret, rotated.secret]) expect((await callEcho(first.ready.url, secret)).status).toBe(401);
    expect(list.stdout + got.stdout).not.toContain(key.secret);
    expect(await gateway(['keys', 'get', 'key_unknown'])).toMatchObject({ code: 3, stdout: '' });
    expect(await gateway(['keys', 'create', '--name', 'x', '--server', 'unknown'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('unknown') as unknown,
    });
  });

  test('is found by address with a key, which may do only what its actions name', async () => {
    const { secret } = (await gateway(['keys', 'create', '--name', 'reader', '--action', 'keys.read', '-o', 'json'])).json() as { secret: string };
    const at = { GATEWAYOPS_URL: first.ready.url, GATEWAYOPS_API_KEY: secret };
    expect(await gateway(['keys', 'list'], at)).toMatchObject({ code: 0 });
    expect(await gateway(['admin', 'link'], at)).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('error[forbidden]') as unknown });
    expect(await gateway(['keys', 'list', '--url', first.ready.url])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('error[unauthorized]') as unknown,
    });
  });

  test('tests its servers: one that answers, one that does not', async () => {
    const well = await gateway(['servers', 'test', 'everything']);
    expect(well).toMatchObject({ code: 0, stdout: expect.stringMatching(/✓ handshake .* ms .*\n✓ tools\/list .* tools\n {4}echo {2}/s) as unknown });
    const ill = await gateway(['servers', 'test', 'nowhere']);
    expect(ill).toMatchObject({ code: 6, stdout: expect.stringMatching(/^⬣ \w+ {2}\w/) as unknown });
    expect(
      (await gateway(['servers', 'list', '-o', 'ndjson'])).stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { name: string }).name),
    ).toEqual(['everything', 'nowhere']);
    const { code, stdout } = await gateway(['doctor']);
    expect(code).toBe(6);
    for (const line of [
      /^✓ gateway: ready/m,
      /^✓ registry: ok/m,
      /^✓ server everything: handshake/m,
      /^⬣ server nowhere: .*\n {4}fix: gateway servers test nowhere$/m,
    ])
      expect(stdout).toMatch(line);
  });

  test('doctor elsewhere misses no configuration of a gateway that runs', async () => {
    mkdirSync(join(folder, 'elsewhere'));
    const { stdout } = await gateway(['doctor', '--state', join(folder, '.gatewayops')], {}, join(folder, 'elsewhere'));
    expect(stdout).toMatch(/^✓ config: not checked: .* --config FILE\n✓ state: /);
  });

  test('makes administrator links', async () => {
    const { code, stdout, stderr } = await gateway(['admin', 'link']);
    expect([code, stdout.startsWith(first.ready.url)]).toEqual([0, true]);
    expect(stderr).toContain('once');
  });

  test('keeps its state folder to itself', async () => {
    expect(await gateway(['start', '--listen', '127.0.0.1:0'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/error\[state_locked\].*\n {2}fix: .*--state DIR/s) as unknown,
    });
  });

  test('and says so too where its address is asked for a second time', async () => {
    const { code, stderr } = await gateway(['start', '--listen', new URL(first.ready.url).host]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/error\[state_locked\].* by process \d+\.\n {2}fix: It is a gateway that runs already/)]);
  });

  test('and a second one does not take its address', async () => {
    const { code, stdout, stderr } = await gateway(['start', '--listen', new URL(first.ready.url).host, '--state', 'other']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/error\[address_in_use\].*\n.*fix: .*--listen/s);
    expect(existsSync(join(folder, 'other'))).toBe(false);
  });
});

test(
  'an interrupt that comes twice at once, as npm and a terminal send it, ends a gateway in order; a new start keeps its keys and shows none',
  { timeout: 3 * timeoutMs },
  async () => {
    first.child.kill('SIGINT');
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
    const second = await start();
    expect(second.ready).toMatchObject({ admin_link: null, api_key: null });
    expect(
      (
        await until('the call', async () => {
          const response = await callEcho(second.ready.url, first.ready.api_key ?? '');
          return response.status === 200 ? response : null;
        })
      ).status,
    ).toBe(200);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  },
);

test('the first screen holds three commands that work when pasted', { timeout: 3 * timeoutMs }, async () => {
  rmSync(join(folder, '.gatewayops'), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  const child = spawn(process.execPath, [command, 'start', '--listen', '127.0.0.1:0'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(child);
  const ended = new Promise((resolve) => child.on('close', resolve));
  let screen = '';
  child.stdout.on('data', (chunk: Buffer) => (screen += chunk.toString()));
  const commands = await until('the first screen', async () => {
    const lines = screen
      .slice(screen.indexOf('Try:'))
      .split('\n')
      .slice(1, 4)
      .map((line) => line.trim());
    return screen.includes('Try:') && screen.endsWith('\n\n') ? lines : null;
  });
  expect(screen).toMatch(/Dashboard {2}http:.*\n {2}MCP {8}http:.*\/mcp {3}all servers as one\n {13}http:.*\/mcp\/everything\n.*\n {2}API key {4}gwo_dev_/);
  expect(commands.length).toBe(3);
  // `npx --no gateway` is this command where npm finds it; here it is put in its place.
  const bin = `gateway() { "${process.execPath}" "${command}" "$@"; }; npx() { shift; "$@"; }; `;
  for (const command of commands) {
    await until(command, async () => {
      const run = spawn('sh', ['-c', bin + command], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let text = '';
      run.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const code = await new Promise<number | null>((resolve) => run.on('close', resolve));
      return code === 0 && !text.includes('"error"') ? text : null;
    });
  }
  child.kill('SIGTERM');
  await ended;
});
