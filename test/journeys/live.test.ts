import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modernServer } from '../support/modern-server.ts';
import { nodePath } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { gatewayCommand, gatewayEnvironment, removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';

let upstream: RecordingUpstream;
let gateway: RunningGateway;

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer());
  gateway = await startGateway({
    readyTimeoutMs: 150_000,
    config: {
      workers: 2,
      servers: [
        { name: 'one', url: upstream.url },
        { name: 'away', url: 'http://127.0.0.1:9/mcp' },
      ],
      rate_limits: [{ scope: 'api_key', limit: 10_000, window: '1h' }],
    },
  });
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
        .toSorted(),
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
        .map(({ tool }) => tool)
        .toSorted(),
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

  test('with --no-follow and nothing to begin at says what is missing', async () => {
    const { code, stderr } = await gateway.cli('logs', 'tail', '--no-follow');
    expect(code).toBe(2);
    expect(stderr).toContain('--since');
  });
});
