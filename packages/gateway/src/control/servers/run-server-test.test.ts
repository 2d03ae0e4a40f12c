import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McpServer, ResourceTemplate, createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { startReference } from '../../../../../test/support/reference.ts';
import { runServerTest, type ServerTarget } from './run-server-test.ts';

const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function listen(server: Server, path?: string): Promise<string> {
  await new Promise<void>((resolve) => void (path === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve)));
  ends.push(() => new Promise((resolve) => void server.close(resolve)));
  return path === undefined ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : 'http://localhost';
}

const httpServer = (listener: RequestListener) => {
  const server = createHttpServer(listener);
  ends.push(() => server.closeAllConnections());
  return server;
};

const target = (more: Partial<ServerTarget>): ServerTarget => ({
  name: 'x',
  origin: 'http://127.0.0.1:9',
  upstreamPath: '/mcp',
  socketPath: null,
  credential: null,
  ...more,
});

/** The SDK's structural type of a request does not allow for properties that are there and undefined. */
function listenerOf(handler: McpHttpHandler): RequestListener {
  const listener = toNodeHandler(handler);
  return (request, response) => void listener(request as Parameters<typeof listener>[0], response);
}

function mcpHandler(register?: (server: McpServer) => void): RequestListener {
  return listenerOf(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'small', version: '1.2.3' });
      server.registerTool('echo', { description: 'Says it back.' }, () => ({ content: [] }));
      register?.(server);
      return server;
    }),
  );
}

test('a server that is well is described, with its tools and how long each step took', async () => {
  const reference = await startReference();
  ends.push(() => reference.stop());
  const { origin, pathname } = new URL(reference.url);
  const result = await runServerTest(target({ origin, upstreamPath: pathname }));
  expect(result).toMatchObject({
    ok: true,
    failedAt: null,
    reason: null,
    fix: null,
    protocolVersion: expect.stringMatching(/^\d{4}-/),
    toolsCut: false,
    handshakeMs: expect.any(Number),
    toolsMs: expect.any(Number),
  });
  expect(result.tools?.length).toBeGreaterThan(1);
});

test('a server on a Unix socket is reached, with the credential of the gateway', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const seen = new Set<string | undefined>();
  const handler = mcpHandler();
  const socketPath = join(folder, 's.sock');
  const origin = await listen(
    httpServer((request, response) => {
      seen.add(request.headers['x-key']?.toString());
      handler(request, response);
    }),
    socketPath,
  );
  const result = await runServerTest(target({ origin, socketPath, credential: { header: 'X-Key', value: 'ours' } }));
  expect(result).toMatchObject({
    ok: true,
    era: 'modern',
    serverName: 'small',
    serverVersion: '1.2.3',
    tools: [{ name: 'echo', description: 'Says it back.' }],
  });
  expect([...seen]).toEqual(['ours']);
});

test('what a server offers beside tools is listed with it: resources, their templates, prompts; a list that fails fails nothing', async () => {
  const handler = mcpHandler((server) => {
    server.registerResource('readme', 'file:///readme', { description: 'To be read first.', mimeType: 'text/plain' }, () => ({ contents: [] }));
    server.registerResource('file', new ResourceTemplate('file:///{path}', { list: undefined }), {}, () => ({ contents: [] }));
    server.registerPrompt('greet', { description: 'Says hello.', argsSchema: z.object({ whom: z.string() }) }, () => ({ messages: [] }));
  });
  expect(await runServerTest(target({ origin: await listen(httpServer(handler)) }))).toMatchObject({
    ok: true,
    resources: [
      { uri: 'file:///readme', isTemplate: false, name: 'readme', description: 'To be read first.', mimeType: 'text/plain' },
      { uri: 'file:///{path}', isTemplate: true, name: 'file', description: '', mimeType: null },
    ],
    prompts: [{ name: 'greet', description: 'Says hello.', arguments: [{ name: 'whom', description: '', required: true }] }],
    othersCut: false,
  });
  const broken = mcpHandler((server) => {
    server.registerPrompt('greet', {}, () => ({ messages: [] }));
    server.server.setRequestHandler('prompts/list', () => {
      throw new Error('the prompts are out');
    });
  });
  const result = await runServerTest(target({ origin: await listen(httpServer(broken)) }));
  expect(result).toMatchObject({ ok: true, resources: [], prompts: null });
});

