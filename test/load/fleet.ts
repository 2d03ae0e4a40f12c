/**
 * Many small MCP servers in one process, for the bench of the fabric: `fleet.ts COUNT TOOLS`. Each listens on a port of its own and
 * speaks both eras; the legacy one keeps sessions. Tools: `query_0` … answer 600 bytes at once; `slow` after two seconds;
 * `stream` with 100 progress events, one a millisecond. First line on stdout: `{"ready":true,"ports":[…]}`. Ends when its stdin ends.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { replyBody } from './messages.ts';

interface Message {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly _meta?: Readonly<Record<string, unknown>> };
}

const [count = 1, tools = 10] = process.argv.slice(2).map(Number);
const slowMs = 2_000;
const streamEvents = 100;
const schema = { type: 'object', properties: { query: { type: 'string', description: 'What to look for, in the words of a person.' } }, required: ['query'] };
const list = JSON.stringify(
  [...Array.from({ length: tools }, (_, index) => `query_${index}`), 'slow', 'stream'].map((name) => ({
    name,
    description: `Looks things up: ${name}.`,
    inputSchema: schema,
  })),
);
const answer = (JSON.parse(replyBody) as { result: unknown }).result;
const answerText = JSON.stringify(answer).slice(1);
const capabilities = '{"tools":{"listChanged":false}}';
const info = '{"name":"fleet","version":"1"}';

async function serve(request: IncomingMessage, response: ServerResponse, sessions: Set<string>): Promise<void> {
  const sessionId = request.headers['mcp-session-id'];
  if (request.method === 'DELETE') {
    sessions.delete(String(sessionId));
    response.writeHead(204).end();
    return;
  }
  if (request.method !== 'POST') {
    response.writeHead(405, { 'content-length': 0 }).end();
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as Message;
  const modern = params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined;
  const send = (result: string, headers: Record<string, string> = {}): void => {
    const body = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers }).end(body);
  };
  const lists = modern ? '"resultType":"complete","ttlMs":600000,"cacheScope":"public",' : '';

  if (method === 'initialize') {
    const session = randomUUID();
    sessions.add(session);
    send(`{"protocolVersion":"2025-11-25","capabilities":${capabilities},"serverInfo":${info}}`, { 'mcp-session-id': session });
  } else if (!modern && !sessions.has(String(sessionId))) response.writeHead(404, { 'content-length': 0 }).end();
  else if (id === undefined) response.writeHead(202, { 'content-length': 0 }).end();
  else if (method === 'server/discover')
    send(`{${lists}"supportedVersions":["2026-07-28"],"capabilities":${capabilities},"_meta":{"io.modelcontextprotocol/serverInfo":${info}}}`);
  else if (method === 'tools/list') send(`{${lists}"tools":${list}}`);
  else if (method !== 'tools/call') send('{}');
  else if (params?.name === 'stream') await stream(response, id, params._meta?.['progressToken']);
  else {
    if (params?.name === 'slow') await pause(slowMs);
    send(`{${modern ? '' : '"legacy":true,'}${answerText}`);
  }
}

async function stream(response: ServerResponse, id: number | string, progressToken: unknown): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let progress = 1; progress <= streamEvents; progress += 1) {
    response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress } })}\n\n`);
    await pause(1);
  }
  response.end(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result: answer })}\n\n`);
}

const ports = await Promise.all(
  Array.from({ length: count }, () => {
    const sessions = new Set<string>();
    const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, (request, response) => {
      serve(request, response, sessions).catch((error: unknown) => response.destroy(error as Error));
    });
    return new Promise<number>((resolve) =>
      server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => resolve((server.address() as AddressInfo).port)),
    );
  }),
);
process.stdout.write(`${JSON.stringify({ ready: true, ports })}\n`);
process.stdin.resume().on('end', () => process.exit(0));
