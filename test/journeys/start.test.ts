import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayProcesses, pidsOf } from '../support/gateway-processes.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { type Answer, jsonOf, modernRequest, post, toolCall } from '../support/post.ts';
import { isAlive, processTree } from '../support/processes.ts';
import { openRaw, requestBytes } from '../support/raw-client.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { startReference } from '../support/reference.ts';
import { after, defaultReply, type Reply, result, when } from '../support/replies.ts';
import { type CommandResult, removeGatewayFolders, type RunningGateway, runGateway, startGateway } from '../support/start-gateway.ts';

/** One state folder through its life: first start, drain, second start, death of the supervisor, third start, impatient end. */
let upstream: RecordingUpstream;
let reference: Awaited<ReturnType<typeof startReference>>;
let gateway: RunningGateway;
let key: string;

const bridgeFolder = join(repositoryFolder, 'test', 'support', 'bridge');

beforeAll(async () => {
  [upstream, reference] = await Promise.all([startRecordingUpstream(modernServer()), startReference()]);
  gateway = await start();
  key = gateway.apiKey ?? '';
});

afterAll(async () => {
  await gateway?.kill9();
  await Promise.all([upstream?.stop(), reference?.stop()]);
  removeGatewayFolders();
});

function start(stateFolder?: string): Promise<RunningGateway> {
  return startGateway({
    config: {
      workers: 1,
      rate_limits: [{ scope: 'api_key', limit: 100_000, window: '1m' }],
      servers: [
        { name: 'counted', url: upstream.url },
        { name: 'reference', url: reference.url },
        { name: 'shared', transport: 'stdio', command: [nodePath, join(bridgeFolder, 'modern-server.mjs')], processes: 'shared' },
        { name: 'stubborn', transport: 'stdio', command: ['/bin/sh', join(bridgeFolder, 'stubborn.sh')] },
      ],
    },
    env: { NODE_OPTIONS: `--import=${join(repositoryFolder, 'test', 'support', 'fail-on-signal.mjs')}` },
    ...(stateFolder !== undefined && { stateFolder }),
  });
}

function call(id: string, options: { agent?: Agent; server?: string; delayMs?: number } = {}): Promise<Answer> {
  const { body, headers } = toolCall('echo', { value: id, ...(options.delayMs !== undefined && { delayMs: options.delayMs }) });
  return post(`${gateway.mcp}/${options.server ?? 'counted'}`, body, {
    key,
    headers: { ...headers, 'x-trace-id': id },
    timeoutMs: 60_000,
    ...(options.agent && { agent: options.agent }),
  });
}

function rowsOf(id: string): Promise<{ status: string }[]> {
  return until(
    async () => {
      const rows = await ledgerRows<{ status: string }>(gateway.stateFolder, `SELECT toString(status) AS status FROM calls WHERE client_trace_id = '${id}'`);
      return rows.length > 0 && rows;
    },
    { what: `the row of ${id}`, timeoutMs: 20_000 },
  );
}

function problemOf({ stderr }: CommandResult): unknown {
  return JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
}

