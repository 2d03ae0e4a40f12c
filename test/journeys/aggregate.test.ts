import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { until } from '../support/poll.ts';
import { jsonOf, modernRequest, post } from '../support/post.ts';
import { plainEndpointData } from '../support/server-data.ts';
import { startDoor, testKey, type TestDoor } from '../support/start-door.ts';

const init = { requestInit: { headers: { authorization: `Bearer ${testKey}` } } };
const textOf = (result: object): unknown => (result as { content?: { text?: string }[] }).content?.[0]?.text;

describe('a server of each era behind one address', () => {
  let modern: EraServer;
  let legacy: EraServer;
  let door: TestDoor;
  const roots = [{ uri: 'file:///here' }];
  const capabilities = { elicitation: { form: {} }, sampling: {}, roots: {} };
  const asked: string[] = [];

  beforeAll(async () => {
    [modern, legacy] = await Promise.all([startEraServer('modern'), startEraServer('legacy')]);
    const names = ['modern', 'legacy'];
    door = await startDoor({
      servers: [
        { name: 'modern', origin: modern.origin, timeoutMs: 20_000 },
        { name: 'legacy', origin: legacy.origin, timeoutMs: 20_000, auth: 'none' },
      ],
      endpoints: [
        plainEndpointData(names),
        plainEndpointData(names, {
          name: 'v/few',
          path: '/mcp/v/few',
          tools: [{ server: 'legacy', pattern: 'tell', rename: 'say', description: 'Says it.' }],
          resources: [],
        }),
        plainEndpointData(names, { name: 'v/open', path: '/mcp/v/open', auth: 'none' }),
        plainEndpointData(names, { name: 'v/found', path: '/mcp/v/found', toolExposure: 'search' }),
      ],
    });
  });
  afterAll(async () => {
    await door.stop();
    await Promise.all([modern.stop(), legacy.stop()]);
  });
  afterEach(() => asked.splice(0));

  async function modernClient(path = '/mcp'): Promise<ModernClient> {
    const client = new ModernClient({ name: 'ada', version: '1' }, { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } });
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params.message);
      return { action: 'accept' as const, content: { name: 'ada' } };
    });
    client.setRequestHandler('sampling/createMessage', () => ({ role: 'assistant' as const, model: 'm', content: { type: 'text' as const, text: 'blue' } }));
    client.setRequestHandler('roots/list', () => ({ roots }));
    await client.connect(new ModernTransport(new URL(door.url + path), init));
    return client;
  }

  async function legacyClient(): Promise<LegacyClient> {
    const client = new LegacyClient({ name: 'ada', version: '1' }, { capabilities });
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params.message);
      return { action: 'accept', content: { name: 'ada' } };
    });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'blue' } }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots }));
    await client.connect(new LegacyTransport(new URL(`${door.url}/mcp`), init));
    return client;
  }

  const allTools = ['modern', 'legacy'].flatMap((server) => ['ask_all', 'tell', 'slow', 'numbers'].map((tool) => `${server}__${tool}`));

  test('a client of 2026-07-28 lists and calls both, and is told which server asks', async () => {
    const client = await modernClient();
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(allTools);
    for (const server of ['modern', 'legacy']) {
      expect(textOf(await client.callTool({ name: `${server}__ask_all`, arguments: {} }))).toBe('ada blue file:///here');
      expect(asked.pop()).toBe(`[${server}] Who?`);
    }
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(['test://~modern///note', 'test://~legacy///note']);
    expect((await client.readResource({ uri: 'test://~legacy///note' })).contents).toMatchObject([{ uri: 'test://~legacy///note', text: 'note' }]);
    await client.close();
  });

  test('so does a client of before', async () => {
    const client = await legacyClient();
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(allTools);
    for (const server of ['modern', 'legacy']) {
      expect(textOf(await client.callTool({ name: `${server}__ask_all`, arguments: {} }))).toBe('ada blue file:///here');
      expect(asked.pop()).toBe(`[${server}] Who?`);
    }
    await expect(client.callTool({ name: 'other__tell', arguments: {} })).rejects.toThrow('Unknown tool: other__tell');
    expect(client.getInstructions()).toBe('# modern\n\nBe kind.\n\n# legacy\n\nBe kind.');
    await client.close();
  });

  test('changes of both reach who listens, a resource under the name that was subscribed', async () => {
    const [client, older] = [await modernClient(), await legacyClient()];
    const seen = new Set<string>();
    client.setNotificationHandler('notifications/tools/list_changed', () => void seen.add('tools'));
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void seen.add(params.uri));
    older.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void seen.add(`older ${params.uri}`));
    await client.listTools();
    await client.listen({ toolsListChanged: true, resourceSubscriptions: ['test://~legacy///note'] });
    await older.subscribeResource({ uri: 'test://~modern///note' });
    await until(() => {
      modern.toolsChanged();
      modern.resourceUpdated('test://note');
      legacy.resourceUpdated('test://note');
      return ['tools', 'test://~legacy///note', 'older test://~modern///note'].every((one) => seen.has(one));
    });
    expect(seen.has('test://~modern///note') || seen.has('test://note')).toBe(false);
    await Promise.all([client.close(), older.close()]);
  });

  test('a call is recorded for the server and the tool that it reached, a list for the address', async () => {
    const client = await modernClient();
    const before = (await door.journal()).length;
    await client.listTools();
    await client.callTool({ name: 'legacy__tell', arguments: {} });
    const written = (await door.journal()).subarray(before).toString('latin1');
    expect(written).toMatch(/\*[^]*tools\/list/);
    expect(written).toMatch(/legacy[^]*tools\/call[^]*tell/);
    expect(written).not.toContain('legacy__tell');
    await client.close();
  });

  test('a virtual server has what was selected, under the names that were given', async () => {
    const client = await modernClient('/mcp/v/few');
    expect((await client.listTools()).tools.map(({ name, description }) => [name, description])).toEqual([['say', 'Says it.']]);
    expect(textOf(await client.callTool({ name: 'say', arguments: {} }))).toBe('done');
    await expect(client.callTool({ name: 'legacy__slow', arguments: {} })).rejects.toThrow('Unknown tool: legacy__slow');
    expect((await client.listResources()).resources).toEqual([]);
    await client.close();
  });

  test('who comes without a key reaches only servers that are open at their own address', async () => {
    const { body, headers } = modernRequest('tools/list');
    const { result } = jsonOf(await post(`${door.url}/mcp/v/open`, body, { headers })) as { result: { tools: { name: string }[] } };
    expect(result.tools.map(({ name }) => name).filter((name) => !name.startsWith('legacy__'))).toEqual([]);
    expect(result.tools.length).toBeGreaterThan(0);
    expect((await post(`${door.url}/mcp`, body, { headers })).status).toBe(401);
  });

  test('a tool that is found by search is called as itself', async () => {
    const client = await modernClient('/mcp/v/found');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['search_tools', 'describe_tool', 'call_tool']);
    const found = (await client.callTool({ name: 'search_tools', arguments: { query: 'legacy asks', limit: 1 } })).structuredContent;
    expect(found).toEqual({ tools: [{ name: 'legacy__ask_all', description: 'Asks' }] });
    const before = (await door.journal()).length;
    expect(textOf(await client.callTool({ name: 'call_tool', arguments: { name: 'legacy__ask_all', arguments: {} } }))).toBe('ada blue file:///here');
    expect((await door.journal()).subarray(before).toString('latin1')).toMatch(/legacy[^]*tools\/call[^]*ask_all/);
    await client.close();
  });
});

