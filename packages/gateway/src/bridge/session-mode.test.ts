import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, test } from 'vitest';
import {
  eventData,
  hostile,
  initializeBody,
  post,
  ready,
  send,
  session,
  stopBridges,
  testBridge,
  textOf,
  toolCall,
  until,
} from '../../../../test/support/bridge/bridge-client.ts';

afterEach(stopBridges);

async function connect(
  url: string,
  client = new Client({ name: 'test', version: '1' }),
): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const transport = new StreamableHTTPClientTransport(new URL(url));
  // The SDK's own types do not agree with exactOptionalPropertyTypes.
  await client.connect(transport);
  return { client, transport };
}

describe('real servers through the official client', () => {
  test('server-filesystem: lists its tools and reads a file of its folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewayops-files-'));
    writeFileSync(join(folder, 'note.txt'), 'from the folder');
    try {
      const { url } = await testBridge({ command: ['mcp-server-filesystem', folder] });
      const { client } = await connect(url);
      expect((await client.listTools()).tools.map((tool) => tool.name)).toContain('read_text_file');
      expect(await client.callTool({ name: 'read_text_file', arguments: { path: join(folder, 'note.txt') } })).toMatchObject({
        content: [{ text: 'from the folder' }],
      });
      await client.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('server-everything: progress, log messages, sampling and elicitation reach the one client they belong to', async () => {
    const { url } = await testBridge({ command: ['mcp-server-everything'] });
    const client = new Client({ name: 'test', version: '1' }, { capabilities: { sampling: {}, elicitation: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'test',
      role: 'assistant' as const,
      content: { type: 'text' as const, text: 'sampled by the client' },
    }));
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' as const }));
    await connect(url, client);

    const progress: number[] = [];
    await client.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } }, undefined, {
      onprogress: (update) => progress.push(update.progress),
    });
    expect(progress).toEqual([1, 2, 3, 4]);
    expect(JSON.stringify(await client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'p', maxTokens: 5 } }))).toContain(
      'sampled by the client',
    );
    expect(JSON.stringify(await client.callTool({ name: 'trigger-elicitation-request', arguments: {} }))).toMatch(/declin/i);
    await client.close();
  });
});