describe('the first start', () => {
  test('prints one line on stdout, a key and a link that work; nobody else can read the state folder', async () => {
    const lines = gateway.stdout().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      ready: true,
      url: gateway.url,
      mcp: `${gateway.url}/mcp`,
      admin_link: expect.stringMatching(new RegExp(`^${gateway.url}/admin/[0-9A-Za-z]{43}$`)) as unknown,
      api_key: expect.stringMatching(/^gwo_dev_[0-9A-Za-z]{32}$/) as unknown,
    });
    for (const name of ['', 'secrets', 'journal', 'registry', 'ledger'])
      expect([name, statSync(join(gateway.stateFolder, name)).mode & 0o077]).toEqual([name, 0]);
    for (const name of ['secrets/seal.key', 'secrets/events.key']) expect(statSync(join(gateway.stateFolder, name)).mode & 0o777).toBe(0o600);
    expect((await call('first')).status).toBe(200);
    expect(await rowsOf('first')).toEqual([{ status: 'success' }]);
  });

  test('the link opens the page once, with a session that reads and, with its header, writes; another link can be made', async () => {
    const link = gateway.adminLink ?? '';
    // Previews of chat programs look at links; that must not use them up.
    expect((await post(link, undefined, { method: 'HEAD' })).status).toBe(200);
    const opened = await post(link);
    const [cookie = ''] = opened.headers['set-cookie'] ?? [];
    expect([opened.status, opened.headers.location, cookie]).toEqual([
      303,
      '/ui/',
      expect.stringMatching(/^gatewayops_session=session_[0-9A-Za-z]{43};.*HttpOnly;.*SameSite=Strict/),
    ]);
    const session = { headers: { cookie: cookie.split(';')[0] ?? '' } };
    const page = await post(`${gateway.url}/ui/`, undefined, { headers: { ...session.headers, accept: 'text/html' } });
    expect([page.status, page.headers['content-type'], page.headers['content-security-policy']]).toEqual([
      200,
      expect.stringContaining('text/html'),
      expect.stringContaining("default-src 'none'"),
    ]);
    const again = await post(link);
    expect([again.status, again.headers['set-cookie']]).toEqual([401, undefined]);
    expect((await post(`${gateway.url}/ui/`, undefined, { headers: { accept: 'text/html' } })).status).toBe(401);

    const me = await post(`${gateway.url}/v1/me`, undefined, session);
    expect([me.status, JSON.parse(me.text)]).toMatchObject([200, { kind: 'session' }]);
    const create = (headers: Record<string, string>): Promise<Answer> =>
      post(`${gateway.url}/v1/auth/keys`, { name: 'by session', scopes: {} }, { headers: { ...session.headers, ...headers } });
    expect((await create({ origin: gateway.url })).status).toBe(403);
    expect((await create({ origin: 'https://elsewhere.example', 'x-gatewayops-csrf': '1' })).status).toBe(403);
    expect((await create({ origin: gateway.url, 'x-gatewayops-csrf': '1' })).status).toBe(201);

    const made = await gateway.cli('admin', 'link', '-o', 'json');
    const { url } = JSON.parse(made.stdout) as { url: string };
    expect([made.code, (await post(url)).status, (await post(url)).status]).toEqual([0, 303, 401]);
  });

  test('health is one word for everyone, and names its parts only to who may read them', async () => {
    expect(await until(async () => (await post(`${gateway.url}/readyz`)).text.includes('"starting":0') && true, { what: 'the bridges' })).toBe(true);
    const get = async (path: string, bearer?: string): Promise<[number, unknown]> => {
      const answer = await post(`${gateway.url}${path}`, undefined, { key: bearer ?? null });
      return [answer.status, JSON.parse(answer.text)];
    };
    expect(await get('/healthz')).toEqual([200, { status: 'ok' }]);
    const [status, ready] = await get('/readyz');
    expect([status, ready]).toMatchObject([200, { status: 'ready', registry: 'ready', ledger: 'ready', recordBlocked: false }]);
    expect(JSON.stringify(ready)).not.toMatch(/counted|shared|127\.0\.0\.1|\//);
    const mayNot = await gateway.cli('keys', 'create', '--name', 'plain', '-o', 'json');
    const { secret } = JSON.parse(mayNot.stdout) as { secret: string };
    for (const path of ['/v1/health', '/v1/ready']) {
      for (const bearer of [undefined, secret]) expect(await get(path, bearer)).toEqual([200, { status: expect.stringMatching(/^(ok|degraded)$/) as unknown }]);
      expect((await get(path, 'gwo_dev_00000000000000000000000000000000'))[0]).toBe(401);
      expect(await get(path, key)).toMatchObject([
        200,
        { dependencies: { registry: { state: 'ok', required: true }, ledger: { state: 'ok' } }, servers: { shared: { state: 'ready' } } },
      ]);
    }
  });

  test('a second gateway on the same folder is refused with the id of the first, which goes on', async () => {
    const args = ['start', '--config', gateway.configFile, '--state', gateway.stateFolder, '--listen', '127.0.0.1:0'];
    const other = await runGateway([...args, '-o', 'json']);
    expect([other.code, other.stdout, problemOf(other)]).toMatchObject([
      1,
      '',
      { error: 'state_locked', message: expect.stringContaining(`process ${gateway.pid}`) as unknown },
    ]);
    expect((await call('beside')).status).toBe(200);
  });
});

