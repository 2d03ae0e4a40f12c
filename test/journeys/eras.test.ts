import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { until } from '../support/poll.ts';
import { jsonOf, modernRequest, post, type Answer } from '../support/post.ts';
import { otherKey, startDoor, testKey, type TestDoor } from '../support/start-door.ts';

/** A client of one era and a server of the other, official ones on both sides: everything that can cross does. */
let modern: EraServer;
let legacy: EraServer;
let door: TestDoor;

beforeAll(async () => {
  [modern, legacy] = await Promise.all([startEraServer('modern'), startEraServer('legacy')]);
  door = await startDoor({
    servers: [
      { name: 'modern', origin: modern.origin, timeoutMs: 20_000 },
      { name: 'legacy', origin: legacy.origin, timeoutMs: 20_000 },
    ],
  });
});
afterAll(async () => {
  await door.stop();
  await Promise.all([modern.stop(), legacy.stop()]);
});

const roots = [{ uri: 'file:///here' }];
const capabilities = { elicitation: { form: {} }, sampling: {}, roots: {} };
const init = (key: string): { requestInit: { headers: Record<string, string> } } => ({ requestInit: { headers: { authorization: `Bearer ${key}` } } });

/** A client of 2026-07-28 at the legacy server; its user is called `name`. */
async function modernClient(name: string, key = testKey): Promise<ModernClient> {
  const client = withAnswers(new ModernClient({ name, version: '1' }, { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } }), name);
  await client.connect(new ModernTransport(new URL(`${door.url}/mcp/legacy`), init(key)));
  return client;
}

function withAnswers(client: ModernClient, name: string): ModernClient {
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept' as const, content: { name } }));
  client.setRequestHandler('sampling/createMessage', () => ({
    role: 'assistant' as const,
    model: 'm',
    content: { type: 'text' as const, text: `${name}-blue` },
  }));
  client.setRequestHandler('roots/list', () => ({ roots }));
  return client;
}

/** A client of before at the modern server. */
async function legacyClient(name: string, key = testKey): Promise<{ client: LegacyClient; transport: LegacyTransport }> {
  const client = new LegacyClient({ name, version: '1' }, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name } }));
  client.setRequestHandler(CreateMessageRequestSchema, () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: `${name}-blue` } }));
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots }));
  const transport = new LegacyTransport(new URL(`${door.url}/mcp/modern`), init(key));
  await client.connect(transport);
  return { client, transport };
}

const textOf = (result: object): unknown => (result as { content?: { text?: string }[] }).content?.[0]?.text;

describe('a client of 2026-07-28 at a server with sessions', () => {
  test('is asked for a form, a completion and roots at once, and each of two users gets the call of their own answers', async () => {
    const [ada, bob] = await Promise.all([modernClient('ada'), modernClient('bob', otherKey)]);
    const answers = await Promise.all([ada, bob, ada, bob].map((client) => client.callTool({ name: 'ask_all', arguments: {} })));
    expect(answers.map(textOf)).toEqual(['ada ada-blue file:///here', 'bob bob-blue file:///here', 'ada ada-blue file:///here', 'bob bob-blue file:///here']);
    await Promise.all([ada.close(), bob.close()]);
  });

  test('gets log messages and progress under its own token', async () => {
    const client = await modernClient('ada');
    const seen: unknown[] = [];
    client.setNotificationHandler('notifications/message', ({ params }) => void seen.push(params.data));
    const result = await client.callTool(
      { name: 'tell', arguments: {}, _meta: { 'io.modelcontextprotocol/logLevel': 'info' } },
      { onprogress: ({ progress }) => seen.push(progress) },
    );
    expect([textOf(result), seen]).toEqual(['done', ['told', 1]]);
    await client.close();
  });

  test('cancels at the server by leaving', async () => {
    const client = await modernClient('ada');
    const before = legacy.slow.cancelled;
    const stop = new AbortController();
    const call = client.callTool({ name: 'slow', arguments: {} }, { signal: stop.signal });
    await until(() => legacy.slow.waiting === 1);
    stop.abort();
    await expect(call).rejects.toThrow(/abort|cancel/i);
    await until(() => legacy.slow.cancelled === before + 1);
    await client.close();
  });

  test('hears of changed lists and of the resources that it named', async () => {
    const client = await modernClient('ada');
    const seen: string[] = [];
    client.setNotificationHandler('notifications/tools/list_changed', () => void seen.push('tools'));
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void seen.push(params.uri));
    await client.listen({ toolsListChanged: true, resourceSubscriptions: ['test://note'] });
    await until(() => {
      legacy.toolsChanged();
      legacy.resourceUpdated('test://note');
      return seen.includes('tools') && seen.includes('test://note');
    });
    await client.close();
  });

  test('a method that its version does not have is answered with 404', async () => {
    const { body, headers } = modernRequest('ping');
    const reply = await post(`${door.url}/mcp/legacy`, body, { key: testKey, headers });
    expect([reply.status, jsonOf(reply)]).toMatchObject([404, { id: 1, error: { code: -32601 } }]);
  });
});