describe('a session', () => {
  test('bytes go through unchanged both ways: integers above 2^53, white space, unknown members, ids as they are', async () => {
    const { url } = await testBridge({ command: hostile() });
    const headers = await session(url);
    for (const id of ['7', '"seven"', '9007199254740993', '-3']) {
      const answer = await send(url, toolCall(id, 'exact'), headers);
      expect(answer.text).toBe(`{ "result" : {"big":12345678901234567890,"n":1.0, "content":[]} ,"unknown":9007199254740993, "jsonrpc":"2.0", "id" :${id} }`);
      expect(answer.headers.get('content-type')).toBe('application/json');
    }
    const body = '{"jsonrpc":"2.0", "id":8,"method":"tools/call","params":{"name":"line","arguments":{"n":12345678901234567890, "x":1.50}},"extra":{}}';
    expect(textOf((await send(url, body, headers)).messages[0])).toBe(body);
    // A line break between tokens would end the line; a space there means the same.
    expect(textOf((await send(url, body.replaceAll(', ', ',\r\n'), headers)).messages[0])).toBe(body.replaceAll(', ', ',  '));
  });

  test('has a process of its own, ended by DELETE; its id is unknown then', async () => {
    const { url, bridge } = await testBridge({ command: hostile() });
    const [first, second] = [await session(url), await session(url)];
    const pids = await Promise.all([first, second].map(async (headers) => textOf((await send(url, toolCall('1', 'pid'), headers)).messages[0])));
    expect(new Set(pids).size).toBe(2);
    expect((await fetch(url, { method: 'DELETE', headers: first })).status).toBe(200);
    const gone = await send(url, toolCall('2', 'pid'), first);
    expect([gone.status, JSON.parse(gone.text)]).toMatchObject([404, { id: 2, error: { code: -31404, data: { error: 'session_not_found' } } }]);
    expect((await send(url, toolCall('2', 'pid'), { 'mcp-session-id': 'ses_forged' })).status).toBe(404);
    expect((await fetch(url, { method: 'DELETE', headers: first })).status).toBe(404);
    expect((await send(url, toolCall('2', 'pid'), second)).status).toBe(200);
    expect(bridge.status()).toMatchObject({ sessions: { open: 1 } });
  });

  test('an idle session is ended; where all places are taken, the longest idle one gives way to a new one', async () => {
    const { url, bridge } = await testBridge({ command: hostile(), limits: { sessionsMax: 2, sessionEvictMs: 1_500 } });
    const first = await session(url);
    await session(url);
    expect((await send(url, initializeBody('1'))).status).toBe(503);
    await until(async () => (await send(url, initializeBody('1'))).status === 200);
    expect((await send(url, toolCall('2', 'pid'), first)).status).toBe(404);
    expect(bridge.status()).toMatchObject({ sessions: { open: 2, max: 2 } });

    const idle = await testBridge({ command: hostile(), limits: { sessionIdleMs: 200 } });
    const headers = await session(idle.url);
    await until(async () => (idle.bridge.status()['sessions'] as { open: number }).open === 0);
    expect((await send(idle.url, toolCall('2', 'pid'), headers)).status).toBe(404);
  });

  test('a reply is JSON where the answer comes first, and a stream with the progress that belongs to it otherwise', async () => {
    const { url } = await testBridge({ command: hostile() });
    const headers = await session(url);
    const [slow, fast] = await Promise.all([
      send(url, toolCall('1', 'progress', { steps: 2, delayMs: 100 }, '{"progressToken":"a"}'), headers),
      send(url, toolCall('2', 'progress', { steps: 3, delayMs: 50 }, '{"progressToken":7}'), headers),
    ]);
    expect(slow.messages.map((message) => (JSON.parse(message) as { params?: { progressToken: unknown } }).params?.progressToken)).toEqual([
      'a',
      'a',
      undefined,
    ]);
    expect(fast.messages.map((message) => (JSON.parse(message) as { params?: { progressToken: unknown } }).params?.progressToken)).toEqual([
      7,
      7,
      7,
      undefined,
    ]);
    expect((await send(url, toolCall('3', 'pid'), headers)).headers.get('content-type')).toBe('application/json');
  });

  test('where nothing comes for the keep-alive time the reply becomes a stream with comments', async () => {
    const { url } = await testBridge({ command: hostile(), limits: { keepAliveMs: 50 } });
    const headers = await session(url);
    const answer = await send(url, toolCall('1', 'echo', { value: 'late', delayMs: 300 }), headers);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(answer.text).toContain(': keep-alive');
    expect(textOf(answer.messages.at(-1))).toBe('late');
  });

  test('an id that is in flight is refused; the first request is not harmed', async () => {
    const { url } = await testBridge({ command: hostile() });
    const headers = await session(url);
    const [first, second] = await Promise.all([
      send(url, toolCall('1', 'echo', { value: 'first', delayMs: 200 }), headers),
      new Promise((resolve) => setTimeout(resolve, 50)).then(() => send(url, toolCall('1', 'echo', { value: 'second' }), headers)),
    ]);
    expect([textOf(first.messages[0]), second.status]).toEqual(['first', 400]);
  });

  test('a closed connection is no cancellation; notifications/cancelled is, and ends the reply', async () => {
    const { url, stderr } = await testBridge({ command: hostile() });
    const headers = await session(url);
    const abort = new AbortController();
    const left = post(url, toolCall('1', 'hang'), headers, abort.signal).catch(() => 'left');
    await send(url, toolCall('2', 'pid'), headers);
    abort.abort();
    expect(await left).toBe('left');
    const cancelled = send(url, toolCall('3', 'hang'), headers);
    await send(url, toolCall('4', 'pid'), headers);
    expect((await send(url, '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}', headers)).status).toBe(202);
    expect((await cancelled).messages).toEqual([]);
    expect(stderr().filter((line) => line.startsWith('cancelled'))).toEqual(['cancelled 3']);
  });
});