test('a tool is described by what its server says of it: title, hints, schemas; a schema that is too long is left out and the tool is not', async () => {
  const long = z.object(Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`member_${index}`, z.string().describe('x'.repeat(60))])));
  const handler = mcpHandler((server) => {
    const shape = { inputSchema: z.object({ path: z.string().describe('Which.') }), outputSchema: z.object({ size: z.number() }) };
    server.registerTool('stat', { title: 'Look at a file', annotations: { readOnlyHint: true }, ...shape }, () => ({
      content: [],
      structuredContent: { size: 1 },
    }));
    server.registerTool('long', { inputSchema: long }, () => ({ content: [] }));
  });
  const { tools } = await runServerTest(target({ origin: await listen(httpServer(handler)) }));
  expect(tools).toMatchObject([
    { name: 'echo', title: '', said: [], annotations: { readOnlyHint: false, destructiveHint: true }, inputSchema: { type: 'object' }, outputSchema: null },
    {
      name: 'stat',
      title: 'Look at a file',
      said: ['readOnlyHint'],
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
      inputSchema: { type: 'object', properties: { path: { type: 'string', description: 'Which.' } }, required: ['path'] },
      outputSchema: { type: 'object', properties: { size: { type: 'number' } } },
    },
    { name: 'long', inputSchema: null },
  ]);
});

test('a server that is not there fails at connect', async () => {
  const server = createTcpServer();
  const origin = await listen(server);
  await ends.pop()?.();
  expect(await runServerTest(target({ origin }))).toMatchObject({
    ok: false,
    failedAt: 'connect',
    reason: expect.stringContaining('ECONNREFUSED'),
    fix: expect.stringContaining('reaches this address and port'),
    tools: null,
  });
});

test('a port that fetch never connects to fails at connect, and is said to be one', async () => {
  expect(await runServerTest(target({ origin: 'http://127.0.0.1:9' }))).toMatchObject({
    ok: false,
    failedAt: 'connect',
    reason: expect.stringContaining('bad port'),
    fix: expect.stringContaining('another port'),
  });
});

test('an answer that is not MCP fails at the handshake', async () => {
  const origin = await listen(httpServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>')));
  expect(await runServerTest(target({ origin }))).toMatchObject({
    ok: false,
    failedAt: 'handshake',
    reason: expect.any(String),
    fix: expect.stringContaining('the path of its address'),
  });
});

test('a server that refuses the credential fails at the handshake and says 401', async () => {
  const origin = await listen(httpServer((_, response) => response.writeHead(401).end()));
  const result = await runServerTest(target({ origin }));
  expect(result).toMatchObject({ ok: false, failedAt: 'handshake' });
  expect(result.reason).toMatch(/401|[Uu]nauthorized/);
});

test('what a server says with its refusal is the reason', async () => {
  const message = 'The server crash is not available: its process failed: it ended with exit code 3.';
  const origin = await listen(
    httpServer((request, response) => {
      request.resume();
      response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -31503, message } }));
    }),
  );
  expect(await runServerTest(target({ origin }))).toMatchObject({ ok: false, failedAt: 'handshake', reason: `HTTP 503: ${message}` });
});

test('E1 an address that nothing is sent to is not connected to, unless the server names it', async () => {
  let asked = 0;
  const { port } = new URL(await listen(httpServer((_, response) => (asked++, response.writeHead(500).end()))));
  const origin = `http://0.0.0.0:${port}`;
  expect(await runServerTest(target({ origin }))).toMatchObject({
    ok: false,
    failedAt: 'connect',
    reason: expect.stringContaining('never sent to'),
    fix: expect.stringContaining('allow_addresses'),
  });
  expect(asked).toBe(0);
  expect(await runServerTest(target({ origin, allowedNetworks: ['0.0.0.0'] }))).toMatchObject({ failedAt: 'handshake' });
});

test('E5 a redirect is not followed', async () => {
  let followed = false;
  const other = await listen(httpServer((_, response) => ((followed = true), response.end())));
  const origin = await listen(httpServer((_, response) => response.writeHead(307, { location: `${other}/mcp` }).end()));
  expect(await runServerTest(target({ origin }))).toMatchObject({ ok: false });
  expect(followed).toBe(false);
});

test('a server that never answers is given its time and no more', async () => {
  const origin = await listen(httpServer(() => undefined));
  const startedAt = performance.now();
  expect(await runServerTest(target({ origin }), 300)).toMatchObject({ ok: false, reason: 'no answer in time' });
  expect(performance.now() - startedAt).toBeLessThan(5000);
});

test('M15 a list of tools without end is cut', async () => {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'endless', version: '1' }, { capabilities: { tools: {} } });
    server.server.setRequestHandler('tools/list', () => ({
      tools: Array.from({ length: 100 }, (_, index) => ({ name: `tool-${index}`, inputSchema: { type: 'object' as const } })),
      nextCursor: 'again',
    }));
    return server;
  });
  const origin = await listen(httpServer(listenerOf(handler)));
  const result = await runServerTest(target({ origin }));
  expect(result).toMatchObject({ ok: true, toolsCut: true });
  expect(result.tools).toHaveLength(2000);
});