describe('sixty servers', () => {
  const servers: HttpServer[] = [];
  let door: TestDoor | null = null;

  afterAll(async () => {
    await door?.stop();
    for (const server of servers) server.closeAllConnections();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  });

  /** The least that a server of 2026-07-28 must answer. */
  async function startTiny(index: number): Promise<string> {
    const server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        const { id, method, params } = JSON.parse(text) as { id: unknown; method: string; params: { name?: string; arguments?: object } };
        const cache = { ttlMs: 60_000, cacheScope: 'public' };
        const results: Readonly<Record<string, object>> = {
          'server/discover': { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ...cache },
          'tools/list': { resultType: 'complete', tools: [{ name: `tool_${index}`, inputSchema: { type: 'object' } }], ...cache },
          'tools/call': { resultType: 'complete', content: [], structuredContent: { tool: params.name, ...params.arguments } },
        };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] }));
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('the first list of a gateway that has just started holds them all within the deadline of one, and names the one that stalls', async () => {
    const origins = await Promise.all(Array.from({ length: 60 }, (_, index) => startTiny(index)));
    const stalled = createServer(() => undefined);
    servers.push(stalled);
    await new Promise<void>((resolve) => stalled.listen(0, '127.0.0.1', resolve));
    origins.push(`http://127.0.0.1:${(stalled.address() as AddressInfo).port}`);
    const names = origins.map((_, index) => `server-${index}`);
    door = await startDoor({
      servers: origins.map((origin, index) => ({ name: names[index] ?? '', origin })),
      endpoints: [plainEndpointData(names, { deadlineMs: 1_800 })],
    });
    const { body, headers } = modernRequest('tools/list');
    const answer = await post(`${door.url}/mcp`, body, { headers, key: testKey });
    const { result } = jsonOf(answer) as { result: { tools: { name: string }[]; _meta: Record<string, unknown> } };
    expect(result.tools.map(({ name }) => name)).toEqual(Array.from({ length: 60 }, (_, index) => `server-${index}__tool_${index}`));
    expect(result._meta['io.gatewayops/unavailable']).toEqual([{ server: 'server-60', reason: 'mcp_timeout', stale: false }]);
    // The one that stalls is not waited for again, nor by calls to others, each of which gets its own answer though all have one id.
    const calls = Array.from({ length: 100 }, async (_, n) => {
      const name = `server-${n % 60}__tool_${n % 60}`;
      const call = modernRequest('tools/call', { name, arguments: { n } }, 1, name);
      return jsonOf(await post(`${door?.url ?? ''}/mcp`, call.body, { headers: call.headers, key: testKey }));
    });
    expect(await Promise.all(calls)).toMatchObject(calls.map((__, n) => ({ id: 1, result: { structuredContent: { tool: `tool_${n % 60}`, n } } })));
    const again = await post(`${door.url}/mcp`, body, { headers, key: testKey });
    expect(again.ms).toBeLessThan(1_800);
  });
});
