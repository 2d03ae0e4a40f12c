import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { modernServer } from '../support/modern-server.ts';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { type Answer, jsonOf, modernRequest, post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { after, defaultReply } from '../support/replies.ts';
import { removeGatewayFolders, type RunningGateway, startGateway, temporaryFolder } from '../support/start-gateway.ts';

let one: RecordingUpstream;
let other: RecordingUpstream;
let gateway: RunningGateway;
const secretFile = join(temporaryFolder(), 'token');
const stdio = {
  name: 'local',
  transport: 'stdio',
  command: [nodePath, join(repositoryFolder, 'test/support/bridge/modern-server.mjs'), 'dual'],
  processes: 'shared',
};

const always = { workers: 2, rate_limits: [{ scope: 'api_key', limit: 1_000_000, window: '1m' }] };

/** As an editor does: a new file takes the place of the old one. */
function write(settings: Record<string, unknown>): void {
  writeFileSync(`${gateway.configFile}.new`, JSON.stringify({ version: 1, ...always, ...settings }, null, 2));
  renameSync(`${gateway.configFile}.new`, gateway.configFile);
}

const first = (): Record<string, unknown> => ({
  servers: [{ name: 'one', url: one.url, credential: { type: 'bearer', secret: { file: secretFile } } }, stdio],
});

function call(server: string): Promise<Answer> {
  const { body, headers } = toolCall('echo', { text: 'x' });
  return post(`${gateway.mcp}/${server}`, body, { key: gateway.apiKey, headers });
}

interface ConfigBody {
  readonly version: number;
  readonly refusal: { readonly error: string; readonly message: string; readonly faults: readonly { line: number; message: string }[] } | null;
}

async function state(): Promise<ConfigBody> {
  const answer = await post(`${gateway.url}/v1/config`, undefined, { key: gateway.apiKey });
  return (JSON.parse(answer.text) as { config: ConfigBody }).config;
}

/** The number of the configuration that serves once it is a later one than `than`. */
function later(than: number): Promise<number> {
  return until(
    async () => {
      const { version } = await state();
      return version > than ? version : null;
    },
    { timeoutMs: 30_000, what: 'the changed configuration to serve' },
  );
}

beforeAll(async () => {
  writeFileSync(secretFile, 'first-secret-value\n', { mode: 0o600 });
  [one, other] = await Promise.all([startRecordingUpstream(modernServer()), startRecordingUpstream(modernServer())]);
  gateway = await startGateway({ config: { ...always, ...first() } });
  await until(async () => (await call('local')).status === 200, { timeoutMs: 30_000, what: 'the stdio server' });
});
beforeEach(() => {
  one.forget();
  other.forget();
});
afterEach(async () => {
  writeFileSync(secretFile, 'first-secret-value\n');
  write(first());
  expect(await gateway.cli('reload')).toMatchObject({ code: 0 });
});
afterAll(async () => {
  expect(await gateway?.stop()).toBe(0);
  await Promise.all([one?.stop(), other?.stop()]);
  removeGatewayFolders();
});

test('a changed file serves within seconds, and no call that is under way or comes meanwhile fails', async () => {
  one.reply = after(100, defaultReply);
  let running = true;
  const statuses: number[] = [];
  const callers = ['one', 'one', 'local'].map(async (server) => {
    while (running) statuses.push((await call(server)).status);
  });
  let { version } = await state();
  for (const perCall of [0.001, 0.002, 0.003]) {
    write({
      servers: [
        { name: 'one', url: one.url, connections_max: 10 + perCall * 1000 },
        { ...stdio, env: { LANG: `C.UTF-${perCall}` } },
        { name: 'added', url: other.url },
      ],
      pricing: { default: { per_call: perCall } },
    });
    version = await later(version);
    expect((await call('added')).status).toBe(200);
  }
  running = false;
  await Promise.all(callers);
  one.reply = defaultReply;
  expect(statuses.length).toBeGreaterThan(10);
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test('limits hold for the next call of a key that is known already', async () => {
  const before = await state();
  await call('one');
  write({ ...first(), rate_limits: [{ scope: 'api_key', limit: 77, window: '1h' }] });
  await later(before.version);
  for (let index = 0; index < 4; index++) expect((await call('one')).headers['x-ratelimit-limit']).toBe('77');
});

test('a secret in a file is read anew when the file changes', async () => {
  const { version } = await state();
  await call('one');
  expect(one.requests.at(-1)?.header('authorization')).toEqual(['Bearer first-secret-value']);
  writeFileSync(secretFile, 'second-secret-value\n');
  await later(version);
  await call('one');
  expect(one.requests.at(-1)?.header('authorization')).toEqual(['Bearer second-secret-value']);
  expect(gateway.stderr()).not.toContain('second-secret-value');

  chmodSync(secretFile, 0o644);
  const refusal = await until(async () => (await state()).refusal);
  expect(refusal).toMatchObject({ error: 'config_invalid', faults: [{ path: 'servers.one.credential' }] });
  expect((await call('one')).status).toBe(200);
  chmodSync(secretFile, 0o600);
  await until(async () => (await state()).refusal === null);
});

describe('L5: a file that cannot serve', () => {
  test('is refused with its faults, in the log, in health and in the CLI, while the one before serves', async () => {
    const { version } = await state();
    writeFileSync(gateway.configFile, 'version: 1\nworkers: 2\nservers:\n  - name: one\n    url: not-an-address\n  - nmae: two\n');
    const refusal = await until(async () => (await state()).refusal);
    expect(refusal).toMatchObject({ error: 'config_invalid' });
    expect(refusal.faults.map(({ line }) => line)).toContain(5);
    expect((await state()).version).toBe(version);
    expect((await call('one')).status).toBe(200);

    const health = JSON.parse((await post(`${gateway.url}/v1/health`, undefined, { key: gateway.apiKey })).text) as {
      status: string;
      dependencies: Record<string, { state: string; reason: string }>;
    };
    expect(health.status).toBe('degraded');
    expect(health.dependencies['configuration']?.reason).toMatch(/line 5: .*address/);
    expect((await post(`${gateway.url}/readyz`)).status).toBe(200);
    const { code, stdout } = await gateway.cli('reload');
    expect(code).toBe(6);
    expect(stdout).toMatch(/gateway\.yaml:5:\d+ .*address/);
    expect(stdout).toContain(`Configuration ${version} still serves`);
    expect(gateway.stderr()).toContain('"event":"config.refused"');
  });

  test('because it needs a restart is named so, and nothing else of it is applied', async () => {
    const { version } = await state();
    write({
      servers: [
        { name: 'one', url: one.url },
        { name: 'added', url: other.url },
      ],
      workers: 1,
      log: { level: 'warn' },
    });
    const { code, stdout } = await gateway.cli('reload');
    expect(code).toBe(6);
    expect(stdout).toContain('log.level');
    expect(stdout).toContain('workers');
    expect((await state()).refusal).toMatchObject({ error: 'restart_needed' });
    expect((await state()).version).toBe(version);
    expect((await call('added')).status).toBe(404);
  });
});

test('what a reload would change can be seen before it is done', async () => {
  write({ servers: [{ name: 'one', url: one.url }], workers: 1 });
  await until(async () => (await state()).refusal !== null);
  const { version } = await state();
  writeFileSync(gateway.configFile, JSON.stringify({ version: 1, ...always, servers: [{ name: 'new', url: one.url }] }));
  const { stdout } = await gateway.cli('reload', '--dry-run', '-o', 'json');
  expect(JSON.parse(stdout)).toMatchObject({ outcome: 'planned', changes: { servers: { added: ['new'], removed: ['one', 'local'], changed: [] } } });
  expect(await later(version)).toBe(version + 1);
});

test('SIGHUP reloads', async () => {
  const { version } = await state();
  write({ ...first(), environment: 'prod' });
  process.kill(gateway.pid, 'SIGHUP');
  await later(version);
});

test('a server that is removed is gone for new calls; its calls under way end well, its open subscriptions as at an end of the gateway', async () => {
  const { version } = await state();
  one.next(after(2_500, defaultReply));
  const slow = call('one');
  await one.received(1);
  one.next((_, socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: open\n\n'));
  const { body, headers } = modernRequest('subscriptions/listen', { notifications: {} }, 'sub');
  let text = '';
  const stream = post(`${gateway.mcp}/one`, body, { key: gateway.apiKey, headers, onText: (more) => (text += more) });
  await until(() => text.includes('open'));

  write({ servers: [stdio] });
  await later(version);
  expect((await call('one')).status).toBe(404);
  expect(jsonOf(await stream)).toMatchObject({ id: 'sub', result: { resultType: 'complete' } });
  expect((await slow).status).toBe(200);
});
