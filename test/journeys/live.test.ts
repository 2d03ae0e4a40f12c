import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modernServer } from '../support/modern-server.ts';
import { nodePath } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { gatewayCommand, gatewayEnvironment, removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';

let upstream: RecordingUpstream;
let gateway: RunningGateway;
let config: Record<string, unknown>;

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer());
  config = {
    workers: 2,
    servers: [
      { name: 'one', url: upstream.url },
      { name: 'away', url: 'http://127.0.0.1:9/mcp' },
    ],
    rate_limits: [{ scope: 'api_key', limit: 10_000, window: '1h' }],
    identity: {
      providers: [
        { name: 'idp', preset: 'custom', issuer: 'https://idp.example.com', client_id: 'gateway', domains: ['example.com'], first_roles: ['viewer'] },
      ],
    },
  };
  gateway = await startGateway({ readyTimeoutMs: 150_000, config });
}, 180_000);

afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  removeGatewayFolders();
});

interface Reader {
  readonly status: number;
  readonly events: readonly EventSourceMessage[];
  calls(): Record<string, unknown>[];
  readonly closed: boolean;
  close(): void;
}

function follow(path: string, key: string | null, headers: Record<string, string> = {}): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const asked = request(`${gateway.url}${path}`, { agent: false, headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers } });
    asked.on('error', reject);
    asked.on('response', (response) => {
      const events: EventSourceMessage[] = [];
      let closed = false;
      const parser = createParser({ onEvent: (event) => void events.push(event) });
      response.setEncoding('utf8').on('data', (chunk: string) => parser.feed(chunk));
      response.on('error', () => undefined);
      response.on('close', () => (closed = true));
      resolve({
        status: response.statusCode ?? 0,
        events,
        calls: () => events.filter(({ event }) => event === 'call').map(({ data }) => JSON.parse(data) as Record<string, unknown>),
        get closed() {
          return closed;
        },
        close: () => response.destroy(),
      });
    });
    asked.end();
  });
}

async function newKey(actions: readonly string[]): Promise<{ id: string; secret: string }> {
  const made = await post(`${gateway.url}/v1/auth/keys`, { name: 'watcher', scopes: { actions } }, { key: gateway.apiKey });
  return (JSON.parse(made.text) as { key: { id: string; secret: string } }).key;
}

async function call(tool: string, server = 'one'): Promise<void> {
  const { body, headers } = toolCall(tool);
  await post(`${gateway.mcp}/${server}`, body, { key: gateway.apiKey, headers });
}

