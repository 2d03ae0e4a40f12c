import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type RemoteServer, startSseServer, startWebSocketServer } from '../support/bridge/remote-servers.ts';
import { repositoryFolder } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { post } from '../support/post.ts';
import { removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';

/** Every transport, on both sides of a gateway of two workers. */
const everything: [string, ...string[]] = ['node', join(repositoryFolder, 'node_modules', '@modelcontextprotocol', 'server-everything', 'dist', 'index.js')];
const modern: [string, ...string[]] = ['node', join(repositoryFolder, 'test', 'support', 'bridge', 'modern-server.mjs')];
const secret = 'upstream-secret-of-the-gateway';
const servers: RemoteServer[] = [];
let gateway: RunningGateway;

beforeAll(async () => {
  const authorization = `Bearer ${secret}`;
  servers.push(
    ...(await Promise.all([
      startWebSocketServer({ command: everything, authorization }),
      startSseServer({ command: everything, authorization }),
      startWebSocketServer({ command: modern }),
    ])),
  );
  const credential = { type: 'bearer', secret: { env: 'UPSTREAM_TOKEN' } };
  gateway = await startGateway({
    config: {
      workers: 2,
      listen: { websocket: true, sse: true },
      servers: [
        { name: 'socket', transport: 'websocket', url: servers[0]?.url, credential },
        { name: 'stream', transport: 'sse', url: servers[1]?.url, credential },
        { name: 'modern', transport: 'websocket', url: servers[2]?.url },
      ],
    },
    env: { UPSTREAM_TOKEN: secret },
  });
  await until(async () => (await post(`${gateway.url}/readyz`)).text.includes('"servers":{"ready":3,'), { what: 'the servers', timeoutMs: 30_000 });
}, 90_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all(servers.map((server) => server.stop()));
  removeGatewayFolders();
});

const headers = (key: string | null = gateway.apiKey): { authorization: string } => ({ authorization: `Bearer ${key ?? ''}` });

async function echo(client: LegacyClient): Promise<void> {
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
  for (let call = 0; call < 8; call++) {
    expect(await client.callTool({ name: 'echo', arguments: { message: `hi ${call}` } })).toMatchObject({ content: [{ text: `Echo: hi ${call}` }] });
  }
}

describe('servers', () => {
  test.each(['socket', 'stream'])('a legacy client reaches the one named %s over streamable HTTP', async (server) => {
    const client = new LegacyClient({ name: 'http', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(`${gateway.mcp}/${server}`), { requestInit: { headers: headers() } });
    await client.connect(transport);
    await echo(client);
    await transport.terminateSession();
    await client.close();
  });

  test('a modern client reaches a modern one behind a WebSocket', async () => {
    const client = new ModernClient({ name: 'http', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new ModernTransport(new URL(`${gateway.mcp}/modern`), { requestInit: { headers: headers() } }));
    expect(await client.callTool({ name: 'echo', arguments: { value: 'over' } })).toMatchObject({ content: [{ text: 'over' }] });
    await client.close();
  });

  test('the list shows how each is reached, and the secret is nowhere', async () => {
    const listed = await gateway.cli('servers', 'list', '-o', 'json');
    const shown = JSON.parse(listed.stdout) as { servers: { name: string; transport: string }[] };
    expect(shown.servers.map(({ name, transport }) => [name, transport])).toEqual([
      ['socket', 'websocket'],
      ['stream', 'sse'],
      ['modern', 'websocket'],
    ]);
    expect((await gateway.cli('servers', 'test', 'socket')).code).toBe(0);
    expect(listed.stdout + gateway.stdout() + gateway.stderr()).not.toContain(secret);
  });
});

describe('clients', () => {
  test('of HTTP+SSE: the messages of a stream find it, whichever worker they come to', async () => {
    const all = Array.from({ length: 4 }, () => new LegacyClient({ name: 'sse', version: '1' }));
    await Promise.all(
      all.map((client) => client.connect(new SSEClientTransport(new URL(`${gateway.mcp}/stream/sse`), { requestInit: { headers: headers() } }))),
    );
    await Promise.all(all.map(echo));
    await Promise.all(all.map((client) => client.close()));
    // Their sessions end with them, at the gateway and behind it.
    await until(() => servers[1]?.open === 0, { what: 'the sessions to end' });
  });

  test('of WebSocket reach the endpoint of all servers too', async () => {
    const all = await open(gateway.apiKey, '/mcp');
    all.send(list);
    await until(() => all.text().includes('modern') && all.text().includes('socket'), { what: 'the list of all' });
  });

  test('of WebSocket and HTTP+SSE are let in and put out by a reload', async () => {
    const one = await open(gateway.apiKey);
    const file = readFileSync(gateway.configFile, 'utf8');
    try {
      writeFileSync(gateway.configFile, file.replace('"websocket": true', '"websocket": false').replace('"sse": true', '"sse": false'));
      expect((await gateway.cli('reload')).code).toBe(0);
      expect(await one.closed).toBe(1008);
      await expect(open(gateway.apiKey)).rejects.toThrow('400');
      expect((await post(`${gateway.mcp}/stream/sse`, undefined, { key: gateway.apiKey })).status).toBe(404);
    } finally {
      writeFileSync(gateway.configFile, file);
      expect((await gateway.cli('reload')).code).toBe(0);
    }
    expect((await open(gateway.apiKey)).text()).toBe('');
  }, 30_000);

  test('of WebSocket: a revoked key ends the link within two seconds, a stop of the gateway says that it goes away', async () => {
    const made = JSON.parse((await gateway.cli('keys', 'create', '--name', 'ws', '-o', 'json')).stdout) as { id: string; secret: string };
    const [kept, revoked] = await Promise.all([open(gateway.apiKey), open(made.secret)]);
    for (const one of [kept, revoked]) {
      one.send(list);
      await until(() => one.text().includes('"echo"'), { what: 'the list' });
    }
    expect((await gateway.cli('keys', 'revoke', made.id)).code).toBe(0);
    const revokedAt = performance.now();
    expect(await revoked.closed).toBe(1008);
    expect(performance.now() - revokedAt).toBeLessThan(2_000);
    kept.send(list);
    expect(await gateway.stop()).toBe(0);
    expect(await kept.closed).toBe(1001);
  }, 40_000);
});

const list = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} } },
};

async function open(key: string | null, path = '/mcp/modern'): Promise<{ send(message: object): void; text(): string; closed: Promise<number> }> {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}${path}`, ['mcp'], { headers: headers(key) });
  let text = '';
  socket.on('message', (data: Buffer) => (text += data.toString()));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  return { send: (message) => socket.send(JSON.stringify(message)), text: () => text, closed };
}