describe('resumption', () => {
  test('M11: what a broken GET stream missed comes again after Last-Event-ID, once and in order; a forged id is refused', async () => {
    const { url } = await testBridge({ command: hostile() });
    const headers = await session(url);
    const listen = (more: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> =>
      fetch(url, { headers: { ...headers, accept: 'text/event-stream', ...more }, ...(signal === undefined ? {} : { signal }) });
    const change = (name: string): Promise<unknown> => send(url, toolCall(`"${name}"`, 'changed-later', { uri: name }), headers);
    const read = async (response: Response, count: number): Promise<string> => {
      const reader = response.body?.getReader();
      let seen = '';
      while (eventData(seen).length < count) seen += new TextDecoder().decode((await reader?.read())?.value);
      return seen;
    };
    const uris = (seen: string): unknown[] => eventData(seen).map((data) => (JSON.parse(data) as { params: { uri: string } }).params.uri);

    const broken = new AbortController();
    // One before the stream is there, one after.
    await change('a');
    const first = await listen({}, broken.signal);
    await change('b');
    const seen = await read(first, 2);
    expect(uris(seen)).toEqual(['a', 'b']);
    const [firstId = ''] = [...seen.matchAll(/^id: (\S+)$/gm)].map((match) => match[1]);
    broken.abort();
    await change('c');
    await change('d');
    const again = await listen({ 'last-event-id': firstId });
    expect(uris(await read(again, 3))).toEqual(['b', 'c', 'd']);
    for (const forged of ['0-99', '17-1', 'x', `${'9'.repeat(2000)}-1`]) expect((await listen({ 'last-event-id': forged })).status).toBe(400);
  });

  test('the answer of a request whose connection broke is fetched by a GET with the last event of its stream', async () => {
    const { url } = await testBridge({ command: hostile() });
    const headers = await session(url);
    const abort = new AbortController();
    const response = await post(url, toolCall('1', 'progress', { steps: 1, delayMs: 300 }, '{"progressToken":1}'), headers, abort.signal);
    const reader = response.body?.getReader();
    let seen = '';
    await until(async () => {
      seen += new TextDecoder().decode((await reader?.read())?.value);
      return eventData(seen).length === 1;
    });
    // Primed with an event id before anything had come.
    expect(seen).toMatch(/^id: \d+-0\ndata: \n\n/);
    const lastId = [...seen.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? '';
    abort.abort();
    const resumed = await fetch(url, { headers: { ...headers, accept: 'text/event-stream', 'last-event-id': lastId } });
    expect(eventData(await resumed.text()).map(textOf)).toEqual(['done']);
    const replayed = await fetch(url, { headers: { ...headers, accept: 'text/event-stream', 'last-event-id': lastId } });
    expect(eventData(await replayed.text()).map(textOf)).toEqual(['done']);
  });
});

describe('what is no message of a session', () => {
  test('is answered with the right status', async () => {
    const { url, bridge } = await testBridge({ command: hostile() });
    await ready({ bridge, url, log: [], stderr: () => [] });
    const status = async (body: string, headers = {}): Promise<number> => (await send(url, body, headers)).status;
    expect(await status('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')).toBe(400);
    expect(await status('{"jsonrpc":"2.0","id":1,')).toBe(400);
    expect(await status('[]')).toBe(400);
    expect(await status('{"id":1,"method":"tools/list"}')).toBe(400);
    expect(await status('{"jsonrpc":"2.0","id":null,"method":"tools/list"}')).toBe(400);
    expect(await status('{}', { 'content-type': 'text/plain' })).toBe(415);
    expect(await status('{}', { accept: 'text/html' })).toBe(406);
    expect(await status(`"${'a'.repeat(4 * 1024 * 1024)}"`)).toBe(413);
    expect((await fetch(url, { method: 'PUT' })).status).toBe(405);
    expect((await fetch(url)).status).toBe(400);
    expect((await fetch(`${bridge.address}/nothing`)).status).toBe(404);
  });

  test('H: on TCP a foreign Host and any Origin are refused', async () => {
    const { url } = await testBridge({ command: hostile() });
    const { request } = await import('node:http');
    const ask = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        request(`${new URL(url).origin}/healthz`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        })
          .on('error', reject)
          .end();
      });
    expect(await ask({})).toBe(200);
    expect(await ask({ host: 'localhost:1' })).toBe(200);
    expect(await ask({ host: 'evil.example' })).toBe(421);
    expect(await ask({ origin: 'http://localhost' })).toBe(403);
  });
});
