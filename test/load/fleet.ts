/**
 * Many small MCP servers in one process, for the bench of the fabric: `fleet.ts COUNT TOOLS`. Each listens on a port of its own and
 * speaks both eras; the legacy one keeps sessions. Tools: `query_0` … answer 600 bytes at once; `stream` with 100
 * progress events, one a millisecond. First line on stdout: `{"ready":true,"ports":[…]}`. Ends when its stdin ends.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { answer, createFleetWords, type FleetMessage, isModern } from './fleet-words.ts';

const [count = 1, tools = 10] = process.argv.slice(2).map(Number);
const streamEvents = 100;
const resultOf = createFleetWords(tools);

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
  const message = JSON.parse(Buffer.concat(chunks).toString()) as FleetMessage;
  const { id, method, params } = message;
  const send = (headers: Record<string, string> = {}): void => {
    const body = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${resultOf(message)}}`;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers }).end(body);
  };

  if (method === 'initialize') {
    const session = randomUUID();
    sessions.add(session);
    send({ 'mcp-session-id': session });
  } else if (!isModern(message) && !sessions.has(String(sessionId))) response.writeHead(404, { 'content-length': 0 }).end();
  else if (id === undefined) response.writeHead(202, { 'content-length': 0 }).end();
  else if (method === 'tools/call' && params?.name === 'stream') await stream(response, id, params._meta?.['progressToken']);
  else send();
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