describe('the live stream of a running gateway', () => {
  test('shows the calls that fit, once, and goes on where its reader was', { timeout: 120_000 }, async () => {
    const watcher = await newKey(['traces.read']);
    const reader = await follow('/v1/stream?query=server:one', watcher.secret);
    expect(reader.status).toBe(200);
    await until(() => reader.events.some(({ event }) => event === 'open'));
    for (const tool of ['a', 'b', 'c']) await call(tool);
    await call('x', 'away');
    await until(() => reader.calls().length === 3, { timeoutMs: 30_000 });
    expect(
      reader
        .calls()
        .map(({ tool, status, ip }) => [tool, status, ip])
        .toSorted((a, b) => String(a).localeCompare(String(b))),
    ).toEqual([
      ['a', 'success', null],
      ['b', 'success', null],
      ['c', 'success', null],
    ]);
    reader.close();
    const last = reader.events.findLast(({ id }) => id !== undefined)?.id ?? '';
    for (const tool of ['d', 'e']) await call(tool);
    const again = await follow('/v1/stream?query=server:one', watcher.secret, { 'last-event-id': last });
    await call('f');
    await until(() => again.calls().length === 3, { timeoutMs: 30_000 });
    // Two workers' calls come in the order in which each worker's journal is read.
    expect(
      again
        .calls()
        .map(({ tool }) => String(tool))
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(['d', 'e', 'f']);
    again.close();
  });

  test('is refused without the permission, and for a query that is none', async () => {
    const other = await newKey(['costs.read']);
    expect((await follow('/v1/stream', other.secret)).status).toBe(403);
    expect((await follow('/v1/stream', null)).status).toBe(401);
    const watcher = await newKey(['traces.read']);
    expect((await follow('/v1/stream?query=nothing:x', watcher.secret)).status).toBe(400);
  });

  test('of a revoked key ends', { timeout: 60_000 }, async () => {
    const watcher = await newKey(['traces.read']);
    const reader = await follow('/v1/stream', watcher.secret);
    await until(() => reader.events.length > 0);
    await post(`${gateway.url}/v1/auth/keys/${watcher.id}`, undefined, { key: gateway.apiKey, method: 'DELETE' });
    await until(() => reader.closed, { timeoutMs: 20_000 });
    expect(reader.events.at(-1)).toMatchObject({ event: 'end', data: '{"reason":"unauthorized"}' });
  });

  test('of whom the identity provider switches off, or takes out, ends with their key (SCIM)', { timeout: 120_000 }, async () => {
    const enabled = await post(`${gateway.url}/v1/identity/scim`, { provider: 'idp' }, { key: gateway.apiKey });
    const { token } = JSON.parse(enabled.text) as { token: string };
    const scim = (path: string, body: unknown, method = 'POST') => post(`${gateway.url}/scim/v2${path}`, body, { key: token, method });
    const made = await scim('/Users', { userName: 'lea@example.com' });
    expect([made.status, made.text]).toEqual([201, expect.stringContaining('lea@example.com')]);
    const { id } = JSON.parse(made.text) as { id: string };
    const actions = ['traces.read', 'tools.list'];
    const key = await post(`${gateway.url}/v1/auth/keys`, { name: 'lea', scopes: { actions }, metadata: { user_id: id } }, { key: gateway.apiKey });
    const { secret } = (JSON.parse(key.text) as { key: { secret: string } }).key;
    for (const end of [
      () => scim(`/Users/${id}`, { Operations: [{ op: 'Replace', path: 'active', value: 'False' }] }, 'PATCH'),
      () => scim(`/Users/${id}`, undefined, 'DELETE'),
    ]) {
      await scim(`/Users/${id}`, { Operations: [{ op: 'replace', value: { active: true } }] }, 'PATCH');
      const reader = await follow('/v1/stream', secret);
      expect(reader.status).toBe(200);
      await until(() => reader.events.length > 0, { timeoutMs: 20_000 });
      expect((await end()).status).toBeLessThan(300);
      await until(() => reader.closed, { timeoutMs: 20_000 });
      expect((await follow('/v1/me', secret)).status).toBe(401);
    }
  });
});

interface SocketReader {
  readonly socket: WebSocket;
  readonly events: readonly { readonly type: string; readonly id?: string; readonly data: Record<string, unknown> }[];
  tools(): string[];
  /** The code of the close frame, when it came. */
  readonly closed: number | null;
}

/** Resolves with the answer where the handshake is refused. */
function watch(path: string, headers: Record<string, string>): Promise<SocketReader | { status: number; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}${path}`, { headers });
    const events: SocketReader['events'][number][] = [];
    const reader = {
      socket,
      events,
      tools: () => events.flatMap(({ type, data }) => (type === 'call' ? [String(data['tool'])] : [])).toSorted((a, b) => a.localeCompare(b)),
      closed: null as number | null,
    };
    socket.on('message', (data: Buffer) => void events.push(JSON.parse(data.toString()) as SocketReader['events'][number]));
    socket.on('close', (code) => (reader.closed = code));
    socket.on('open', () => resolve(reader));
    socket.on('error', reject);
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> }));
    });
  });
}

async function opened(path: string, headers: Record<string, string>): Promise<SocketReader> {
  const reader = await watch(path, headers);
  if ('status' in reader) throw new Error(`refused with ${reader.status}`);
  return reader;
}

async function sessionCookie(): Promise<string> {
  const opened = await post(gateway.adminLink ?? '');
  return (opened.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
}

describe('the live stream over WebSocket', () => {
  test('shows the same calls and each second of them, and goes on where its reader was', { timeout: 120_000 }, async () => {
    const { secret } = await newKey(['traces.read', 'metrics.read']);
    const headers = { authorization: `Bearer ${secret}` };
    const reader = await opened('/v1/stream?query=tool:w*&events=calls,metrics', headers);
    await until(() => reader.events.some(({ type }) => type === 'open'));
    for (const tool of ['w1', 'other', 'w2']) await call(tool);
    await until(() => reader.tools().length === 2, { timeoutMs: 30_000 });
    expect(reader.tools()).toEqual(['w1', 'w2']);
    const counted = (): number => reader.events.filter(({ type }) => type === 'metrics').reduce((sum, { data }) => sum + Number(data['calls']), 0);
    await until(() => counted() === 2, { timeoutMs: 30_000 });
    const last = reader.events.findLast(({ id }) => id !== undefined)?.id ?? '';
    reader.socket.close();
    for (const tool of ['w3', 'w4']) await call(tool);
    const again = await opened(`/v1/stream?query=tool:w*&last_event_id=${last}`, headers);
    await until(() => again.tools().length === 2, { timeoutMs: 30_000 });
    expect(again.tools()).toEqual(['w3', 'w4']);
    again.socket.close();
  });

  test('is refused before the handshake as a request is, with what is wrong', async () => {
    const refused = async (path: string, headers: Record<string, string>): Promise<unknown> => {
      const answer = await watch(path, headers);
      return 'status' in answer ? [answer.status, answer.body['error']] : 'opened';
    };
    const watcher = { authorization: `Bearer ${(await newKey(['traces.read'])).secret}` };
    expect(await refused('/v1/stream', {})).toEqual([401, 'unauthorized']);
    expect(await refused('/v1/stream', { authorization: `Bearer ${(await newKey(['costs.read'])).secret}` })).toEqual([403, 'forbidden']);
    expect(await refused('/v1/stream?events=metrics', watcher)).toEqual([403, 'forbidden']);
    expect(await refused('/v1/stream?query=nothing:x', watcher)).toEqual([400, 'query_invalid']);
    expect(await refused('/v1/stream', { ...watcher, origin: 'https://evil.example' })).toEqual([403, 'origin_not_allowed']);
    expect(await refused('/v1/other', watcher)).toEqual([400, 'invalid_request']);
  });

  test('by session cookie only from a page of the gateway itself', async () => {
    const cookie = await sessionCookie();
    expect(cookie).toContain('session');
    const reader = await opened('/v1/stream', { cookie, origin: gateway.url });
    await until(() => reader.events.length > 0);
    reader.socket.close();
    for (const origin of ['http://127.0.0.1:1', 'https://evil.example', null])
      expect(await watch('/v1/stream', { cookie, ...(origin === null ? {} : { origin }) })).toMatchObject({
        status: 403,
        body: { error: 'origin_not_allowed' },
      });
  });

  test('of a revoked key ends with the code that says so; so does one whose reader speaks', { timeout: 60_000 }, async () => {
    const watcher = await newKey(['traces.read']);
    const headers = { authorization: `Bearer ${watcher.secret}` };
    const [reader, speaking] = [await opened('/v1/stream', headers), await opened('/v1/stream', headers)];
    await until(() => speaking.events.length > 0);
    speaking.socket.send('hello');
    await until(() => speaking.closed === 1008, { timeoutMs: 20_000 });
    await post(`${gateway.url}/v1/auth/keys/${watcher.id}`, undefined, { key: gateway.apiKey, method: 'DELETE' });
    await until(() => reader.closed !== null, { timeoutMs: 20_000 });
    expect(reader.events.at(-1)).toEqual({ type: 'end', data: { reason: 'unauthorized' } });
  });
});

describe('figures of calls', () => {
  test('are there for a window, and of the seconds that just ended', { timeout: 90_000 }, async () => {
    const { secret } = await newKey(['metrics.read']);
    const ask = async (): Promise<{ metrics: { calls: number; live: { calls: number } | null } }> =>
      JSON.parse((await post(`${gateway.url}/v1/metrics?query=tool:figured`, undefined, { key: secret, method: 'GET' })).text) as never;
    await until(async () => (await ask()).metrics.live !== null, { timeoutMs: 30_000, everyMs: 200 });
    await call('figured');
    await until(async () => (await ask()).metrics.live?.calls === 1, { timeoutMs: 30_000, everyMs: 200 });
    await until(async () => (await ask()).metrics.calls === 1, { timeoutMs: 60_000, everyMs: 200 });
    expect(await ask()).toMatchObject({ metrics: { errors: 0, outcomes: { success: 1 }, active_agents: 1 }, tools: [{ server: 'one', tool: 'figured' }] });
  });
});

describe('gateway logs tail', () => {
  test('prints what was, then what comes', { timeout: 120_000 }, async () => {
    await call('before');
    await until(async () => (await gateway.cli('logs', 'tail', 'tool:before', '--since', '5m', '--no-follow', '-o', 'ndjson')).stdout.includes('"before"'), {
      timeoutMs: 60_000,
      everyMs: 200,
    });
    const child = spawn(nodePath, [gatewayCommand, 'logs', 'tail', 'server:one', '--since', '5m', '--state', gateway.stateFolder], {
      env: gatewayEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    try {
      await until(() => text.includes('one/before'), { timeoutMs: 60_000 });
      await until(
        async () => {
          await call('after');
          return text.includes('one/after');
        },
        { timeoutMs: 60_000, everyMs: 300 },
      );
      expect(text).toContain('●─●─●─●─●─●');
      expect(text.split('\n').filter((line) => line.includes('one/before'))).toHaveLength(1);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('shows all that was, page after page', { timeout: 120_000 }, async () => {
    const made = 1_100;
    for (let at = 0; at < made; at += 20) await Promise.all(Array.from({ length: 20 }, () => call('paged')));
    const printed = await until(
      async () => {
        const { stdout } = await gateway.cli('logs', 'tail', 'tool:paged', '--since', '1h', '--no-follow', '-o', 'ndjson');
        const lines = stdout.split('\n').filter((line) => line !== '');
        return lines.length >= made && lines;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
    const entries = printed.map((line) => JSON.parse(line) as { span_id: string; time: string });
    expect(new Set(entries.map(({ span_id: span }) => span)).size).toBe(made);
    expect(entries.map(({ time }) => time)).toEqual(entries.map(({ time }) => time).toSorted((a, b) => (a < b ? -1 : 1)));
  });

  test('with --no-follow and nothing to begin at says what is missing', async () => {
    const { code, stderr } = await gateway.cli('logs', 'tail', '--no-follow');
    expect(code).toBe(2);
    expect(stderr).toContain('--since');
  });

  test('goes on after a restart of the gateway, with what was called before it was there again, each call once', { timeout: 240_000 }, async () => {
    const { stateFolder } = gateway;
    const child = spawn(nodePath, [gatewayCommand, 'logs', 'tail', 'tool:r*', '-o', 'ndjson', '--state', stateFolder], {
      env: gatewayEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    // A call whose tokens were counted meanwhile is told again, as a correction.
    const seen = (): string[] =>
      text.split('\n').flatMap((line) => {
        if (!line.endsWith('}')) return [];
        const { tool, corrects } = JSON.parse(line) as { tool: string; corrects?: string };
        return corrects === undefined ? [tool] : [];
      });
    try {
      await until(
        async () => {
          await call('ready');
          return seen().includes('ready');
        },
        { timeoutMs: 60_000, everyMs: 500 },
      );
      const { apiKey } = gateway;
      await gateway.stop();
      // The stream of the next process is not there before the command finds it: what is called till then comes from the log.
      gateway = { ...(await startGateway({ readyTimeoutMs: 150_000, config, stateFolder })), apiKey };
      for (const tool of ['r1', 'r2', 'r3']) await call(tool);
      await until(() => ['r1', 'r2', 'r3'].every((tool) => seen().includes(tool)), { timeoutMs: 90_000 });
      await call('r4');
      await until(() => seen().includes('r4'), { timeoutMs: 60_000 });
      expect(
        seen()
          .filter((tool) => tool !== 'ready')
          .toSorted((a, b) => a.localeCompare(b)),
      ).toEqual(['r1', 'r2', 'r3', 'r4']);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
