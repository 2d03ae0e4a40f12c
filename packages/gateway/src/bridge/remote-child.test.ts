import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, test } from 'vitest';
import {
  fixture,
  initializeBody,
  ready,
  repository,
  send,
  session,
  stopBridges,
  testBridge,
  toolCall,
  until,
  type TestBridge,
} from '../../../../test/support/bridge/bridge-client.ts';
import { type RemoteServer, type RemoteServerOptions, startSseServer, startWebSocketServer } from '../../../../test/support/bridge/remote-servers.ts';
import { makeAuthority, makeServerCertificate } from '../../../../test/support/certificates.ts';
import type { BridgeRemote } from './bridge-options.ts';

const servers: RemoteServer[] = [];
afterEach(async () => {
  await stopBridges();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const everything: [string, ...string[]] = ['node', join(repository, 'node_modules', '@modelcontextprotocol', 'server-everything', 'dist', 'index.js')];
const modern: [string, ...string[]] = ['node', fixture('modern-server.mjs')];

async function serve(transport: BridgeRemote['transport'], options: RemoteServerOptions): Promise<RemoteServer> {
  const server = await (transport === 'websocket' ? startWebSocketServer(options) : startSseServer(options));
  servers.push(server);
  return server;
}

const bridged = (
  transport: BridgeRemote['transport'],
  { url }: RemoteServer,
  headers: Record<string, string> = {},
  limits = {},
  tls?: BridgeRemote['tls'],
): Promise<TestBridge> => testBridge({ command: null, remote: { transport, url, headers, tls }, cwd: '/', limits });

async function connect(url: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities: { sampling: {} } });
  client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant' as const, content: { type: 'text' as const, text: 'sampled' } }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return client;
}

const meta = '{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';

describe.each(['websocket', 'sse'] as const)('a server over %s', (transport) => {
  test('is one over streamable HTTP: a session each with a connection of its own, both ways, and the credential is shown', async () => {
    const server = await serve(transport, { command: everything, authorization: 'Bearer s3cret-of-the-gateway' });
    const bridge = await bridged(transport, server, { authorization: 'Bearer s3cret-of-the-gateway' });
    await ready(bridge);
    const [one, other] = await Promise.all([connect(bridge.url), connect(bridge.url)]);
    expect((await one.listTools()).tools.map(({ name }) => name)).toContain('echo');
    expect(await other.callTool({ name: 'echo', arguments: { message: 'hi' } })).toMatchObject({ content: [{ text: 'Echo: hi' }] });
    expect(JSON.stringify(await one.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'p' } }, undefined, { timeout: 10_000 }))).toContain(
      'sampled',
    );
    expect(server.open).toBe(2);
    await one.close();
    await other.close();
    expect(JSON.stringify(bridge.log) + JSON.stringify(bridge.bridge.status())).not.toContain('s3cret');
  });

  test('of 2026-07-28 is served without sessions, over one connection', async () => {
    const server = await serve(transport, { command: modern });
    const bridge = await bridged(transport, server);
    await ready(bridge);
    const answers = await Promise.all(
      ['1', '1', '"a"'].map((id) => send(bridge.url, toolCall(id, 'echo', { value: `for ${id}` }, meta), { 'mcp-protocol-version': '2026-07-28' })),
    );
    expect(answers.map(({ text }) => (JSON.parse(text) as { id: unknown }).id)).toEqual([1, 1, 'a']);
    await until(() => server.open === 1);
  });

  test('that cuts the connection fails its session and is connected to anew', async () => {
    const server = await serve(transport, { command: everything });
    const bridge = await bridged(transport, server);
    await ready(bridge);
    const headers = await session(bridge.url);
    server.cut();
    await until(async () => (await send(bridge.url, toolCall('2', 'echo', { message: 'x' }), headers)).status === 404);
    const again = await until(async () => {
      const answer = await send(bridge.url, initializeBody('3'));
      return answer.status === 200 && answer;
    });
    expect(again.headers.get('mcp-session-id')).not.toBeNull();
  });

  test('E1: is not connected to where its address is one that nothing is sent to, unless it is named', async () => {
    const server = await serve(transport, { command: modern });
    const at = { ...server, url: server.url.replace('127.0.0.1', '0.0.0.0') };
    expect(at.url).not.toBe(server.url);
    const refused = await bridged(transport, at, {}, { backoffMs: 20 });
    await until(() => refused.bridge.ready().reason?.includes('never sent to'));
    expect(server.authorizations).toEqual([]);
    await ready(await testBridge({ command: null, remote: { transport, url: at.url, headers: {}, allowedNetworks: ['0.0.0.0/32'] }, cwd: '/' }));
  });

  test('that refuses the credential, or that nobody answers for, says so by /readyz and to every call', async () => {
    const server = await serve(transport, { command: everything, authorization: 'Bearer right' });
    const bridge = await bridged(transport, server, { authorization: 'Bearer wrong-one' }, { backoffMs: 20 });
    const refused = await until(() => bridge.bridge.ready().reason?.includes('credential') === true && bridge.bridge.ready());
    expect(refused).toMatchObject({ ready: false, reason: expect.stringContaining("refused the gateway's credential (HTTP 401)") });
    expect(await send(bridge.url, initializeBody('1'))).toMatchObject({ status: 503, text: expect.stringContaining('its connection') });
    await server.stop();
    await until(() => bridge.bridge.ready().reason?.includes('ECONNREFUSED'));
  });
});