describe('a requestState', () => {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
  const call = (more: object = {}, key = testKey, args: object = {}): Promise<Answer> => {
    const { body, headers } = modernRequest('tools/call', { name: 'ask_all', arguments: args }, 7, 'ask_all');
    const { params, ...rest } = body as { params: object };
    return post(`${door.url}/mcp/legacy`, { ...rest, params: { ...params, _meta: meta, ...more } }, { key, headers });
  };
  interface Asked {
    result: { resultType: string; requestState: string; inputRequests: Record<string, { method: string }>; content?: { text: string }[] };
  }
  const asked = async (reply: Promise<Answer>): Promise<Asked['result']> => (jsonOf(await reply) as Asked).result;
  const answerTo = (method: string): object =>
    ({
      'elicitation/create': { action: 'accept', content: { name: 'raw' } },
      'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'red' } },
      'roots/list': { roots },
    })[method] ?? {};

  test('M13: is of use to the caller who got it, for the same parameters, once; answers that are missing are asked for again, others are ignored', async () => {
    const first = await asked(call());
    expect(first.resultType).toBe('input_required');
    expect(
      Object.values(first.inputRequests)
        .map(({ method }) => method)
        .sort(),
    ).toEqual(['elicitation/create', 'roots/list', 'sampling/createMessage']);
    const { requestState } = first;
    const refusal = { error: { code: -32602, message: expect.stringContaining('requestState') as string } };
    expect(jsonOf(await call({ requestState }, otherKey))).toMatchObject(refusal);
    expect(jsonOf(await call({ requestState }, testKey, { other: 1 }))).toMatchObject(refusal);
    expect(jsonOf(await call({ requestState: `${requestState.slice(0, -2)}AA` }))).toMatchObject(refusal);

    const all = Object.fromEntries(Object.entries(first.inputRequests).map(([key, { method }]) => [key, answerTo(method)]));
    const [[firstKey, firstAnswer] = ['', {}]] = Object.entries(all);
    const second = await asked(call({ requestState, inputResponses: { [firstKey]: firstAnswer, unknown: {} } }));
    expect(second.resultType).toBe('input_required');
    expect(Object.keys(second.inputRequests).sort()).toEqual(
      Object.keys(all)
        .filter((key) => key !== firstKey)
        .sort(),
    );
    const last = await asked(call({ requestState: second.requestState, inputResponses: all }));
    expect(last).toMatchObject({ resultType: 'complete', content: [{ text: 'raw red file:///here' }] });
    expect(jsonOf(await call({ requestState: second.requestState, inputResponses: all }))).toMatchObject(refusal);
  });
});