describe('the end in order (L1)', () => {
  test('SIGTERM amid 200 calls, 200 streams and 50 calls of a program: no new work, all of it ends well, exit 0, nothing left running', async () => {
    const largeBytes = 8 * 1024 * 1024;
    const release = Promise.withResolvers<void>();
    const held: Reply = async (request, socket) => {
      await release.promise;
      await defaultReply(request, socket);
    };
    upstream.reply = modernServer(when(({ body }) => body.includes('"large"'), result('x'.repeat(largeBytes)), held));
    await until(async () => (await call('warm', { server: 'shared' })).status === 200, { what: 'the program' });
    const agent = new Agent({ keepAlive: true });
    await post(`${gateway.url}/healthz`, undefined, { agent });
    const ofProgram = Array.from({ length: 50 }, (_, index) => call(`program-${index}`, { server: 'shared', delayMs: 3_000 }));
    const underWay = Array.from({ length: 200 }, (_, index) => call(`drained-${index}`, { agent }));
    const heard = new Set<number>();
    const listening = Array.from({ length: 200 }, (_, id) => {
      const { body, headers } = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } }, id);
      return post(`${gateway.mcp}/reference`, body, { key, headers, timeoutMs: 60_000, onText: (text) => text.includes('acknowledged') && heard.add(id) });
    });
    await until(() => heard.size === listening.length, { timeoutMs: 30_000, what: 'the subscriptions' });
    // An answer that is written and not read yet.
    const slow = await openRaw(gateway.port);
    slow.pause();
    const large = JSON.stringify({ tool: 'echo', arguments: { value: 'large' } });
    slow.write(
      requestBytes(
        'POST /v1/mcp/counted/tools/call HTTP/1.1',
        [`Host: 127.0.0.1:${gateway.port}`, `Authorization: Bearer ${key}`, 'Content-Type: application/json', `Content-Length: ${large.length}`],
        large,
      ),
    );
    await until(() => upstream.requests.some((request) => request.body.includes('"large"')), { what: 'the large call' });
    await until(() => upstream.requests.filter((request) => request.body.includes('drained-')).length === underWay.length, {
      timeoutMs: 30_000,
      what: 'the calls at the upstream',
    });
    const members = processTree(gateway.pid);
    const stopping = gateway.stop();
    const askedAt = performance.now();
    await until(
      () =>
        post(`${gateway.url}/readyz`, undefined, { timeoutMs: 500 }).then(
          ({ status }) => status === 503,
          () => true,
        ),
      { what: 'it not to be ready', everyMs: 10 },
    );
    expect(performance.now() - askedAt).toBeLessThan(1_000);
    release.resolve();
    expect(new Set((await Promise.all([...underWay, ...ofProgram])).map(({ status }) => status))).toEqual(new Set([200]));
    for (const [id, listened] of (await Promise.all(listening)).entries()) expect(jsonOf(listened)).toMatchObject({ id, result: { resultType: 'complete' } });
    slow.resume();
    const whole = await slow.reply();
    expect([whole.status, whole.complete, whole.body.length > largeBytes]).toEqual([200, true, true]);
    expect(await stopping).toBe(0);
    agent.destroy();
    upstream.reply = modernServer();
    expect(members.filter(isAlive)).toEqual([]);
    expect(existsSync(join(gateway.stateFolder, 'lock'))).toBe(false);
  });
});

describe('the second start', () => {
  test('shows no key and no link; keys and traces are there', async () => {
    gateway = await start(gateway.stateFolder);
    // Ready is what it says, from the first line on.
    expect((await post(`${gateway.url}/readyz`)).status).toBe(200);
    expect([gateway.apiKey, gateway.adminLink]).toEqual([null, null]);
    expect((await call('second')).status).toBe(200);
    for (const id of ['drained-0', 'drained-99', 'drained-199', 'program-0', 'program-49']) expect(await rowsOf(id)).toEqual([{ status: 'success' }]);
    const { stdout } = await gateway.cli('keys', 'list', '-o', 'json');
    expect((JSON.parse(stdout) as { keys: { name: string }[] }).keys.map(({ name }) => name)).toEqual(['plain', 'by session', 'first key']);
  });

  test('P2: with the supervisor killed no worker, engine, bridge or program behind one lives for 5 s', async () => {
    await until(async () => (await call('shared', { server: 'shared' })).status === 200, { what: 'the shared program' });
    const hello = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    };
    const session = await until(async () => (await post(`${gateway.mcp}/stubborn`, hello, { key })).headers['mcp-session-id'], {
      what: 'a session of the stubborn program',
    });
    expect(session).not.toBe('');
    const parts = gatewayProcesses(gateway.pid);
    for (const part of ['worker', 'registry', 'ledger', 'bridge', 'child'] as const)
      expect([part, parts.some((member) => member.part === part)]).toEqual([part, true]);
    process.kill(gateway.pid, 'SIGKILL');
    await until(() => !parts.some(({ pid }) => isAlive(pid)), { timeoutMs: 5_000, what: `the end of ${parts.map(({ part }) => part).join(', ')}` });
  });
});

