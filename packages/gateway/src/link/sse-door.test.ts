import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, test } from 'vitest';
import { modernServer } from '../../../../test/support/modern-server.ts';
import { until } from '../../../../test/support/poll.ts';
import { post, type Answer } from '../../../../test/support/post.ts';
import { startRecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import { startReference } from '../../../../test/support/reference.ts';
import { otherKey, startDoor, testKey, type TestDoor, type TestDoorOptions } from '../../../../test/support/start-door.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function door(upstream: string, options: Partial<TestDoorOptions> = {}): Promise<TestDoor> {
  const { origin } = new URL(upstream);
  const started = await startDoor({
    servers: [
      { name: 's1', origin },
      { name: 's2', origin },
    ],
    links: { websocket: false, sse: true },
    ...options,
  });
  closing.push(() => started.stop());
  return started;
}

async function recorded(): Promise<Awaited<ReturnType<typeof startRecordingUpstream>>> {
  const upstream = await startRecordingUpstream(modernServer());
  closing.push(() => upstream.stop());
  return upstream;
}

/** A stream as any HTTP client sees it. */
async function openStream(url: string, key: string): Promise<{ text(): string; messages: URL; destroy(): void }> {
  let text = '';
  const sent = httpRequest(url, { headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' }, agent: false }, (answer) =>
    answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)),
  );
  sent.on('error', () => undefined);
  sent.end();
  closing.push(() => sent.destroy());
  const data = await until(() => /^event: endpoint\ndata: (.*)\n\n/.exec(text)?.[1], { what: 'the endpoint event' });
  return { text: () => text, messages: new URL(data, url), destroy: () => sent.destroy() };
}

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const call = (id: unknown): object => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo', arguments: {}, _meta: meta } });
const calls = (upstream: { requests: readonly { body: Buffer }[] }): number => upstream.requests.filter(({ body }) => body.includes('tools/call')).length;

async function withOfficialClient(url: URL): Promise<void> {
  const client = new LegacyClient({ name: 'sse', version: '1' }, { capabilities: { sampling: {} } });
  client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } }));
  await client.connect(new SSEClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${testKey}` } } }));
  try {
    expect((await client.listTools()).tools.length).toBeGreaterThan(5);
    expect(JSON.stringify(await client.callTool({ name: 'test_sampling', arguments: { prompt: 'p' } }))).toContain('sampled');
  } finally {
    await client.close();
  }
}

describe('HTTP+SSE of 2024-11-05', () => {
  test('serves the official client, also behind a proxy that puts a path before ours', async () => {
    const reference = await startReference('legacy');
    closing.push(() => reference.stop());
    const gate = await door(reference.url);
    await withOfficialClient(new URL(`${gate.url}/mcp/s1/sse`));
    const proxy = createServer((request, response) => {
      if (!request.url?.startsWith('/gw/')) return void response.writeHead(404).end();
      const onward = httpRequest(
        {
          host: '127.0.0.1',
          port: gate.port,
          path: request.url.slice(3),
          method: request.method,
          headers: { ...request.headers, host: `127.0.0.1:${gate.port}` },
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      onward.on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
      request.pipe(onward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    await withOfficialClient(new URL(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/gw/mcp/s1/sse`));
  });

  test('a message is taken with 202 and answered on the stream, as a call of its key', async () => {
    const upstream = await recorded();
    const gate = await door(upstream.url);
    const stream = await openStream(`${gate.url}/mcp/s1/sse`, testKey);
    expect(await post(stream.messages.href, call(7), { key: testKey })).toMatchObject({ status: 202, text: '' });
    await until(() => stream.text().includes('event: message\ndata: {"jsonrpc":"2.0","id":7,'));
    expect((await gate.journal()).toString('latin1')).toContain('key_test');
    expect(upstream.allBytes().includes(testKey)).toBe(false);
  });
});

describe('a session belongs to who opened it', () => {
  test('in the hands of another key, at another endpoint, made up or ended, its id is unknown; without a key nothing is said of it', async () => {
    const upstream = await recorded();
    const gate = await door(upstream.url);
    const stream = await openStream(`${gate.url}/mcp/s1/sse`, testKey);
    const tries: [string, string | null, number][] = [
      [stream.messages.href, otherKey, 404],
      [stream.messages.href.replace('/s1/', '/s2/'), testKey, 404],
      [`${stream.messages.href.slice(0, -1)}!`, testKey, 404],
      [stream.messages.href.split('?')[0] ?? '', testKey, 404],
      [stream.messages.href, null, 401],
      [stream.messages.href, 'gwo_test_wrong', 401],
    ];
    for (const [url, key, status] of tries) expect([url, key, (await post(url, call(1), { key })).status]).toEqual([url, key, status]);
    stream.destroy();
    await until(async () => (await post(stream.messages.href, call(1), { key: testKey })).status === 404);
    expect(calls(upstream)).toBe(0);
    expect(stream.messages.searchParams.get('session_id')).toMatch(/^[0-9a-f]{12}\.[\w-]{32}$/);
  });

  test('the addresses pass the tests that every POST passes', async () => {
    const gate = await door((await recorded()).url, { principal: { servers: ['s1'] } });
    const stream = await openStream(`${gate.url}/mcp/s1/sse`, testKey);
    const answers: [Promise<Answer>, number][] = [
      [post(`${gate.url}/mcp/s1/sse`), 401],
      [post(`${gate.url}/mcp/s2/sse`, undefined, { key: testKey }), 404],
      [post(`${gate.url}/mcp/none/sse`, undefined, { key: testKey }), 404],
      [post(`${gate.url}/mcp/s1/sse`, call(1), { key: testKey }), 405],
      [post(stream.messages.href, undefined, { key: testKey }), 405],
      [post(stream.messages.href, call(1), { key: testKey, headers: { host: 'evil.example' } }), 421],
      [post(stream.messages.href, call(1), { key: testKey, headers: { origin: 'https://evil.example' } }), 403],
      [post(stream.messages.href, call(1), { key: testKey, headers: { 'content-type': 'text/plain' } }), 415],
      [post(stream.messages.href, 'x'.repeat(4 * 1024 * 1024 + 1), { key: testKey }), 413],
    ];
    for (const [answer, status] of answers) expect((await answer).status).toBe(status);
    expect((await post(stream.messages.href, 'no json', { key: testKey })).status).toBe(202);
    await until(() => stream.text().includes('-32700'));
  });

  test('off, there are no such addresses', async () => {
    const gate = await door((await recorded()).url, { links: { websocket: true, sse: false } });
    expect((await post(`${gate.url}/mcp/s1/sse`, undefined, { key: testKey })).status).toBe(404);
  });
});

test('a worker that drains ends the streams on which nothing is under way', async () => {
  const gate = await door((await recorded()).url);
  const stream = await openStream(`${gate.url}/mcp/s1/sse`, testKey);
  const startedAt = performance.now();
  await gate.door.drain(10_000);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(stream.text().endsWith('\n\n')).toBe(true);
});