describe('a client with sessions at a server of 2026-07-28', () => {
  test('is asked for a form, a completion and roots by requests, and each of two users gets the call of their own answers', async () => {
    const [ada, bob] = await Promise.all([legacyClient('ada'), legacyClient('bob', otherKey)]);
    const answers = await Promise.all([ada, bob, ada, bob].map(({ client }) => client.callTool({ name: 'ask_all', arguments: {} })));
    expect(answers.map(textOf)).toEqual(['ada ada-blue file:///here', 'bob bob-blue file:///here', 'ada ada-blue file:///here', 'bob bob-blue file:///here']);
    await Promise.all([ada.client.close(), bob.client.close()]);
  });

  test('of the second generation of the official SDK is asked as well', async () => {
    const client = withAnswers(new ModernClient({ name: 'ada', version: '1' }, { capabilities }), 'ada');
    await client.connect(new ModernTransport(new URL(`${door.url}/mcp/modern`), init(testKey)));
    expect(client.getNegotiatedProtocolVersion()).toBe('2025-11-25');
    expect(textOf(await client.callTool({ name: 'ask_all', arguments: {} }))).toBe('ada ada-blue file:///here');
    await client.close();
  });

  test('sees the server as it says of itself, without the words of a later version', async () => {
    const { client } = await legacyClient('ada');
    expect([client.getServerVersion(), client.getInstructions(), client.getServerCapabilities()]).toMatchObject([
      { name: 'modern-server' },
      'Be kind.',
      { tools: { listChanged: true }, resources: { subscribe: true } },
    ]);
    await client.ping();
    const list = await client.listTools();
    expect(Object.keys(list)).not.toContain('resultType');
    expect(list.tools.find(({ name }) => name === 'numbers')?.outputSchema).toMatchObject({ type: 'object', properties: { result: { type: 'array' } } });
    expect(await client.callTool({ name: 'numbers', arguments: {} })).toMatchObject({ structuredContent: { result: [1, 2] } });
    await expect(client.readResource({ uri: 'test://none' })).rejects.toMatchObject({ code: -32002 });
    await client.close();
  });

  test('gets log messages of the level that it set, and progress', async () => {
    const { client } = await legacyClient('ada');
    const seen: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void seen.push(params.data));
    const tell = (): Promise<unknown> => client.callTool({ name: 'tell', arguments: {} }, undefined, { onprogress: ({ progress }) => seen.push(progress) });
    await tell();
    await client.setLoggingLevel('error');
    await tell();
    expect(seen).toEqual(['told', 1, 1]);
    await client.close();
  });

  test('cancels by saying so, and not by leaving', async () => {
    const { client } = await legacyClient('ada');
    const before = modern.slow.cancelled;
    const stop = new AbortController();
    const call = client.callTool({ name: 'slow', arguments: {} }, undefined, { signal: stop.signal });
    await until(() => modern.slow.waiting === 1);
    stop.abort();
    await expect(call).rejects.toThrow(/abort|cancel/i);
    await until(() => modern.slow.cancelled === before + 1);

    const left = client.callTool({ name: 'slow', arguments: {} }).catch(() => undefined);
    await until(() => modern.slow.waiting === 1);
    await client.close();
    await left;
    await client.close();
    expect(modern.slow).toEqual({ waiting: 1, cancelled: before + 1 });
  });

  test('hears of changed lists and of the resources that it subscribed to, until its session ends', async () => {
    const { client, transport } = await legacyClient('ada');
    const seen: string[] = [];
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void seen.push('tools'));
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void seen.push(params.uri));
    await client.subscribeResource({ uri: 'test://note' });
    await until(() => {
      modern.toolsChanged();
      modern.resourceUpdated('test://note');
      return seen.includes('tools') && seen.includes('test://note');
    });
    const { sessionId } = transport;
    await transport.terminateSession();
    const headers = { 'mcp-session-id': sessionId ?? '', 'mcp-protocol-version': '2025-11-25' };
    const after = await post(`${door.url}/mcp/modern`, { jsonrpc: '2.0', id: 1, method: 'ping' }, { key: testKey, headers });
    expect(after.status).toBe(404);
    await client.close();
  });

  test("a session's id is of no use to another principal or at another server, and a call without one is told how to begin", async () => {
    const { client, transport } = await legacyClient('ada');
    const headers = { 'mcp-session-id': transport.sessionId ?? '', 'mcp-protocol-version': '2025-11-25' };
    const ping = (path: string, key: string, more: Record<string, string> = headers): Promise<Answer> =>
      post(`${door.url}/mcp/${path}`, { jsonrpc: '2.0', id: 1, method: 'ping' }, { key, headers: more });
    expect((await ping('modern', testKey)).status).toBe(200);
    expect((await ping('modern', otherKey)).status).toBe(404);
    expect((await ping('legacy', testKey)).status).toBe(404);
    expect(await ping('modern', testKey, { 'mcp-protocol-version': '2025-11-25' })).toMatchObject({
      status: 400,
      text: expect.stringContaining('initialize') as string,
    });
    await client.close();
  });
});