describe('the third start, after a death', () => {
  test('takes the lock of the dead process over', async () => {
    const lock = join(gateway.stateFolder, 'lock');
    expect(readFileSync(lock, 'utf8')).toMatch(new RegExp(`^${gateway.pid} `));
    // As after a reboot: the id belongs to a process that began at another time, here the tests' own.
    writeFileSync(lock, `${process.pid} 1\n`);
    gateway = await start(gateway.stateFolder);
    expect((await call('third')).status).toBe(200);
    expect(await rowsOf('second')).toEqual([{ status: 'success' }]);
  });

  test('L2: a second SIGTERM ends a drain at once; the call it cut is recorded, as unknown', async () => {
    upstream.reply = modernServer(after(20_000, defaultReply));
    const cut = call('cut').then(
      ({ status }) => status,
      () => 'cut',
    );
    await until(() => upstream.requests.some((request) => request.body.includes('"cut"')), { what: 'the call at the upstream' });
    const members = processTree(gateway.pid);
    const stopping = gateway.stop();
    await until(
      () =>
        post(`${gateway.url}/readyz`, undefined, { timeoutMs: 500 }).then(
          () => false,
          () => true,
        ),
      { what: 'the door to be closed' },
    );
    // Signals within half a second are taken for one.
    const askedAt = performance.now();
    const exit = await until(
      async () => {
        if (isAlive(gateway.pid)) process.kill(gateway.pid, 'SIGTERM');
        return Promise.race([stopping.then((code) => ({ code })), new Promise<null>((resolve) => setTimeout(resolve, 50, null))]);
      },
      { what: 'the end' },
    );
    expect([exit.code, await cut]).toEqual([130, 'cut']);
    expect(performance.now() - askedAt).toBeLessThan(2_000);
    await until(() => !members.some(isAlive), { timeoutMs: 5_000, what: 'the end of all processes' });
    upstream.reply = modernServer();
    gateway = await start(gateway.stateFolder);
    expect(await rowsOf('cut')).toEqual([{ status: 'unknown' }]);
    expect(pidsOf(gateway, 'worker')).toHaveLength(1);
  });

  test('L7: a failure that nobody handles ends its process and is in the log: a worker is replaced, with the supervisor all ends', async () => {
    upstream.reply = modernServer(after(20_000, defaultReply));
    const [worker = 0] = pidsOf(gateway, 'worker');
    const cut = call('crashed').then(
      ({ status }) => status,
      () => 'cut',
    );
    await until(() => upstream.requests.some((request) => request.body.includes('"crashed"')), { what: 'the call at the upstream' });
    process.kill(worker, 'SIGUSR2');
    expect(await cut).toBe('cut');
    upstream.reply = modernServer();
    await until(async () => (await call('after a crash')).status === 200, { what: 'the next worker' });
    expect(pidsOf(gateway, 'worker')).not.toContain(worker);
    expect(eventsOf('worker.crashed')).toEqual([expect.objectContaining({ level: 'error', reason: expect.stringContaining('nobody handles this') })]);
    expect(await rowsOf('crashed')).toEqual([{ status: 'unknown' }]);

    const members = processTree(gateway.pid);
    process.kill(gateway.pid, 'SIGUSR2');
    await until(() => !members.some(isAlive), { what: 'the end of all processes' });
    expect(await gateway.stop()).toBe(70);
    expect(eventsOf('gateway.crashed')).toEqual([expect.objectContaining({ level: 'error', reason: expect.stringContaining('nobody handles this') })]);
  });
});

/** What the gateway has logged under a name. Every line of its log is JSON. */
function eventsOf(event: string): unknown[] {
  const lines = gateway
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as { event?: string }).filter((entry) => entry.event === event);
}