describe.each(['websocket', 'sse'] as const)('TLS to a server over %s', (transport) => {
  test('is verified: by the authority that is named, and by no other', async () => {
    const authority = await makeAuthority();
    const { cert, key } = await makeServerCertificate(authority);
    const server = await serve(transport, { command: modern, tls: { cert, key } });
    const trusted = await bridged(transport, server, {}, {}, { ca: authority.cert });
    const untrusted = await bridged(transport, server, { authorization: 'Bearer s3cret-of-the-gateway' }, { backoffMs: 20 });
    await ready(trusted);
    await until(() => untrusted.log.some((entry) => /UNABLE_TO|SELF_SIGNED/.test(String(entry.fields['reason']))));
    expect(untrusted.bridge.ready().ready).toBe(false);
    expect(server.authorizations).not.toContain('Bearer s3cret-of-the-gateway');
  });
});

describe('hostile servers', () => {
  test.each([
    ['a binary frame', (socket: { send(data: Buffer): void }) => socket.send(Buffer.from('{}')), 'binary frame'],
    ['a frame over the bound', (socket: { send(data: string): void }) => socket.send('x'.repeat(70_000)), 'Max payload'],
  ])('%s ends the connection, and the reason is known', async (_, act, reason) => {
    const server = await serve('websocket', { command: everything, onSocket: (socket) => socket.on('message', () => act(socket)) });
    const bridge = await bridged('websocket', server, {}, { lineBytesMax: 65_536, backoffMs: 20 });
    await until(() => bridge.log.some((entry) => String(entry.fields['reason']).includes(reason)), 5_000, reason);
  });

  test('a server that answers no pings is given up', async () => {
    const server = await serve('websocket', {
      command: everything,
      onSocket(socket) {
        socket.on('message', (data: Buffer) => {
          const { id } = JSON.parse(data.toString()) as { id: number };
          socket.send(
            JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } } }),
          );
          socket.pause();
        });
      },
    });
    const bridge = await bridged('websocket', server, {}, { keepAliveMs: 50 });
    await until(() => bridge.log.some((entry) => entry.event === 'bridge.server_known'));
    await send(bridge.url, initializeBody('1'));
    await until(() => bridge.log.some((entry) => entry.fields['reason'] === 'it answers no pings'));
  });

  test.each([
    ['of another origin', 'http://127.0.0.2:9/messages', 'of another origin'],
    ['of another scheme', 'file:///etc/passwd', 'of another origin'],
  ])('an address for messages %s gets nothing', async (_, place, reason) => {
    const methods: string[] = [];
    const server = await serve('sse', {
      command: everything,
      onRequest(request, response) {
        methods.push(request.method ?? '');
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`event: endpoint\ndata: ${place}\n\n`);
      },
    });
    const bridge = await bridged('sse', server, {}, { backoffMs: 20 });
    await until(() => bridge.log.some((entry) => String(entry.fields['reason']).includes(reason)));
    expect(methods).not.toContain('POST');
  });

  test('a redirect is not followed, and a stream that names no address is given up', async () => {
    let redirect = true;
    const server = await serve('sse', {
      command: everything,
      onRequest(_request, response) {
        if (redirect) return void response.writeHead(302, { location: 'http://127.0.0.2:9/' }).end();
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(':\n\n');
      },
    });
    const bridge = await bridged('sse', server, {}, { backoffMs: 20, connectTimeoutMs: 100, crashesMax: 50 });
    await until(() => bridge.log.some((entry) => String(entry.fields['reason']).includes('redirect')));
    redirect = false;
    await until(() => bridge.log.some((entry) => String(entry.fields['reason']).includes('named no address')));
  });

  test('a message that the server refuses is an error of that request; the session goes on', async () => {
    const server = await serve('sse', {
      command: everything,
      onRequest(request, response) {
        if (request.method === 'GET') {
          streams.push(response);
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          return void response.write(`event: endpoint\ndata: ?session=${streams.length}\n\n`);
        }
        const stream = streams[Number(new URL(request.url ?? '', 'http://x').searchParams.get('session')) - 1];
        let body = '';
        request
          .on('data', (chunk: Buffer) => (body += chunk.toString()))
          .on('end', () => {
            const { id, method } = JSON.parse(body) as { id?: number; method: string };
            if (method === 'tools/list') return void response.writeHead(413).end();
            response.writeHead(202).end();
            if (id !== undefined) stream?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25' } })}\n\n`);
          });
      },
    });
    const streams: { write(text: string): void }[] = [];
    const bridge = await bridged('sse', server);
    await ready(bridge);
    const headers = await session(bridge.url);
    const refused = await send(bridge.url, '{"jsonrpc":"2.0","id":7,"method":"tools/list"}', headers);
    expect(JSON.parse(refused.text)).toMatchObject({ id: 7, error: { data: { error: 'upstream_invalid' } } });
    expect((await send(bridge.url, '{"jsonrpc":"2.0","id":8,"method":"ping"}', headers)).text).toContain('"id":8');
  });
});
